"""What the tests read of the engine's source package: all of that, nothing else, or nothing."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from bootstrap.engine_source import PACKAGE, PINNED, VARIABLE, bring_engine_source, unpack_source
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout
from bootstrap.pip import Pip
from bootstrap.screen import Step

TOP = "llama_cpp_python-0.3.36/vendor/llama.cpp"
WANTED = ("models/ggml-vocab-a.gguf", "models/templates/b.jinja", "tests/test-gguf.cpp")
UNWANTED = (
    f"{TOP}/models/ggml-vocab-a.gguf.inp",
    f"{TOP}/models/../../escaped.gguf",
    f"{TOP}/src/llama.cpp",
    "models/not-llama.cpp's.gguf",
)


def package(folder: Path, *names: str) -> Path:
    path = folder / PACKAGE
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
        link = tarfile.TarInfo(f"{TOP}/models/link.gguf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


def test_only_what_the_tests_read_is_unpacked(tmp_path: Path) -> None:
    wanted = [f"{TOP}/{name}" for name in WANTED]
    place = tmp_path / "inner" / "engine-source"
    place.parent.mkdir()
    assert unpack_source(package(tmp_path, *wanted, *UNWANTED), place, Step("trial")) == 3
    found = {str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir()}
    assert found == set(WANTED)
    assert (place / WANTED[0]).read_text() == f"{TOP}/{WANTED[0]}"
    assert {path.name for path in tmp_path.iterdir()} == {PACKAGE, "inner"}
    assert [path.name for path in place.parent.iterdir()] == ["engine-source"]


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_a_cut_package_leaves_nothing_under_the_name(tmp_path: Path, cut: int) -> None:
    path = package(tmp_path, f"{TOP}/{WANTED[0]}")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CannotError):
        unpack_source(path, tmp_path / "engine-source", Step("trial"))
    assert not (tmp_path / "engine-source").exists()


def test_another_package_is_none(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match="holds nothing"):
        unpack_source(package(tmp_path, *UNWANTED), tmp_path / "engine-source", Step("trial"))
    assert not (tmp_path / "engine-source").exists()


def test_a_package_with_another_digest_is_not_even_unpacked(
    tmp_path: Path, venv: Path, environ: dict[str, str]
) -> None:
    checkout = Checkout(tmp_path)
    offered = tmp_path / "offered"
    offered.mkdir()
    package(offered, f"{TOP}/{WANTED[0]}")
    offer = {**environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(offered)}
    with pytest.raises(CannotError, match="could not fetch the engine's source") as raised:
        bring_engine_source(checkout, Pip(venv, offer))
    assert VARIABLE in raised.value.hint
    assert "--hash=sha256:" in PINNED
    assert "DO NOT MATCH THE HASHES" in (venv / "pip.log").read_text()
    assert not checkout.engine_source.exists()


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.engine_source.mkdir(parents=True)
    bring_engine_source(checkout, Pip(tmp_path / "no-venv", {}))
