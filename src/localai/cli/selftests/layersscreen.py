"""Wording for the table of layers: one line for each probe. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from localai.cli.screen import hang, wrap
from localai.egress.attribution import NO_SECOND_LAYER
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.egress.attribution import Attribution, Row
    from localai.errors import Exit

_NAME = 20
_TITLE = 13


def layers(table: Attribution, code: Exit, version: str, width: int) -> str:
    """The table, what hangs on one layer and why, what was not checked, and what follows."""
    about = f"localai {version}   every probe with each layer alone, and with each layer missing"
    lines = [*wrap(about, width), ""]
    for row in table.rows:
        lines += hang(f"  {row.probe:<{_NAME}} ", 3 + _NAME, _stopped_by(row), width)
    lines += ["", *_remarks(table, width)]
    safe = len(table.rows) - len(table.hanging)
    end = (
        f"{len(table.rows)} probes, {safe} of them stopped whichever layer is missing, "
        f"{table.seconds:.1f} s. exit code {int(code)}"
    )
    return "\n".join([*lines, "", *wrap(end, width)])


def _stopped_by(row: Row) -> str:
    if row.hangs_on:
        return f"{row.hangs_on} only"
    return ", ".join(row.stopped_by) or "several layers together, none of them alone"


def _remarks(table: Attribution, width: int) -> Iterator[str]:
    remarks = {
        "got out": [f"{name}: with all layers" for name in table.arrived],
        "one layer": [_explain(row) for row in table.hanging],
        "not checked": list(table.unclear),
    }
    for title, texts in remarks.items():
        for text in texts:
            yield from hang(f"  {title:<{_TITLE}}", 2 + _TITLE, printable(text), width)
            title = ""


def _explain(row: Row) -> str:
    why = NO_SECOND_LAYER.get(row.probe, "a second layer should stop it")
    return f"{row.probe} ({row.hangs_on}): {why}"
