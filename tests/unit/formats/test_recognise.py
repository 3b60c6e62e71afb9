"""A file is what stands in it, whatever it is called."""

from __future__ import annotations

import gzip
import io
import lzma
import pickle
import tarfile
import tempfile
import zipfile
import zlib
from bz2 import compress as bzip2

import pytest
from looking import look

import formats_maker as maker
import parquet_maker
from localai.errors import DocumentError
from localai.formats.format import Kind
from localai.formats.recognise import recognise


class Calls:
    """What a hostile pickle holds: a call. Printing is as good a call as any."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("this must never be seen",)


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name in names:
            written.writestr(name, b"content")
    return file.getvalue()


def tar(name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as written:
        written.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def numpy(descr: str) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)


KINDS = [
    (b"GGUF\x03\x00\x00\x00" + bytes(40), "model.txt", Kind.GGUF),
    (maker.safetensors(), "model.gguf", Kind.SAFETENSORS),
    (parquet_maker.parquet(), "rows.csv", Kind.PARQUET),
    (b'{"a": 1}\n{"a": 2}\n', "rows.jsonl", Kind.JSONL),
    (b'{"a": 1}\n{"a": 2}\n', "rows.json", Kind.JSONL),
    (b'{"a": 1}\n{"a": 2}\n', "rows", Kind.JSONL),
    (b'{"a": "' + b"x" * 9000 + b'"}\n', "rows", Kind.JSONL),
    (b"\xef\xbb\xbf" + b'{"a": 1}\n', "rows.txt", Kind.JSONL),
    (b'[\n{"a": 1}\n]\n', "rows.json", Kind.JSON),
    (b"a,b\n1,2\n", "rows.csv", Kind.CSV),
    (b"a\tb\n1\t2\n", "rows.TSV", Kind.CSV),
    (b"a,b\n1,2\n", "rows.txt", Kind.TEXT),
    (b"a word\n", "README", Kind.TEXT),
    ("a word, Wörter\n".encode("utf-16"), "notes.txt", Kind.TEXT),
    ("a word, words\n".encode("utf-16-le"), "notes.txt", Kind.TEXT),
    ("a word, words\n".encode("utf-16-be"), "notes.csv", Kind.CSV),
    ("Wörter".encode("latin-1"), "notes.txt", Kind.TEXT),
    # Texts that begin like something else.
    (b"PAR1,PAR2\n1,2\n", "parameters.csv", Kind.CSV),
    (b"MZUNGU,name\n", "words.csv", Kind.CSV),
    (b"BZhou,name\n", "words.csv", Kind.CSV),
    (b"ORCHID,name\n", "words.csv", Kind.CSV),
    (b"category\ntool\nhammer\n", "words.txt", Kind.TEXT),
    (b"A\n2\n3\n", "numbers.csv", Kind.CSV),
]


@pytest.mark.parametrize(("data", "name", "kind"), KINDS)
def test_a_kind_is_recognised(data: bytes, name: str, kind: Kind) -> None:
    assert look(data, name).kind is kind


PICKLES = [
    *((pickle.dumps({"a": [1, 2]}, protocol), "Python pickle") for protocol in range(6)),
    *((pickle.dumps([1, "two"], protocol), "Python pickle") for protocol in range(6)),
    *((pickle.dumps(Calls(), protocol), "Python pickle") for protocol in range(6)),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", "PyTorch checkpoint"),
    (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x13joblib.numpy_pickle", "joblib"),
    (archive("archive/data.pkl", "archive/data/0"), "PyTorch checkpoint"),
    (numpy("'|O'"), "NumPy file with objects"),
    (numpy("[('a', '|O')]"), "NumPy file with objects"),
    (archive("a.npy"), "NumPy archive"),
    (archive("metadata.json", "config.json", "model.weights.h5"), "Keras model"),
    (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
    (bytes(512) + b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
    (b"RDX3\nX\n" + bytes(20), "R data"),
    (b"A\n3\n262657\n197888\n", "R data"),
    (b"\xac\xed\x00\x05sr\x00", "serialised Java objects"),
]


@pytest.mark.parametrize(
    "name", ["model.gguf", "rows.jsonl", "notes.txt", "model", "x.safetensors"]
)
@pytest.mark.parametrize(("data", "expected"), PICKLES)
def test_what_runs_code_is_refused_under_any_name(data: bytes, expected: str, name: str) -> None:
    found = look(data, name)
    assert found.kind is Kind.REFUSED
    assert found.format.name.startswith(expected)
    assert found.contents.facts == ()
    [finding] = found.contents.findings
    assert (finding.check, finding.refuses) == ("file-type", True)
    assert finding.why
    assert finding.remedy


def test_what_was_refused_would_have_run(capsys: pytest.CaptureFixture[str]) -> None:
    data = pickle.dumps(Calls())
    look(data, "model.pkl")
    assert capsys.readouterr().out == ""
    pickle.loads(data)  # what opening it comes to
    assert capsys.readouterr().out == "this must never be seen\n"


CALL = b"cbuiltins\nprint\n(S'this must never be seen'\ntR."
WRITTEN = {
    "nothing, thrown away": b"N0" + CALL,
    "a number, thrown away": b"I1\n0" + CALL,
    "a mark, thrown away": b"(1" + CALL,
    "a line of a table, thrown away": b"Vname,wish\n0" + CALL,
    "a long line, thrown away": b"V" + b"a" * 9000 + b"\n0" + CALL,
    "the arguments first": b"(S'this must never be seen'\nibuiltins\nprint\n.",
    "more marks than anybody reads": b"(" * 60_000 + b"1" + CALL,
}


@pytest.mark.parametrize("begun", WRITTEN)
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "notes.txt", "weights.bin"])
def test_a_pickle_of_letters_alone_is_no_text(
    begun: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = WRITTEN[begun]
    assert look(data, name).format.name == "Python pickle"
    assert capsys.readouterr().out == ""
    pickle.loads(data)
    assert capsys.readouterr().out == "this must never be seen\n"


@pytest.mark.parametrize(
    "data",
    [
        b"cat\ndog\nR.\n",
        b"cat\ndog\n(tail\n",
        b"(a list)\n",
        b"I1\nI2\nI3\n",
        b"N" * 9000 + b"TAACCC\n",
        b"01" * 60_000,
        b"S'a'\n.\n",
        b"N.",
    ],
)
def test_a_text_that_begins_like_a_pickle_is_a_text(data: bytes) -> None:
    assert look(data, "notes.txt").kind is Kind.TEXT


BY_NAME = [
    (b"I1\n.", "model.pkl", "Python pickle"),
    (b"\x00\x01\x02\x03", "model.ckpt", "PyTorch checkpoint"),
    (archive("weights"), "pytorch_model.bin", "PyTorch checkpoint"),
    (archive("config"), "model.keras", "Keras"),
    (zlib.compress(b"\x80\x04"), "model.joblib", "joblib"),
    (b"\x08\x01\x12\x80\x10" + bytes(40), "saved_model.pb", "TensorFlow graph"),
    (b"\x08\x08\x12\x07pytorch" + bytes(40), "model.onnx", "ONNX"),
    (b"\x82\xa6params\x80", "flax_model.msgpack", "msgpack"),
    (tar("model_config.yaml"), "model.nemo", "NeMo"),
]


@pytest.mark.parametrize(("data", "name", "expected"), BY_NAME)
def test_what_has_no_mark_is_refused_by_its_name(data: bytes, name: str, expected: str) -> None:
    found = look(data, name)
    assert found.kind is Kind.REFUSED
    assert found.format.name.startswith(expected)


OTHERS = [
    (gzip.compress(b"{}\n"), "gzip"),
    (bzip2(b"{}\n"), "bzip2"),
    (lzma.compress(b"{}\n"), "xz"),
    (lzma.compress(b"{}\n", format=lzma.FORMAT_ALONE), "LZMA"),
    (b"\x28\xb5\x2f\xfd" + bytes(20), "zstd"),
    (archive("rows.jsonl"), "ZIP archive"),
    (archive("[Content_Types].xml"), "office document"),
    (tar("rows.jsonl"), "tar archive"),
    (b"", "empty file"),
    (b"\x00\x01\x02\x03" * 20, "file of an unknown format"),
    (bytes(4096), "file of an unknown format"),
    (numpy("'<f8'"), "NumPy array"),
    (b"\x1c\x00\x00\x00TFL3" + bytes(20), "TensorFlow Lite"),
    (b"\x7fELF\x02\x01\x01" + bytes(20), "program"),
    (b"MZ\x90\x00" + bytes(60), "program"),
    (b"#!/bin/sh\nrm -r ~\n", "program"),
    (b"<!DOCTYPE html><html><head></head></html>", "web page"),
    (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    (b"PARE" + bytes(40), "Parquet with an encrypted footer"),
    (b"SQLite format 3\x00" + bytes(40), "SQLite"),
    (b"lmgg" + bytes(40), "GGML"),
]


@pytest.mark.parametrize(("data", "expected"), OTHERS, ids=[name for _, name in OTHERS])
def test_what_cannot_be_looked_at_is_refused(data: bytes, expected: str) -> None:
    found = look(data, "rows.jsonl")
    assert found.kind is Kind.REFUSED
    assert found.format.name.startswith(expected)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (maker.safetensors(), "model.safetensors"),
        (parquet_maker.parquet(), "rows.parquet"),
        (b'{"a": 1}\n' * 1000, "rows.jsonl"),
        (b"a,b\n1,2\n" * 1000, "rows.csv"),
        (b"a word\n" * 1000, "notes.txt"),
    ],
)
def test_a_file_that_is_an_archive_too_is_refused(data: bytes, name: str) -> None:
    both = data + archive("archive/data.pkl")
    assert zipfile.is_zipfile(io.BytesIO(both))
    found = look(both, name)
    assert found.kind is Kind.REFUSED
    assert "also a ZIP archive" in found.format.name
    assert look(data, name).kind is not Kind.REFUSED


def test_a_mark_without_an_archive_is_none() -> None:
    data = b"a word\n" * 1000 + b"PK\x05\x06 is how a ZIP archive ends\n" * 4000
    assert look(data, "notes.txt").kind is Kind.TEXT


def test_a_file_that_became_shorter() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"a word\n")
        file.flush()
        with pytest.raises(DocumentError, match="ends at byte 7, while it is read"):
            recognise(file.fileno(), 5000, "notes.txt")
