"""Bytes that belong to nothing: none may carry anything."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

import gguf_maker as maker
from localai.findings import Verdict
from localai.gguf.hidden import MOST, find_hidden
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.layout import find_layout

Opened = Callable[[bytes], OpenGguf]


def small(data: bytes) -> maker.Parts:
    """Two tensors of 8 bytes each, both followed by 24 bytes of padding."""
    infos = (maker.tensor_info("one", [2], 0, 0), maker.tensor_info("two", [2], 0, 32))
    return maker.Parts(tensors=infos, data=data)


def test_a_model_hides_nothing(opened: Opened) -> None:
    file = opened(maker.make_model())
    assert find_hidden(file.fd, file.header) == []


@pytest.mark.parametrize("at", [8, 31, 40, 63])
def test_a_byte_in_the_padding_is_found(opened: Opened, at: int) -> None:
    data = bytearray(64)
    data[at] = 1
    file = opened(small(bytes(data)).bytes())
    (finding,) = find_hidden(file.fd, file.header)
    assert (finding.check, finding.verdict) == ("gguf-layout", Verdict.FAIL)
    place = file.header.data_offset + at
    assert finding.evidence == f"byte {place}, in the padding, is not zero and belongs to nothing"


def test_a_byte_between_header_and_data_is_found(opened: Opened) -> None:
    content = bytearray(small(bytes(64)).bytes())
    data = opened(bytes(content)).header.data_offset
    content[data - 1] = 1
    file = opened(bytes(content))
    (finding,) = find_hidden(file.fd, file.header)
    assert finding.evidence.startswith(f"byte {data - 1}, in the padding")


def test_the_tensors_own_bytes_are_theirs(opened: Opened) -> None:
    data = b"\xff" * 8 + bytes(24) + b"\xff" * 8
    file = opened(small(data).bytes())
    assert find_hidden(file.fd, file.header) == []


@pytest.mark.parametrize("hidden", [b"#", bytes(3 << 20) + b"!"])
def test_a_byte_behind_the_end_is_found(opened: Opened, hidden: bytes) -> None:
    file = opened(maker.make_model() + hidden)
    failed = [finding for finding in inspect([file]) if finding.refuses]
    assert [finding.summary for finding in failed] == ["hidden bytes"]
    assert failed[0].evidence.startswith(f"byte {file.header.size - 1}, behind the last tensor")


def test_zeros_behind_the_end_are_noted_and_only_so_many_are_read(opened: Opened) -> None:
    file = opened(maker.make_model() + bytes(4096))
    assert find_hidden(file.fd, file.header) == []
    assert [finding.verdict for finding in find_layout(file.header)] == [Verdict.NOTE]
    whole = file.header.size - 4096
    os.truncate(file.fd, whole + (10 << 40))  # sparse: ten terabytes that nobody wrote
    (finding,) = find_hidden(file.fd, file.header._replace(size=whole + (10 << 40)))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "bytes behind the end")
    assert str(MOST) in finding.evidence


def test_a_file_that_became_shorter_is_no_endless_loop(opened: Opened) -> None:
    file = opened(maker.make_model() + bytes(4096))
    os.truncate(file.fd, 100)
    assert find_hidden(file.fd, file.header) == []
