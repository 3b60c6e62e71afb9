"""An officer's installation: no engine, no numpy, no compiler. It does all but start a model."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

# Ends the import of the engine as if it were not installed, in every Python of the command.
ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("llama_cpp", "numpy", "diskcache"):
            print("SOUGHT", name, file=sys.stderr)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def office(tmp_path: Path, environ: dict[str, str], tiny_bytes: bytes) -> dict[str, str]:
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(ABSENT)
    (tmp_path / "model.gguf").write_bytes(tiny_bytes)
    environ["PYTHONPATH"] = f"{tmp_path / 'absent'}:{environ['PYTHONPATH']}"
    return environ


def localai(
    office: dict[str, str], place: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localai", *arguments]
    return subprocess.run(
        command, cwd=place, env=office, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_an_officer_needs_no_engine(office: dict[str, str], tmp_path: Path) -> None:
    terms = ("--publisher", "Example", "--repository", "example/tiny", "--licence", "MIT")
    for arguments in (
        ("keys", "generate", "--unencrypted-key"),
        ("trust", "init"),
        ("inspect", "model.gguf"),
        ("manifest", "init", "agency"),
        ("manifest", "add", "model.gguf", *terms),
        ("manifest", "request-signature"),
        ("manifest", "sign"),
        ("manifest", "verify"),
        ("manifest", "verify", "--by-hand"),
        ("manifest", "export", "--dsse", "agency.json"),
        ("manifest", "status"),
        ("manifest", "show"),
        ("verify", "model.gguf"),
    ):
        done = localai(office, tmp_path, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert "SOUGHT" not in done.stderr, arguments


def test_the_engine_is_missed_where_a_model_would_start(
    office: dict[str, str], tmp_path: Path
) -> None:
    """The control, in a Python that really has none: said once, in words of ours."""
    localai(office, tmp_path, "setup", "--label", "sandbox", "--unencrypted-key")
    terms = ("--source", "example/tiny", "--licence", "MIT", "--yes")
    assert localai(office, tmp_path, "approve", "model.gguf", *terms).returncode == 0
    venv.create(tmp_path / "venv", symlinks=True)
    packages = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    for present in Path(sysconfig.get_path("purelib")).iterdir():
        if not present.name.startswith("llama_cpp"):
            (packages / present.name).symlink_to(present)
    command = [tmp_path / "venv" / "bin" / "python", "-m", "localai", "check", "model.gguf"]
    environ = {name: value for name, value in office.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 3
    assert " ".join(done.stdout.split()).count("llama-cpp-python is not installed") == 1
    assert "localai.errors" not in done.stdout
