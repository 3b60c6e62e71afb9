"""``manifest import`` of a file that its owner changes meanwhile, and of one too many."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from home import Home

from localai.manifest.folders import MOST

TIMES = 8  # without a second look, one in two was enough


@contextmanager
def swapping(path: Path, *contents: bytes) -> Iterator[None]:
    """Have ``path`` hold now the one and now the other, each whole."""
    stop, beside = threading.Event(), path.with_name("beside")

    def swap() -> None:
        while not stop.is_set():
            for content in contents:
                beside.write_bytes(content)
                beside.replace(path)
                stop.wait(0.002)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_what_is_stored_is_what_was_verified(home: Home, tmp_path: Path) -> None:
    """Else it would take the place of a manifest that counted, and nothing would be approved."""
    moved = home.copy(tmp_path)
    own, brought = moved.directory / "config/manifests", tmp_path / "brought"
    shutil.copytree(own, brought)
    signed = (own / "own.yaml").read_bytes()
    codes = set()
    with swapping(brought / "own.yaml", signed, signed + b"# changed\n"):
        for _ in range(TIMES):
            codes.add(moved.call("manifest", "import", str(brought / "own.yaml")).returncode)
            assert (own / "own.yaml").read_bytes() == signed
    assert codes <= {0, 3}


def test_one_too_many_is_not_taken_in(home: Home, tmp_path: Path) -> None:
    """Else none of them would be read any more."""
    moved = home.copy(tmp_path)
    own = moved.directory / "config/manifests"
    other = tmp_path / "other.yaml"
    other.write_text((own / "own.yaml").read_text().replace("name: own\n", "name: other\n"))
    moved.call("manifest", "sign", str(other), check=True)
    for number in range(MOST - 1):
        (own / f"{number}.yaml").write_text("no manifest\n")
    for command in (("import", str(other)), ("init", "more")):
        ran = moved.call("manifest", *command)
        assert ran.returncode == 4
        assert f"there are {MOST} manifests" in ran.stderr.decode()
    moved.call("verify", str(moved.model), check=True)
    (own / "0.yaml").unlink()
    moved.call("manifest", "import", str(other), check=True)
