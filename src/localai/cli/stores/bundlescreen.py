"""Wording and documents for bundles. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localai.bundle.contents import Contents
from localai.cli import screen
from localai.cli.screen import hang
from localai.cli.stores import storescreen
from localai.cli.stores.bundling import Inspected
from localai.hardware import show_bytes
from localai.manifest.trust import fingerprint_root
from localai.terminal import printable


def inspection(inspected: Inspected, width: int) -> str:
    """What is in a bundle, and what is said of it here."""
    lines = list(_contents_lines(inspected.contents, width)) if inspected.contents else []
    return "\n".join([*lines, screen.answers(inspected.findings, width)])


def _contents_lines(contents: Contents, width: int) -> Iterator[str]:
    for one in contents.artifacts:
        size, source = sum(file.size for file in one.origin.files), one.origin.source.place
        yield from hang("", 2, printable(f"{one.id}: {show_bytes(size)}, from {source}"), width)
        for row in storescreen.file_rows(one.origin):
            yield from storescreen.show_row(*row, width)
    for signed in contents.roots[-1:]:
        yield f"root of trust: fingerprint {fingerprint_root(signed.raw)}"


def inspection_document(file: Path, inspected: Inspected) -> dict[str, object]:
    """The document ``localai.bundle-inspection/1``. ``contents`` is null for what is no bundle."""
    contents = inspected.contents
    return {
        "schema": "localai.bundle-inspection/1",
        "path": str(file),
        "exit_code": int(inspected.exit_code),
        "contents": _contents_document(contents) if contents else None,
        "findings": [
            {
                "check": one.check,
                "verdict": one.verdict.value,
                "summary": one.summary,
                "evidence": one.evidence,
                "remedy": one.remedy,
            }
            for one in inspected.findings
        ],
    }


def _contents_document(contents: Contents) -> dict[str, object]:
    return {
        "artifacts": [
            {"id": one.id, "origin": storescreen.origin_document(one.origin)}
            for one in contents.artifacts
        ],
        "roots": [fingerprint_root(one.raw) for one in contents.roots],
        "manifests": len(contents.manifests),
        "revocation_list": contents.revocation is not None,
    }
