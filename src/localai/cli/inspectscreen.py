"""Wording for an inspection: the screen, templates by line, tensors. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localai.cli import screen
from localai.cli.screen import answers, wrap
from localai.gguf.facts import Template, Tensor, all_tensors
from localai.hardware import show_bytes
from localai.inspection.types import Inspection
from localai.terminal import printable, sanitise

if TYPE_CHECKING:
    from localai.manifest.schema import ArtifactFile

_TITLE = 14  # columns
_MOST_SAID = 400  # characters of one fact


def inspection(found: Inspection, width: int) -> str:
    """What the file is, then every finding."""
    size = sum(file.size for file in found.files)
    rounded = f"{show_bytes(size)}, " if size >= 1024 else ""
    rows = [("file", found.path), ("format", f"{found.format}, {rounded}{size} bytes")]
    rows += [(fact.name, cut(fact.text)) for fact in found.facts]
    several = len(found.files) > 1
    for file in found.files:
        name = f" {file.name}" if several else ""
        rows += [("sha256", f"{file.sha256}{name}")] if file.sha256 else []
        rows += [("tree-sha256", f"{file.tree}{name}")] if file.tree else []
    rows.append(("digests", found.unhashed))
    lines = [line for title, text in rows for line in titled(title, text, width)]
    return "\n".join([*lines, "", answers(found.findings, width)])


def cut(text: str) -> str:
    """The start of what a file says of itself: it may say four million characters."""
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}..."


def decision(found: Inspection, width: int) -> str:
    """What a person decides on: the templates that will frame every prompt, each whole, since what
    were left out could be the worst of it; then what the file is, which so stays in sight."""
    if not (found.headers or found.templates):  # data, which frames nothing
        return inspection(found, width)
    return f"{templates(found, width)}\n\n{inspection(found, width)}"


def pinned(files: Sequence[ArtifactFile], width: int) -> str:
    """The digests that an entry pins, to be compared with the publisher's."""
    rows = [f"{file.sha256} {file.name}" if len(files) > 1 else file.sha256 for file in files]
    return "\n".join(line for row in rows for line in titled("sha256", row, width))


def templates(found: Inspection, width: int | None = None) -> str:
    """Every chat template with line numbers, and nothing in it that a terminal would obey or hide.
    ``width`` for people: no part of a long line then looks like a line of its own."""
    if not found.templates:
        return _say_unread(found) or "no chat template"
    return "\n\n".join("\n".join(_number(template, width)) for template in found.templates)


def _say_unread(found: Inspection) -> str:
    """Why nothing is known of templates and tensors, "" if it is."""
    said = [f"{one.summary}: {one.evidence}" for one in found.failures]
    other = "the file is no GGUF; localai inspect FILE says what it is"
    return "" if found.headers else printable("; ".join(said) or other)


def _number(template: Template, width: int | None) -> Iterator[str]:
    # Only "\n": what else ends a line for Python or a terminal is to be seen.
    lines = template.source.split("\n")
    yield f"{printable(template.key)}, sha256 {template.sha256}"
    for number, line in enumerate(lines, 1):
        first, *rest = _cut(sanitise(printable(line)), width)
        yield f"{number:>4} | {first}".rstrip()
        yield from (f"     > {more}" for more in rest)


def _cut(line: str, width: int | None) -> list[str]:
    """``line`` in pieces that fit beside its number; some letters are two columns wide."""
    room = max(len(line), 1) if width is None else (width - 7) // (1 if line.isascii() else 2)
    return [line[at : at + room] for at in range(0, len(line), room)] or [""]


def tensors(found: Inspection, width: int) -> str:
    """Every tensor: name, type, shape (innermost first), bytes; in the order of the files."""
    listed = all_tensors(found.headers)
    if not listed:
        return _say_unread(found) or "no tensors"
    rows = [_describe(tensor) for tensor in listed]
    columns = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(columns) + 2 * len(columns) > width:
        return "\n".join(line for row in rows for line in wrap(", ".join(row), width))
    return "\n".join(_align(row, columns) for row in rows)


def _describe(tensor: Tensor) -> tuple[str, str, str, str]:
    shape = " x ".join(map(str, tensor.shape))
    return printable(tensor.name), tensor.type, shape, show_bytes(tensor.size)


def _align(row: Sequence[str], columns: Sequence[int]) -> str:
    name, *rest = row
    cells = [f"{cell:>{room}}" for cell, room in zip(rest, columns[1:], strict=True)]
    return "  ".join([f"{name:<{columns[0]}}", *cells])


def titled(title: str, text: str, width: int) -> list[str]:
    """A row; none if there is nothing to say."""
    return screen.titled(title, text, width, _TITLE)
