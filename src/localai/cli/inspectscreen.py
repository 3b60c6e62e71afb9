"""Wording for an inspection: the screen, a template with line numbers, the tensors. Nothing here
prints."""

from __future__ import annotations

from collections.abc import Iterator

from localai.cli.screen import answers, hang, wrap
from localai.inspection.types import Inspection
from localai.terminal import printable

_NARROW, _TITLE = 72, 14  # columns


def inspection(found: Inspection, width: int) -> str:
    """What the file is, then every finding."""
    lines = list(_entry("file", found.path, width)) + list(_entry("format", found.format, width))
    for fact in found.facts:
        lines += _entry(fact.name, fact.text, width)
    for file in found.files:
        if found.unhashed:
            break
        lines += _entry("sha256", file.sha256 or "", width)
        lines += _entry("tree", file.tree or "", width)
    lines += _entry("digests", found.unhashed, width)
    return "\n".join([*lines, "", answers(found.findings, width)])


def _entry(title: str, text: str, width: int) -> Iterator[str]:
    if not text:
        return
    if width < _NARROW:
        yield from wrap(f"{title}: {printable(text)}", width)
        return
    yield from hang(f"  {title:<{_TITLE}}", 2 + _TITLE, printable(text), width)
