"""An audit as a document: ``localai.audit/1``, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import localai
from localai.audit.files import State
from localai.plan.document import Document, finding_document
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.audit.audit import Audit
    from localai.audit.files import AuditedFile
    from localai.manifest.verify import LoadedManifest

SCHEMA = "localai.audit/1"


def audit_document(audit: Audit) -> Document:
    """What ``localai manifest audit --json`` prints. Sizes in bytes. A ``path`` is for people, and
    shows as an escape what cannot be printed; a ``uri`` is exact (RFC 8089)."""
    root = audit.rules.trust.root
    return {
        "schema": SCHEMA,
        "time": audit.made.isoformat(timespec="seconds"),
        "host": audit.host,
        "localai": localai.__version__,
        "clean": audit.clean,
        "folders": [printable(str(folder)) for folder in audit.folders],
        "bytes_hashed": audit.hashed,
        "counts": {
            **{state.value: audit.count(state) for state in State},
            "duplicate": audit.duplicates,
        },
        "files": [_file(file) for file in audit.files],
        "root_of_trust": {
            "kind": audit.rules.trust.authority.value,
            "version": root.version if root else None,
            "sha256": audit.rules.trust.fingerprint or None,
            "expires": str(root.expires) if root else None,
            "roles": {
                name.value: {
                    "threshold": role.threshold,
                    "keys": [
                        {"name": key.name, "fingerprint": key.public.fingerprint}
                        for key in role.keys
                    ],
                }
                for name, role in (root.roles if root else {}).items()
            },
        },
        "manifests": [_manifest(loaded) for loaded in audit.rules.manifests],
        "remarks": [
            {"subject": printable(remark.subject), **finding_document(remark.finding)}
            for remark in audit.remarks
        ],
    }


def _file(file: AuditedFile) -> Document:
    return {
        "path": printable(str(file.path)),
        "uri": file.path.as_uri(),
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "state": file.state.value,
        "entry": file.match.entry.id if file.match else None,
        "manifest": file.match.manifest.name if file.match else None,
        "store": file.named.tool or None,
        "called": printable(file.named.called) or None,
        "same_as": file.same_as.as_uri() if file.same_as else None,
        "finding": finding_document(file.finding),
    }


def _manifest(loaded: LoadedManifest) -> Document:
    known = loaded.verification.manifest
    return {
        "path": printable(str(loaded.path)),
        "name": loaded.name,
        "version": known.version if known else None,
        "sha256": loaded.sha256 or None,
        "expires": str(known.expires) if known else None,
        "signers": list(loaded.verification.signers),
        "threshold": loaded.verification.threshold,
    }
