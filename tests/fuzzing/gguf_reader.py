"""The GGUF reader, with bytes that need not be GGUF at all."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import gguf_maker as maker
from fuzzing.judge import Broken, opened
from localai.errors import DocumentError
from localai.gguf import cursor, reader
from localai.gguf.facts import Array, GgufFile

MODULES = ("localai.gguf.reader", "localai.gguf.cursor", "localai.gguf.facts")
LONGEST = 4096
HOLE = 1 << 40  # bytes: what is claimed of the file's length is then true
WORDS = (
    b"GGUF",
    b"general.alignment",
    b"general.architecture",
    b"general.type",
    b"split.count",
    b"tokenizer.ggml.tokens",
    b"tokenizer.chat_template",
    *(number.to_bytes(4, "little") for number in range(14)),
    *(number.to_bytes(8, "little") for number in (1, 2, 3, 4, 16, 32, 64, 65_535, 65_536)),
    *((1 << power).to_bytes(8, "little") for power in (20, 24, 31, 32, 40, 62, 63)),
    *(((1 << power) - 1).to_bytes(8, "little") for power in (31, 32, 63, 64)),
)


def prepare() -> None:
    """Lower the caps: else a few inputs that cost all that is allowed take up all the time."""
    reader.MAX_ELEMENTS = 1 << 14
    cursor.MAX_KEPT = 1 << 16


def run(data: bytes) -> None:
    """Read ``data``; where it says more than there is, once more with a hole behind it."""
    try:
        check(read(data))
    except DocumentError as error:
        if "truncated" in error.message:
            try_hole(data)


def try_hole(data: bytes) -> None:
    try:
        check(read(data, HOLE))
    except DocumentError:
        return


def read(data: bytes, hole: int = 0) -> GgufFile:
    with opened(data, hole) as (fd, size):
        return reader.read_gguf(fd, size)


def check(file: GgufFile) -> None:
    """What whoever uses the reader relies on."""
    for tensor in file.tensors:
        if not file.data_offset <= tensor.offset <= tensor.offset + tensor.size <= file.size:
            raise Broken(f"{tensor} outside of {file.size} bytes")
        if (tensor.size == 0) != (tensor.elements == 0) or tensor.offset % file.alignment:
            raise Broken(f"{tensor}: the size or the alignment is wrong")
    if len({tensor.name for tensor in file.tensors}) != len(file.tensors):
        raise Broken("two tensors of one name")
    kept = 0
    for key, value in file.metadata.items():
        kept += len(key.encode())
        if len(key.encode()) > reader.MAX_NAME:
            raise Broken(f"a key of {len(key)} characters")
        if isinstance(value, str):
            kept += len(value.encode())
        if isinstance(value, Array) and not value.offset <= file.size:
            raise Broken(f"{key}: {value} outside of {file.size} bytes")
    if kept > cursor.MAX_KEPT:
        raise Broken(f"{kept} bytes kept")


def seeds() -> Iterator[bytes]:
    """Small files of every kind of value, a whole vocabulary, a part of a set, damaged ones."""
    yield b""
    yield b"GGUF"
    yield maker.Parts().bytes()
    kinds = [kind for kind in range(13) if kind not in (maker.STRING, maker.ARRAY)]
    scalars = [maker.entry(f"k{kind}", kind, kind == maker.BOOL) for kind in kinds]
    arrays = [maker.entry_array(f"a{kind}", kind, [1, 1]) for kind in kinds]
    words = maker.entry_array("general.tags", maker.STRING, ["one", "two"])
    tokens = maker.entry_array("tokenizer.ggml.tokens", maker.STRING, [b"\xff", "a"])
    tensors = (maker.tensor_info("t", [8], 0, 0), maker.tensor_info("u", [32, 2], 2, 32))
    whole = maker.Parts((*scalars, *arrays, words, tokens), tensors, bytes(128))
    yield whole.bytes()
    yield whole._replace(version=2).bytes()
    yield whole._replace(version=1).bytes()
    yield whole._replace(data=b"").bytes()
    aligned = maker.entry("general.alignment", maker.U32, 64)
    yield maker.Parts((aligned,), tensors[:1], bytes(64), alignment=64).bytes()
    yield maker.Parts((*scalars, maker.entry_array("k", maker.STRING, [], 1 << 22))).bytes()
    yield maker.Parts((maker.entry_array("k", maker.ARRAY, [], 1),)).bytes()
    yield maker.Parts((maker.string("k") + struct.pack("<II", 13, 0),)).bytes()
