"""What a GGUF file says about itself, once its header has been read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from localai.gguf.types import FILE_TYPES, ValueType

Scalar = int | float | bool | str

TEMPLATE_KEY = "tokenizer.chat_template"  # and TEMPLATE_KEY.NAME, for a template with another use


def is_template(key: str) -> bool:
    """Whether a chat template stands under this key."""
    return key == TEMPLATE_KEY or key.startswith(f"{TEMPLATE_KEY}.")


def elements_of(shape: tuple[int, ...]) -> int:
    """How many elements a tensor of this shape has."""
    elements = 1
    for length in shape:
        elements *= length
    return elements


class Array(NamedTuple):
    """A metadata array of ``length`` elements, in ``size`` bytes from ``offset`` of the file on.

    ``first`` holds all words of a short list, or as many numbers as a model may have layers; the
    rest stays in the file (``gguf.elements`` reads it).
    """

    kind: ValueType
    length: int
    offset: int
    size: int
    first: tuple[Scalar, ...]


class Tensor(NamedTuple):
    """One tensor: ``offset`` in bytes from the file's start, ``size`` in bytes."""

    name: str
    shape: tuple[int, ...]
    type: str
    offset: int
    size: int

    @property
    def elements(self) -> int:
        return elements_of(self.shape)


class Seen(NamedTuple):
    """What was looked at when a header was read: where, as offset and length in bytes, in order,
    and the SHA-256 of all of it."""

    windows: tuple[tuple[int, int], ...] = ()
    sha256: bytes = b""


class GgufFile(NamedTuple):
    """What a GGUF file says about itself. ``size``, ``data_offset`` and ``header_end`` (before the
    padding) in bytes; ``types`` of the values under the same keys as ``metadata``; ``memory``, in
    bytes, is what all this takes."""

    version: int
    size: int
    alignment: int
    data_offset: int
    metadata: Mapping[str, Scalar | Array]
    tensors: tuple[Tensor, ...]
    types: Mapping[str, ValueType] = MappingProxyType({})
    header_end: int = 0
    memory: int = 0
    seen: Seen = Seen()

    def text(self, key: str) -> str:
        """The string under ``key``, or an empty one."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """The whole number under ``key``, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def array_elements(self) -> int:
        return sum(value.length for value in self.metadata.values() if isinstance(value, Array))

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    @property
    def name(self) -> str:
        return self.text("general.name")

    @property
    def licence(self) -> str:
        return self.text("general.license")

    @property
    def parameters(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained to hold."""
        return self.number(f"{self.architecture}.context_length")

    @property
    def quantisation(self) -> str:
        """What the file calls its quantisation, else the type that most of its elements have."""
        number = self.number("general.file_type")
        if number is not None and number in FILE_TYPES:
            return FILE_TYPES[number]
        elements: dict[str, int] = {}
        for tensor in self.tensors:
            elements[tensor.type] = elements.get(tensor.type, 0) + tensor.elements
        return max(elements, key=lambda name: elements[name], default="")

    @property
    def template(self) -> str | None:
        """The chat template, a Jinja2 source, or None."""
        return self.text(TEMPLATE_KEY) or None

    @property
    def template_sha256(self) -> str | None:
        template = self.template
        return None if template is None else hashlib.sha256(template.encode()).hexdigest()

    @property
    def parts(self) -> int:
        """How many files the model is split into; 1 if it is whole."""
        return self.number("split.count") or 1


class Template(NamedTuple):
    """A chat template: the key that it stands under, its Jinja source, the SHA-256 of its UTF-8
    bytes."""

    key: str
    source: str
    sha256: str


def find_templates(header: GgufFile) -> tuple[Template, ...]:
    """All chat templates of a file, the one that is used first."""
    found = {
        key: value
        for key, value in header.metadata.items()
        if is_template(key) and isinstance(value, str)
    }
    return tuple(
        Template(key, found[key], hashlib.sha256(found[key].encode()).hexdigest())
        for key in sorted(found)
    )


class GgufFacts(NamedTuple):
    """What an approval pins beside the bytes: architecture, number of tensors, and the SHA-256 of
    the chat template (UTF-8), None if there is none."""

    architecture: str
    tensors: int
    template: str | None = None


def pinned_by(files: Sequence[GgufFile]) -> GgufFacts:
    """What an approval of these files, first part first, pins."""
    tensors = sum(len(file.tensors) for file in files)
    return GgufFacts(files[0].architecture, tensors, files[0].template_sha256)


def all_tensors(files: Iterable[GgufFile]) -> list[Tensor]:
    """The tensors of all files of one model."""
    return [tensor for file in files for tensor in file.tensors]
