"""The approved-systems list as a machine-learning bill of materials, for inventories.

Source: CycloneDX 1.6 (ECMA-424), JSON. Models are components of the type
``machine-learning-model`` with a model card, datasets of the type ``data``; what only localai knows
stands in properties whose names begin with ``localai:``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import localai
from localai.manifest.schema import Kind
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.manifest.schema import ArtifactFile, Entry
    from localai.manifest.verify import LoadedManifest
    from localai.reports.approved import ApprovedList, Listed

_Document = dict[str, object]
# Any other repository is told in a property: an address that is none would be invalid here.
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~+@-]+)*/?")

SPDX = frozenset({
    "AGPL-3.0-only", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "CC0-1.0", "GPL-2.0-only", "GPL-3.0-only", "LGPL-3.0-only",
    "MIT", "MPL-2.0", "ODC-By-1.0", "Unlicense",
})  # fmt: skip
"""Licences that models and datasets have and that SPDX lists; another one goes by its name, because
an identifier that SPDX does not list would make the whole document invalid."""


def approved_cyclonedx(approved: ApprovedList) -> bytes:
    """The file's content, in ASCII. Made twice of the same manifests at the same time it is the
    same."""
    return json.dumps(_document(approved), indent=2).encode() + b"\n"


def _document(approved: ApprovedList) -> _Document:
    made = approved.made.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    seed = " ".join([made, *(manifest.sha256 for manifest in approved.manifests)])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'localai:{seed}')}",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "tools": {
                "components": [
                    {"type": "application", "name": "localai", "version": localai.__version__}
                ]
            },
            "properties": [
                property_
                for manifest in approved.manifests
                for property_ in _properties(_describe_manifest(manifest))
            ],
        },
        "components": [_component(listed) for listed in approved.listed],
    }


def _describe_manifest(manifest: LoadedManifest) -> Mapping[str, str]:
    known = manifest.verification.manifest
    return {
        "manifest": manifest.name,
        "manifest:version": str(known.version) if known else "",
        "manifest:expires": str(known.expires) if known else "",
        "manifest:sha256": manifest.sha256,
        "manifest:signed-by": ", ".join(manifest.verification.signers),
    }


def _component(listed: Listed) -> _Document:
    entry = listed.entry
    source = entry.source
    component: _Document = {
        "type": "data" if entry.kind is Kind.DATASET else "machine-learning-model",
        "bom-ref": f"{printable(listed.manifest.name)}/{printable(entry.id)}",
        "publisher": printable(source.publisher),
        "name": printable(entry.name),
        "licenses": [_licence(entry.licence)],
    }
    if source.revision:
        component["version"] = printable(source.revision)
    if entry.note:
        component["description"] = printable(" ".join(entry.note.split()))
    if len(entry.files) == 1:
        component["hashes"] = [_hash(entry.files[0])]
    if source.bases:
        kind = component["type"]
        ancestors = [{"type": kind, "name": printable(base)} for base in source.bases]
        component["pedigree"] = {"ancestors": ancestors}
    if _ADDRESS.fullmatch(source.repository):
        component["externalReferences"] = [{"type": "distribution", "url": source.repository}]
    component["components"] = [
        {"type": "file", "name": printable(file.name), "hashes": [_hash(file)]}
        for file in entry.files
    ]
    if entry.kind is not Kind.DATASET:
        component["modelCard"] = _model_card(entry)
    component["properties"] = _properties(_describe_approval(listed))
    return component


def _model_card(entry: Entry) -> _Document:
    """Uses and users as they were approved; the architecture as the file says it."""
    parameters = {"modelArchitecture": printable(entry.gguf.architecture)} if entry.gguf else {}
    return {
        "modelParameters": parameters,
        "considerations": {
            "users": [printable(group) for group in entry.use.groups] or ["every account"],
            "useCases": [printable(purpose) for purpose in entry.use.purposes],
        },
    }


def _describe_approval(listed: Listed) -> Mapping[str, str]:
    entry = listed.entry
    approval, use = entry.approval, entry.use
    return {
        "kind": entry.kind,
        "hub": entry.source.hub or "",
        "repository": entry.source.repository,
        "data-classes": ", ".join(use.data_classes),
        "safeguards": ", ".join(use.safeguards),
        "goes-with": ", ".join(entry.companions),
        "approved-by": approval.by,
        "self-approved": "true" if approval.self_approved else "false",
        "approved-on": str(approval.on),
        "review-by": str(approval.review_by),
        "ticket": approval.ticket or "",
        "size": str(sum(file.size for file in entry.files)),
        "template-sha256": (entry.gguf.template if entry.gguf else None) or "",
        "manifest": listed.manifest.name,
        "provenance": "; ".join(map(str, entry.provenance)),
    }


def _properties(described: Mapping[str, str]) -> Sequence[_Document]:
    return [
        {"name": f"localai:{name}", "value": printable(value)}
        for name, value in described.items()
        if value
    ]


def _licence(licence: str) -> _Document:
    known = licence in SPDX
    return {"license": {"id": licence} if known else {"name": printable(licence)}}


def _hash(file: ArtifactFile) -> _Document:
    return {"alg": "SHA-256", "content": file.sha256}
