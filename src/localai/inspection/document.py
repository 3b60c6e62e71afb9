"""The document ``localai.inspection/1``, built field by field."""

from __future__ import annotations

from localai.formats.contents import Fact
from localai.inspection.types import Inspection
from localai.plan.document import finding_document

SCHEMA = "localai.inspection/1"


def inspection_document(found: Inspection, code: int) -> dict[str, object]:
    """What ``localai inspect --json`` prints. Sizes in bytes; what a file does not state and a
    digest that was not computed are null."""
    return {
        "schema": SCHEMA,
        "path": found.path,
        "format": found.format,
        "facts": {fact.name.replace(" ", "_"): _value(fact) for fact in found.facts},
        "files": [
            {
                "name": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "tree_sha256": file.tree,
            }
            for file in found.files
        ],
        "templates": [
            {"key": template.key, "sha256": template.sha256} for template in found.templates
        ],
        "findings": [finding_document(finding) for finding in found.findings],
        "exit_code": code,
    }


def _value(fact: Fact) -> object:
    if isinstance(fact.value, tuple):
        return list(fact.value)
    return None if fact.value == "" else fact.value
