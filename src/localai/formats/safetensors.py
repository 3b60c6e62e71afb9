"""safetensors: the header's bytes to facts, bounds-checked; facts to findings.

Source: the format's own description (huggingface/safetensors, README, "Format"): eight bytes of
length, that many bytes of JSON, then the tensors' bytes without a gap. The JSON is read one
tensor at a time, so that what is kept is what is counted: below 160 MiB for any file, most
of it the header's text; time grows with the header only.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from math import prod
from typing import NamedTuple

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.finding import SAFETENSORS, note, unsound
from localai.formats.format import AGAIN, OWN_GGUF
from localai.formats.pread import read_at
from localai.terminal import printable

MAX_HEADER = 16 << 20  # bytes of JSON; the largest models have some 100 kB in one file
MAX_TENSORS = 65_536  # the largest have some 1,000 in one file
MAX_NAME = 1024  # characters of a tensor's name
MAX_ENTRY = 4096  # characters of a tensor's description
MAX_DIMENSIONS = 16
MAX_METADATA = 4 << 20  # characters of __metadata__; trainers write some 100 kB
SHOWN_KEYS = 16
_LARGEST = (1 << 63) - 1

# Bits of one element.
DTYPES = {
    "BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64,
}  # fmt: skip

_SPACE = re.compile(r"[ \t\r\n]*+")
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NAME = re.compile(_STRING)
_OBJECT = re.compile(r"\{[^{}]*+\}")  # a tensor's description holds no other object
_TEXTS = re.compile(rf'\{{[^"{{}}]*+(?:{_STRING}[^"{{}}]*+)*+\}}')


class Tensor(NamedTuple):
    """One tensor: ``begin`` and ``end`` in bytes from the start of the data."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class SafetensorsFile(NamedTuple):
    """What a safetensors file says about itself. ``header`` is the JSON's length in bytes."""

    header: int
    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]

    @property
    def parameters(self) -> int:
        return sum(prod(tensor.shape) for tensor in self.tensors)


def inspect_safetensors(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes behind ``fd``."""
    try:
        file = read_safetensors(fd, size)
    except DocumentError as error:
        return Contents((), (unsound(SAFETENSORS, "safetensors", error),))
    dtypes = Counter(tensor.dtype for tensor in file.tensors)
    shown = (f"{dtype} ({count})" for dtype, count in dtypes.most_common())
    texts = (f"{key}: {text[:80]}" for key, text in list(file.metadata.items())[:SHOWN_KEYS])
    facts = (
        Fact("tensors", len(file.tensors)),
        Fact("parameters", file.parameters),
        Fact("dtypes", tuple(shown)),
        Fact("header", file.header, f"{file.header} bytes"),
        Fact("metadata", tuple(printable(text) for text in texts), "" if file.metadata else "none"),
    )
    return Contents(facts, tuple(_judge(file)))


def _judge(file: SafetensorsFile) -> list[Finding]:
    evidence = f"{len(file.tensors)} tensors, without a gap, an overlap or a byte behind them"
    alone = note(SAFETENSORS, "weights alone", "no vocabulary, no template: they cannot be run")
    sound = Finding(SAFETENSORS, Verdict.PASS, "sound", evidence)
    findings = [sound, alone._replace(remedy=OWN_GGUF)]
    names = [*(tensor.name for tensor in file.tensors), *file.metadata]
    if hidden := [name for name in names if not name.isprintable()]:
        evidence = f"{len(hidden)} names hold characters that nobody sees, first {hidden[0]!r}"
        findings.append(note(SAFETENSORS, "hidden characters", evidence))
    return findings


def read_safetensors(fd: int, size: int) -> SafetensorsFile:
    """Read the header of the ``size`` bytes behind ``fd``, which must allow ``pread``.

    Raises DocumentError if they are no well-formed safetensors file.
    """
    if size < 8:
        raise _malformed(f"a file of {size} bytes")
    length = int.from_bytes(read_at(fd, 8, 0), "little")
    if length > min(MAX_HEADER, size - 8):
        most = f"at most {MAX_HEADER}, in a file of {size}"
        raise _malformed(f"a header of {length} bytes; expected {most}")
    try:
        text = read_at(fd, length, 8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(f"a header that is not UTF-8, at byte {8 + error.start}") from error
    header = _Header(text)
    header.read()
    tensors = tuple(sorted(header.tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)))
    _place(tensors, size - 8 - length)
    return SafetensorsFile(length, tensors, header.metadata)


class _Header:
    """The JSON object, taken apart by hand: one entry is parsed at a time, each of a bounded size,
    so that neither nesting nor number can exhaust anything."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tensors: dict[str, Tensor] = {}
        self.metadata: dict[str, str] = {}

    def read(self) -> None:
        # The first byte is the brace, so that no other format's reader takes the file for its own.
        self.expect("{")
        seen: set[str] = set()
        while not self.follows("}"):
            if seen:
                self.expect(",")
            name = str(self.parse(self.match(_NAME, "name in quotes", MAX_NAME)))
            if name in seen:
                raise _malformed(f"the name {name!r} twice")
            seen.add(name)
            self.follows("")
            self.expect(":")
            self.follows("")
            self.take(name)
            if len(self.tensors) > MAX_TENSORS:
                raise _malformed(f"more than {MAX_TENSORS} tensors")
        self.expect("}")
        if self.text[self.at :].strip(" "):
            raise _malformed(f"something behind the header's end, at character {self.at}")

    def take(self, name: str) -> None:
        """The value of one entry."""
        if name == "__metadata__":
            found = self.parse(self.match(_TEXTS, "object of texts", MAX_METADATA))
            if not isinstance(found, dict):
                raise _malformed("metadata that is no object")
            for key, text in found.items():
                if not isinstance(text, str):
                    raise _malformed(f"metadata {key!r} that is no text")
                self.metadata[key] = text
        else:
            described = self.parse(self.match(_OBJECT, "tensor's description", MAX_ENTRY))
            self.tensors[name] = _describe(name, described)

    def follows(self, character: str) -> bool:
        """Pass over white space; whether ``character`` comes then."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text.startswith(character, self.at)

    def expect(self, character: str) -> None:
        if not self.text.startswith(character, self.at):
            raise _malformed(f"no {character!r} at character {self.at} of the header")
        self.at += 1
        self.follows("")

    def match(self, pattern: re.Pattern[str], wanted: str, limit: int) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _malformed(f"no {wanted} at character {self.at} of the header")
        if found.end() - self.at > limit:
            raise _malformed(f"a {wanted} of more than {limit} characters")
        self.at = found.end()
        return found[0]

    def parse(self, piece: str) -> object:
        try:
            found: object = _DECODER.decode(piece)
        except (ValueError, RecursionError) as error:
            raise _malformed(f"no JSON before character {self.at} of the header") from error
        return found


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _malformed("a key twice in one object of the header")
    return found


def _read_size(text: str) -> int:
    if text.startswith("-"):  # -0 too, which other readers refuse
        raise ValueError(text)
    return int(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_duplicates, parse_int=_read_size)


def _describe(name: str, found: object) -> Tensor:
    """One tensor's entry: its type, its shape, and the bytes that exactly hold it."""
    if not isinstance(found, dict) or found.keys() != {"dtype", "shape", "data_offsets"}:
        raise _malformed(f"tensor {name!r} without its type, shape and offsets, or with more")
    dtype, shape, offsets = found["dtype"], found["shape"], found["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _malformed(f"the unknown type {str(dtype)[:80]!r} in tensor {name!r}")
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise _malformed(f"a shape that is none in tensor {name!r}")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise _malformed(f"offsets that are none in tensor {name!r}")
    begin, end = offsets
    bits = prod(shape) * DTYPES[dtype]  # no wrap: Python's integers have no width
    if bits != (end - begin) * 8:
        raise _malformed(
            f"tensor {name!r} in {end - begin} bytes; its shape and type need {-(-bits // 8)}"
        )
    return Tensor(name, dtype, tuple(shape), begin, end)


def _are_sizes(found: object) -> bool:
    """Whether ``found`` is a list of whole numbers from 0 that fit 63 bits."""
    return isinstance(found, list) and all(
        type(item) is int and 0 <= item <= _LARGEST for item in found
    )


def _place(tensors: tuple[Tensor, ...], data: int) -> None:
    """The tensors must fill the ``data`` bytes from the first to the last."""
    at = 0
    for tensor in tensors:
        if tensor.begin != at:
            wrong = "inside the tensor before it" if tensor.begin < at else "behind a gap"
            raise _malformed(f"tensor {tensor.name!r} at {tensor.begin}, {wrong}; expected {at}")
        at = tensor.end
    if at != data:
        raise _malformed(f"{at} bytes of tensors in {data} bytes of data")


def _malformed(found: str) -> DocumentError:
    return DocumentError(f"malformed safetensors: {found}", hint=AGAIN)
