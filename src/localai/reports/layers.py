"""The table of layers as a document: ``localai.layers/1``, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.egress.attribution import NO_SECOND_LAYER

if TYPE_CHECKING:
    from localai.egress.attribution import Attribution

SCHEMA = "localai.layers/1"


def layers_document(table: Attribution, exit_code: int, version: str) -> dict[str, object]:
    """What ``localai selftest --layers --json`` prints. ``hangs_on`` is null where no layer is
    the only one that stops a probe."""
    return {
        "schema": SCHEMA,
        "localai": version,
        "exit_code": exit_code,
        "seconds": round(table.seconds, 3),
        "layers": list(table.layers),
        "probes": [
            {
                "probe": row.probe,
                "stopped_by": list(row.stopped_by),
                "hangs_on": row.hangs_on or None,
                "why": NO_SECOND_LAYER.get(row.probe, "") if row.hangs_on else "",
            }
            for row in table.rows
        ],
        "arrived": list(table.arrived),
        "not_checked": list(table.unclear),
    }
