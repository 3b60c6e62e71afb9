"""Wording for manifests, and for files that are held against them. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localai.cli.screen import NARROW, hang, join, wrap
from localai.findings import Finding
from localai.intact import Checked
from localai.manifest.schema import Entry, Manifest
from localai.manifest.verify import Verification
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.cli.manifests.provenance import Bundle

_TITLES = {"manifest-signature": "signature", "manifest-freshness": "freshness"}


def show_checked(checked: Checked, bundle: Bundle | None = None) -> str:
    """One file's answer, and what a bundle says of it; each with its remedy if it refuses."""
    finding = checked.finding
    lines = [f"{checked.path}: {_sentence(finding)}", *_remedy(finding)]
    if bundle:
        origin = bundle.judge(checked)
        lines += [f"  provenance  {_sentence(origin)}", *_remedy(origin)]
    return join(lines)


def verification_document(
    checked: Sequence[Checked], bundle: Bundle | None = None
) -> dict[str, object]:
    """The document ``localai.verification/1``. ``size`` in bytes; ``bundle`` and ``provenance`` are
    null where no bundle was asked about."""
    return {
        "schema": "localai.verification/1",
        "bundle": {
            "path": str(bundle.path),
            "sha256": bundle.sha256,
            "key_sha256": bundle.key.fingerprint,
        }
        if bundle
        else None,
        "files": [
            {
                "path": str(one.path),
                "size": one.digests.size if one.digests else None,
                "sha256": one.digests.sha256 if one.digests else None,
                "tree_sha256": one.digests.tree if one.digests else None,
                "entry": one.match.entry.id if one.match else None,
                "manifest": one.match.manifest.name if one.match else None,
                **_finding_document(one.finding),
                "provenance": _finding_document(bundle.judge(one)) if bundle else None,
            }
            for one in checked
        ],
    }


def show_verification(path: Path, verification: Verification, width: int) -> str:
    """Both findings of a manifest, each with its remedy if it refuses."""
    lines = [printable(str(path))]
    for finding in verification.findings:
        title, said = _TITLES[finding.check], _sentence(finding)
        lines += _titled(title, f"{finding.verdict:<12} ", said, width)
        if finding.refuses and finding.remedy:
            lines += _titled("", "do  ", finding.remedy, width)
    if verification.signers:
        lines += _titled("signed by", "", ", ".join(verification.signers), width)
    return "\n".join(lines)


def _titled(title: str, word: str, text: str, width: int) -> list[str]:
    """``text`` behind what it is about and a word, which on a narrow terminal is no column."""
    text = printable(text)
    if width < NARROW:
        said = ": ".join(filter(None, (title, word.strip(), text)))
        return wrap(said, width, "  ", below="  ")
    first = f"  {title:<10} {word}"
    return hang(first, len(first), text, width)


def manifests_document(found: Sequence[tuple[Path, Verification]]) -> dict[str, object]:
    """The document ``localai.manifest-verification/1``."""
    return {
        "schema": "localai.manifest-verification/1",
        "manifests": [manifest_document(path, verification) for path, verification in found],
    }


def manifest_document(path: Path, verification: Verification) -> dict[str, object]:
    """What came of one manifest; also in ``localai.manifest-status/1``."""
    manifest = verification.manifest
    return {
        "path": str(path),
        "sha256": verification.sha256 or None,
        "name": manifest.name if manifest else None,
        "version": manifest.version if manifest else None,
        "root_of_trust": verification.authority.value,
        "signers": list(verification.signers),
        "threshold": verification.threshold,
        "entries": len(verification.entries),
        "lane_until": str(verification.frame.until) if verification.frame else None,
        "outside_lane": [{"entry": one.entry.id, "why": one.why} for one in verification.outside],
        "findings": [
            {"check": finding.check, **_finding_document(finding)}
            for finding in verification.findings
        ],
    }


def show_manifest(path: Path, manifest: Manifest) -> str:
    """What a manifest approves, for a person to read."""
    count = len(manifest.entries)
    lines = [
        f"{manifest.name}, version {manifest.version}, "
        f"{manifest.issued} to {manifest.expires}, {count} {'entry' if count == 1 else 'entries'}",
        f"  file       {path}",
        *([f"  note       {' '.join(manifest.note.split())}"] if manifest.note else []),
    ]
    for entry in manifest.entries:
        lines += ["", *entry_lines(entry)]
    return join(lines)


def entry_lines(entry: Entry) -> Iterator[str]:
    """One entry, for a person to read."""
    yield f"{entry.id}: {entry.name} ({entry.kind}, {entry.licence})"
    source = entry.source
    hub = f"{source.hub}, " if source.hub else ""
    yield f"  source     {source.publisher}, {hub}{source.place}"
    if source.bases:
        yield f"  made from  {', '.join(source.bases)}"
    for file in entry.files:
        yield f"  file       {file.name}, {file.size} bytes"
        yield f"  sha256     {file.sha256}"
        if file.tree:
            yield f"  tree       {file.tree}"
    if entry.gguf:
        template = f"template {entry.gguf.template}" if entry.gguf.template else "no template"
        yield f"  gguf       {entry.gguf.architecture}, {entry.gguf.tensors} tensors, {template}"
    approval = entry.approval
    own = "self-approved by" if approval.self_approved else "by"
    ticket = f", {approval.ticket}" if approval.ticket else ""
    days = f"on {approval.on}, review by {approval.review_by}"
    yield f"  approved   {own} {approval.by} {days}{ticket}"
    groups = f", groups {', '.join(entry.use.groups)}" if entry.use.groups else ""
    classes = ", ".join(entry.use.data_classes)
    yield f"  for        {', '.join(entry.use.purposes)}, {classes} data{groups}"
    if entry.use.safeguards:
        yield f"  safeguards {'; '.join(entry.use.safeguards)}"
    if entry.companions:
        yield f"  with       {', '.join(entry.companions)}"
    for provenance in entry.provenance:
        yield f"  provenance {provenance}"
    if entry.note:
        yield f"  note       {' '.join(entry.note.split())}"


def _finding_document(finding: Finding) -> dict[str, object]:
    return {
        "verdict": finding.verdict.value,
        "summary": finding.summary,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
    }


def _sentence(finding: Finding) -> str:
    return f"{finding.summary}: {finding.evidence}" if finding.evidence else finding.summary


def _remedy(finding: Finding) -> list[str]:
    return [f"  do  {finding.remedy}"] if finding.refuses and finding.remedy else []
