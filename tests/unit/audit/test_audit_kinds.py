"""A model is known by what stands in it, and what has a model's name counts as one too."""

from __future__ import annotations

import pickle
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from localai.audit.kinds import LLAMAFILE, name_model


def kind(tmp_path: Path, name: str, content: bytes) -> str | None:
    path = tmp_path / name
    path.write_bytes(content)
    with path.open("rb") as file:
        return name_model(file.fileno(), len(content), name)


def archive(*names: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, bytes(100))
    return made.getvalue()


SAFETENSORS = struct.pack("<Q", 2) + b"{}" + bytes(8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"GGUF" + bytes(40), "GGUF"),
        (b"lmgg" + bytes(40), "GGML file, the format before GGUF"),
        (SAFETENSORS, "safetensors"),
        (SAFETENSORS + archive("x"), "safetensors that is also a ZIP archive"),
        (pickle.dumps({"weights": [1]}, 4), "Python pickle"),
        (archive("a/data.pkl"), "PyTorch checkpoint (ZIP with a pickle)"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5 file, as Keras writes"),
        (bytes(4) + b"TFL3" + bytes(40), "TensorFlow Lite model"),
        (b"MZqFpD='\n" + bytes(60) + archive("llamafile", "m.Q4.gguf"), LLAMAFILE),
        (b"\x7fELF" + bytes(60) + archive("m.gguf"), LLAMAFILE),
    ],
)
@pytest.mark.parametrize("name", ["anything", "holiday.jpg", "notes.txt"])
def test_by_content_whatever_its_name(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    assert kind(tmp_path, name, content) == expected


@pytest.mark.parametrize("name", ["m.gguf", "M.GGUF", "m.safetensors", "m.onnx", "m.llamafile"])
def test_by_name_whatever_stands_in_it(tmp_path: Path, name: str) -> None:
    assert kind(tmp_path, name, b"\x00\x01\x02 nothing that is known") is not None
    assert kind(tmp_path, "other.dat", b"\x00\x01\x02 nothing that is known") is None


def test_lines_of_pythons_search_path_are_no_checkpoint(tmp_path: Path) -> None:
    assert kind(tmp_path, "site.pth", b"import os; os.environ\n/usr/lib/x\n") is None
    assert kind(tmp_path, "m.pth", b"\x00\x01\x02 nothing that is known") is not None
    assert kind(tmp_path, "m.pth", pickle.dumps({"weights": [1]}, 0)) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"text",
        b"{}",
        b"GGU",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"\x7fELF" + bytes(100),
        b"\x7fELF" + bytes(100) + archive("data.txt"),
        archive("m.txt"),
        b"%PDF-1.7",
    ],
)
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    assert kind(tmp_path, "file", content) is None
