"""Wording and documents for the store. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from localai.cli.screen import hang
from localai.hardware import show_bytes
from localai.store.check import Checked
from localai.store.held import Held
from localai.store.origin import Origin
from localai.terminal import printable


def listing(found: Sequence[Held], own: Path, width: int) -> str:
    """A line for each artifact, by state; where it lies, unless that is the store ``own``."""
    if not found:
        return "the store is empty"
    longest = max(len(printable(one.id)) for one in found)
    lines = (
        line
        for one in found
        for line in hang(
            f"{one.state:<10}  {printable(one.id):<{longest}}  ", 12, _describe(one, own), width
        )
    )
    return "\n".join(lines)


def _describe(held: Held, own: Path) -> str:
    origin = held.origin
    if origin is None:
        return printable(held.problem)
    size = show_bytes(sum(file.size for file in origin.files))
    where = "" if held.store == own else f", in {held.store}"
    return printable(f"{size}, arrived on {origin.arrived}, from {origin.source.place}{where}")


def artifact(held: Held, width: int) -> str:
    """All that is written down about one artifact."""
    first = printable(f"{held.id}: {held.state}")
    return "\n".join([first, *(line for row in _rows(held) for line in show_row(*row, width))])


def show_row(title: str, text: str, width: int) -> list[str]:
    """A row of what is said about an artifact."""
    return hang(f"  {title:<9}  ", 13, printable(text), width)


def _rows(held: Held) -> Iterator[tuple[str, str]]:
    yield "lies in", str(held.directory)
    origin = held.origin
    if origin is None:
        yield "problem", held.problem
        return
    hub = f", {origin.source.hub}" if origin.source.hub else ""
    yield "source", f"{origin.source.publisher}, {origin.source.place}{hub}"
    if origin.source.bases:
        yield "made from", ", ".join(origin.source.bases)
    yield "arrived", str(origin.arrived)
    agree = ", for people who agree to its terms" if origin.gated else ""
    yield "licence", f"{origin.licence or 'nothing is said'}{agree}"
    if origin.card:
        yield "card", "README.md"
        yield "sha256", origin.card
    yield from file_rows(origin)


def file_rows(origin: Origin) -> Iterator[tuple[str, str]]:
    """The files of an artifact, row by row."""
    for file in origin.files:
        yield "file", f"{file.name}, {file.size} bytes"
        yield "sha256", file.sha256


def verification(found: Sequence[Checked], width: int) -> str:
    """A line for each artifact, and what to do where something is wrong; of the directories only
    those about which there is something to say."""
    told = [one for one in found if one.state or one.finding.refuses]
    return "\n".join(line for one in told for line in _checked_lines(one, width))


def _checked_lines(one: Checked, width: int) -> Iterator[str]:
    finding = one.finding
    said = f"{one.subject}: {finding.summary}"
    yield from hang("", 2, printable(f"{said}: {finding.evidence}"), width)
    if finding.refuses:
        yield from hang("  do  ", 6, printable(finding.remedy), width)


def store_document(found: Sequence[Held]) -> dict[str, object]:
    """The document ``localai.store/1``."""
    return {"schema": "localai.store/1", "artifacts": [_held_document(one) for one in found]}


def artifact_document(held: Held) -> dict[str, object]:
    """The document ``localai.stored-artifact/1``."""
    return {"schema": "localai.stored-artifact/1", **_held_document(held)}


def _held_document(held: Held) -> dict[str, object]:
    origin = held.origin
    return {
        "id": held.id,
        "state": held.state.value,
        "directory": str(held.directory),
        "problem": held.problem or None,
        "origin": origin_document(origin) if origin else None,
    }


def origin_document(origin: Origin) -> dict[str, object]:
    """Where an artifact came from; ``size`` in bytes."""
    source = origin.source
    return {
        "publisher": source.publisher,
        "repository": source.repository,
        "revision": source.revision,
        "bases": list(source.bases),
        "hub": source.hub,
        "arrived": str(origin.arrived),
        "licence": origin.licence or None,
        "gated": origin.gated,
        "card_sha256": origin.card,
        "files": [
            {"name": one.name, "size": one.size, "sha256": one.sha256, "tree_sha256": one.tree}
            for one in origin.files
        ],
    }


def verification_document(found: Sequence[Checked]) -> dict[str, object]:
    """The document ``localai.store-verification/1``."""
    return {
        "schema": "localai.store-verification/1",
        "checked": [
            {
                "subject": one.subject,
                "state": one.state.value if one.state else None,
                "verdict": one.finding.verdict.value,
                "summary": one.finding.summary,
                "evidence": one.finding.evidence,
                "remedy": one.finding.remedy,
            }
            for one in found
        ],
    }
