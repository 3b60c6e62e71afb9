"""The approved-systems list as one HTML page, to publish and to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import localai
from localai.reports.sheet import sheet, table, text

if TYPE_CHECKING:
    from localai.manifest.schema import ArtifactFile, Entry
    from localai.manifest.verify import LoadedManifest
    from localai.reports.approved import ApprovedList

_STYLE = """
time { white-space: nowrap; } td { overflow-wrap: break-word; } .wide { margin-bottom: 1.5rem; }
code { white-space: pre-wrap; }
@media print {
  body { margin: 0; max-width: none; font-size: 11px; }
  .wide { overflow: visible; }
  tr { break-inside: avoid; }
}"""
_TITLE = "Approved AI systems"
_SYSTEMS = ("System", "Licence and source", "For", "With data", "By", "Safeguards", "Approved",
            "Review by")  # fmt: skip
_FILES = ("System", "File", "Bytes", "SHA-256")


def approved_page(approved: ApprovedList) -> bytes:
    """The page."""
    return sheet(_TITLE, _lines(approved), _STYLE)


def _lines(approved: ApprovedList) -> Iterator[str]:
    yield f"<p>{_summary(approved)}</p>"
    for left_out in approved.left_out:
        yield f"<p>Not in this list: {text(left_out.entry)}, {text(left_out.why)}.</p>"
    for manifest in approved.manifests:
        entries = [one.entry for one in approved.listed if one.manifest is manifest]
        yield from _section(manifest, entries)
    yield from _checks(approved)
    made = approved.made.astimezone(UTC)
    yield f"<p>Made by localai {text(localai.__version__)} on {_time(made)} UTC.</p>"


def _summary(approved: ApprovedList) -> str:
    count = len(approved.listed)
    systems = "1 system is" if count == 1 else f"{count} systems are"
    return (
        f"On {_day(approved.made.date())} <strong>{systems} approved</strong>, for the purposes, "
        "data and people named here and for nothing else. What is not in the list is refused. The "
        "rules of a host may narrow it further."
    )


def _section(manifest: LoadedManifest, entries: Sequence[Entry]) -> Iterator[str]:
    known = manifest.verification.manifest
    if known is None:
        return
    name = text(manifest.name)
    yield f"<h2>Manifest {name}, version {known.version}</h2>"
    if known.note:
        yield f"<p>{text(' '.join(known.note.split()))}</p>"
    signers = text(", ".join(manifest.verification.signers))
    yield (
        f"<p>Issued on {_day(known.issued)}, holds until {_day(known.expires)}, signed by "
        f"{signers}. SHA-256 of the file: <code>{manifest.sha256}</code></p>"
    )
    if entries:
        rows = (_system(entry) for entry in entries)
        yield from table(f"What {name} approves", f"systems-{name}", _SYSTEMS, rows)
        files = (_file(entry, file) for entry in entries for file in entry.files)
        yield from table(f"The files of {name}", f"files-{name}", _FILES, files)
    else:
        yield "<p>It approves nothing.</p>"


def _system(entry: Entry) -> Sequence[str]:
    source, use, approval = entry.source, entry.use, entry.approval
    hub = f" on {text(source.hub)}" if source.hub else ""
    revision = f" at {text(source.revision)}" if source.revision else ""
    bases = f", made from {_several(source.bases)}" if source.bases else ""
    origin = "".join(f"; {text(str(one))}" for one in entry.provenance)
    alone = ", for themselves" if approval.self_approved else ""
    ticket = f", {text(approval.ticket)}" if approval.ticket else ""
    companions = f", may go with {_several(entry.companions)}" if entry.companions else ""
    return (
        f"{text(entry.name)} ({text(entry.id)}, {entry.kind}){companions}",
        f"{text(entry.licence)}; {text(source.publisher)}, {text(source.repository)}"
        f"{hub}{revision}{bases}{origin}",
        _several(use.purposes),
        _several(use.data_classes),
        _several(use.groups) or "every account",
        _several(use.safeguards) or "none named",
        f"by {text(approval.by)}{alone} on {_day(approval.on)}{ticket}",
        _day(approval.review_by),
    )


def _file(entry: Entry, file: ArtifactFile) -> Sequence[str]:
    return text(entry.id), text(file.name), str(file.size), f"<code>{file.sha256}</code>"


def _checks(approved: ApprovedList) -> Iterator[str]:
    """How each figure can be had without localai, where that is possible."""
    paths = " ".join(dict.fromkeys(manifest.path.name for manifest in approved.manifests))
    entries = sum(
        len(one.verification.manifest.entries) if one.verification.manifest else 0
        for one in approved.manifests
    )
    yield "<h2>How to check this page by hand</h2>\n<ul>"
    for said, command in (
        (
            "The manifests are those that were signed: their SHA-256 are above.",
            f"sha256sum {paths}",
        ),
        (
            f"The systems above and those left out are {entries} in all: where localai wrote the "
            "manifest, each begins with a line of its own.",
            f"grep -c '^  - id:' {paths}",
        ),
        ("A model is the one that was approved if its SHA-256 is above.", "sha256sum FILE"),
        (
            "The signatures hold: this says so, and prints the openssl commands that show it "
            "without localai.",
            "localai manifest verify --by-hand",
        ),
    ):
        yield f"<li>{said} <code>{text(command)}</code></li>"
    yield "</ul>"


def _several(values: Sequence[str]) -> str:
    return text(", ".join(values))


def _day(day: date) -> str:
    return f'<time datetime="{day}">{day}</time>'


def _time(time: datetime) -> str:
    return f'<time datetime="{time:%Y-%m-%dT%H:%M:%SZ}">{time:%Y-%m-%d %H:%M}</time>'
