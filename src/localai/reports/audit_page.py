"""An audit as one HTML page, to read and to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from shlex import quote
from typing import TYPE_CHECKING

import localai
from localai.audit.files import State
from localai.findings import Verdict
from localai.reports.sheet import sheet, table, text

if TYPE_CHECKING:
    from localai.audit.audit import Audit
    from localai.audit.files import AuditedFile
    from localai.audit.rules import Remark
    from localai.manifest.verify import LoadedManifest

_STYLE = """
time { white-space: nowrap; } td { overflow-wrap: break-word; } .wide { margin-bottom: 1.5rem; }
code { white-space: pre-wrap; }
@media print {
  body { margin: 0; max-width: none; font-size: 11px; }
  .wide { overflow: visible; }
  tr { break-inside: avoid; }
}"""
_FILES = ("File", "State", "What was found", "Entry", "SHA-256")
_REMARKS = ("About", "Verdict", "What was found", "What to do")
_MANIFESTS = ("Manifest", "Version", "Holds until", "Signed by", "SHA-256 of its file")


def audit_page(audit: Audit) -> bytes:
    """The page."""
    return sheet(f"Audit of the AI models on {audit.host}", _lines(audit), _STYLE)


def _lines(audit: Audit) -> Iterator[str]:
    yield f"<p>{_summary(audit)}</p>"
    folders = ", ".join(f"<code>{text(str(folder))}</code>" for folder in audit.folders)
    yield f"<p>Looked through: {folders}. Elsewhere nothing was looked at.</p>"
    yield "<h2>Files</h2>"
    if audit.files:
        yield from table("Every model-like file", "files", _FILES, map(_file, _sort(audit)))
    else:
        yield "<p>No model-like file was found.</p>"
    yield "<h2>Rules and folders</h2>"
    if audit.rules.manifests:
        rows = map(_manifest, audit.rules.manifests)
        yield from table("The manifests", "manifests", _MANIFESTS, rows)
    yield from table(
        "Signatures, keys, what runs out, weak spots, waivers",
        "remarks",
        _REMARKS,
        map(_remark, audit.remarks),
    )
    yield from _checks(audit)
    made = audit.made.astimezone(UTC)
    time = f'<time datetime="{made:%Y-%m-%dT%H:%M:%SZ}">{made:%Y-%m-%d %H:%M}</time>'
    yield f"<p>Made by localai {text(localai.__version__)} on {time} UTC.</p>"


def _summary(audit: Audit) -> str:
    counted = [f"{number} {state}" for state in State if (number := audit.count(state))]
    files = f"{len(audit.files)} model-like files: {', '.join(counted)}. " if counted else ""
    same = f"{audit.duplicates} hold what another one holds. " if audit.duplicates else ""
    outcome = "Clean: nothing refuses." if audit.clean else "There are findings."
    return f"<strong>{outcome}</strong> {files}{same}"


def _sort(audit: Audit) -> Sequence[AuditedFile]:
    """What needs somebody comes first."""
    return sorted(audit.files, key=lambda file: not file.finding.refuses)


def _file(file: AuditedFile) -> Sequence[str]:
    finding, match = file.finding, file.match
    store = f", {file.named.tool} {file.named.called}".rstrip() if file.named.tool else ""
    same = f"; the same as {file.same_as}" if file.same_as else ""
    said = f"{finding.summary}: {finding.evidence}{same}"
    remedy = f". To do: {finding.remedy}" if finding.refuses and finding.remedy else ""
    return (
        f"{text(str(file.path))} ({text(file.kind)}, {file.size} bytes{text(store)})",
        str(file.state),
        text(said + remedy),
        text(f"{match.entry.id} in {match.manifest.name}") if match else "none",
        f"<code>{file.sha256}</code>" if file.sha256 else "not read",
    )


def _remark(remark: Remark) -> Sequence[str]:
    finding = remark.finding
    said = f"{finding.summary}: {finding.evidence}" if finding.evidence else finding.summary
    remedy = finding.remedy if finding.refuses else ""
    return text(remark.subject), _WORDS[finding.verdict], text(said), text(remedy) or "nothing"


_WORDS = {
    Verdict.PASS: "passed",
    Verdict.NOTE: "note",
    Verdict.FAIL: "failed",
    Verdict.NOT_CHECKED: "not checked",
    Verdict.WAIVED: "waived",
}


def _manifest(loaded: LoadedManifest) -> Sequence[str]:
    known = loaded.verification.manifest
    return (
        text(loaded.name),
        str(known.version) if known else "not read",
        f'<time datetime="{known.expires}">{known.expires}</time>' if known else "not read",
        text(", ".join(loaded.verification.signers)) or "nobody whose key counts",
        f"<code>{loaded.sha256}</code>" if loaded.sha256 else "not read",
    )


def _checks(audit: Audit) -> Iterator[str]:
    """How each figure can be had without localai, where that is possible."""
    folders = " ".join(quote(str(folder)) for folder in audit.folders)
    roots = " ".join(f"--root {quote(str(folder))}" for folder in audit.folders)
    manifests = " ".join(quote(str(loaded.path)) for loaded in audit.rules.manifests)
    yield "<h2>How to check this page by hand</h2>\n<ul>"
    for said, command in (
        ("A file is the one above if its SHA-256 is.", "sha256sum FILE"),
        (
            "GGUF files begin with these four letters: this lists them, whatever their names.",
            f"find {folders} -type f -size +0 -exec sh -c 'for f; do "
            '[ "$(head -c 4 "$f" | tr -d "\\0")" = GGUF ] && echo "$f"; done\' sh {} +',
        ),
        ("The manifests are those that were signed.", f"sha256sum {manifests}".rstrip()),
        ("An approved file's SHA-256 stands in one of them.", f"grep SHA256 {manifests}".rstrip()),
        (
            "The signatures hold: this says so, and prints the openssl commands that show it "
            "without localai.",
            "localai manifest verify --by-hand",
        ),
        (
            "No digest is an older audit's: this hashes every file anew.",
            f"localai manifest audit --fresh {roots}".rstrip(),
        ),
    ):
        yield f"<li>{said} <code>{text(command)}</code></li>"
    yield "</ul>"
