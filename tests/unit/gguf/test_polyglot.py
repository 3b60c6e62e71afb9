"""A GGUF that is something else as well, made by the other format's own tools where we can."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

import gguf_maker as maker
from localai.findings import Verdict
from localai.gguf.inspect import OpenGguf
from localai.gguf.polyglot import find_polyglot

Opened = Callable[[bytes], OpenGguf]


def with_text(text: str) -> bytes:
    """A model whose first entry is ``text``."""
    parts = maker.model_parts()
    note = maker.entry("general.description", maker.STRING, text)
    return parts._replace(entries=(note, *parts.entries)).bytes()


def look(file: OpenGguf) -> str:
    findings = find_polyglot(file.fd, file.header.size)
    assert all(finding.verdict is Verdict.FAIL for finding in findings)
    return "; ".join(finding.evidence for finding in findings)


def zipped(comment: bytes = b"") -> bytes:
    """A model with an archive behind it, which Python would run."""
    stream = io.BytesIO()
    stream.write(maker.make_model())
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("__main__.py", "print('not a model')")
        archive.comment = comment
    return stream.getvalue()


@pytest.mark.parametrize("comment", [b"", b"c" * 65_535])
def test_a_zip_behind_the_model(opened: Opened, comment: bytes) -> None:
    content = zipped(comment)
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["__main__.py"]
    assert look(opened(content)) == "the same bytes are a ZIP archive"


def test_a_zip_inside_the_last_tensor(opened: Opened) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__main__.py", "print('not a model')")
    inside = stream.getvalue().ljust(1024, b"\0")
    parts = maker.Parts(tensors=(maker.tensor_info("t", [256], 0, 0),), data=inside)
    content = parts.bytes()
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["__main__.py"]
    assert look(opened(content)) == "the same bytes are a ZIP archive"


def test_four_bytes_alone_are_chance(opened: Opened) -> None:
    data = (b"PK\x05\x06" * 64).ljust(1024, b"\x01")
    parts = maker.Parts(tensors=(maker.tensor_info("t", [256], 0, 0),), data=data)
    assert look(opened(parts.bytes())) == ""


@pytest.mark.parametrize(
    ("sign", "name"),
    [("%PDF-1.7\n", "a PDF document"), ("Rar!\x1a\x07", "a RAR archive")],
)
def test_what_may_begin_later(opened: Opened, sign: str, name: str) -> None:
    assert look(opened(with_text(sign))) == f"the same bytes are {name}"


def test_a_pdf_mark_that_comes_too_late_is_a_text(opened: Opened) -> None:
    assert look(opened(with_text(" " * 1024 + "%PDF-1.7"))) == ""


def test_a_tar_is_found_where_its_reader_looks(opened: Opened) -> None:
    before = with_text("ustar").index(b"ustar")
    content = with_text(" " * (257 - before) + "ustar")
    assert content[257:262] == b"ustar"
    assert look(opened(content)) == "the same bytes are a tar archive"


def test_a_plain_model_is_one_thing(opened: Opened) -> None:
    assert look(opened(maker.make_model())) == ""
