"""A proposal, ``localai.proposal/1``: what somebody wants to have approved, for whom to decide.

It is JSON, and neither a manifest nor a part of one: nothing reads it where manifests count, and
nothing signs it. All of it is its writer's claim, but for two things that are checked here: each
chat template that it carries has the digest that it names, and the one that the entry would pin is
the only one of its key. So whoever has no file reads what a start will hold the file to. Templates
are carried in base64: a template may hold what no document may.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection
from datetime import date
from hashlib import sha256
from typing import NamedTuple

from localai.document import encode_text, read_json
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Fact
from localai.gguf.facts import TEMPLATE_KEY, GgufFacts, Template
from localai.manifest.draft import Draft, Unknown
from localai.manifest.schema import (
    ArtifactFile,
    Kind,
    Source,
    Use,
    read_file,
    read_gguf,
    read_source,
    read_use,
)
from localai.shape import TEXT_LIMIT, Fields, read_shape
from localai.terminal import printable

SCHEMA = "localai.proposal/1"
LIMIT = 4 << 20
"""Bytes that a proposal may have: twice what the chat templates of a model may have."""

_LONG = 4000  # characters of a note, of one fact, or of one part of a finding

# What an inspection tells of a GGUF file or of data. Each is a row where a person decides: under a
# name of a stranger's choice it could pass for another one, such as the digest that the entry pins.
FACTS = frozenset(
    {
        *("name", "architecture", "parameters", "quantisation", "context", "licence", "lineage"),
        *("made by", "based on", "trained on", "quantised by", "from", "messages", "memory"),
        *("encoding", "lines", "rows", "fields", "separator", "columns", "row groups"),
        *("compression", "metadata"),
    }
)
CHECKS = frozenset(
    {
        *("gguf-header", "gguf-kind", "gguf-set", "gguf-layout", "gguf-shapes", "gguf-keys"),
        *("gguf-tokenizer", "gguf-text", "gguf-adapter", "chat-template", "licence", "lineage"),
        "dataset",
    }
)


class Proposal(NamedTuple):
    """Who proposed what, on which day, and what they found in the file."""

    by: str
    on: date
    draft: Draft
    facts: tuple[Fact, ...] = ()
    templates: tuple[Template, ...] = ()
    findings: tuple[Finding, ...] = ()


def parse_proposal(raw: bytes) -> Proposal:
    """Read a proposal. Raises DocumentError, also for a template that is not what it says."""
    return read_shape(read_json(raw, limit=LIMIT), "proposal", _read_proposal)


def write_proposal(proposal: Proposal) -> bytes:
    """The proposal as a document. What its file says is written as a terminal may show it, and no
    longer than that helps. Raises DocumentError if it does not read back."""
    raw = encode_text(json.dumps(_document(proposal), indent=2, ensure_ascii=False) + "\n")
    if parse_proposal(raw).draft != proposal.draft:
        raise DocumentError("the proposal does not read back as it was written")
    return raw


def _read_proposal(fields: Fields) -> Proposal:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")
    unknown = fields.choices("unknown", Unknown)
    proposal = Proposal(
        by=fields.text("proposed-by"),
        on=fields.date("on"),
        draft=fields.one("entry", _read_draft)._replace(unknown=unknown),
        facts=fields.each("facts", _read_fact, most=100),
        templates=fields.each("templates", _read_template, most=100),
        findings=fields.each("findings", _read_finding),
    )
    draft = proposal.draft
    for name, value in ((Unknown.LICENCE, draft.licence), (Unknown.SOURCE, draft.source)):
        if (name in unknown) == (value is not None):
            raise fields.refuse("unknown", f"{name}: a field is either unknown or given")
    if Unknown.REVISION in unknown and draft.source and draft.source.revision:
        raise fields.refuse("unknown", "revision: a field is either unknown or given")
    if draft.kind is Kind.DATASET and proposal.templates:
        raise fields.refuse("templates", "a dataset has none")
    pinned = draft.gguf.template if draft.gguf else None
    carried = {one.sha256 for one in proposal.templates if one.key == TEMPLATE_KEY}
    if pinned and pinned not in carried:
        raise fields.refuse("templates", f"the one to be pinned, {pinned}, is not among them")
    if other := carried - {pinned}:
        raise fields.refuse("templates", f"{TEMPLATE_KEY} is {min(other)}, which is not pinned")
    return proposal


def _read_draft(fields: Fields) -> Draft:
    kind = fields.choice("kind", Kind)
    draft = Draft(
        id=fields.slug("id"),
        name=fields.text("name"),
        kind=kind,
        files=fields.each("files", read_file),
        gguf=None if kind is Kind.DATASET else fields.one("gguf", read_gguf),
        use=fields.one("use", read_use),
        licence=fields.text("licence") if fields.has("licence") else None,
        source=fields.one("source", read_source) if fields.has("source") else None,
        note=fields.text("note", limit=_LONG, lines=True) if fields.has("note") else None,
        companions=fields.texts("companions") if fields.has("companions") else (),
    )
    if not draft.files:
        raise fields.refuse("files", "empty: an artifact has at least one file")
    return draft


def _read_fact(fields: Fields) -> Fact:
    return Fact(_read_known(fields, "name", FACTS), fields.text("says", limit=_LONG))


def _read_template(fields: Fields) -> Template:
    named = fields.digest("sha256")
    try:
        content = b64decode(fields.text("base64", limit=LIMIT), validate=True)
        source = content.decode()
    except ValueError as error:
        raise fields.refuse("base64", "not the base64 of a text in UTF-8") from error
    if (found := sha256(content).hexdigest()) != named:
        raise fields.refuse("sha256", f"{named}: the template that is carried has {found}")
    return Template(fields.text("key"), source, named)


def _read_finding(fields: Fields) -> Finding:
    def said(key: str) -> str:
        return fields.text(key, limit=_LONG) if fields.has(key) else ""

    return Finding(
        check=_read_known(fields, "check", CHECKS),
        verdict=fields.choice("verdict", Verdict),
        summary=fields.text("summary", limit=_LONG),
        evidence=said("evidence"),
        why=said("why"),
        remedy=said("remedy"),
    )


def _read_known(fields: Fields, key: str, known: Collection[str]) -> str:
    if (value := fields.text(key)) in known:
        return value
    raise fields.refuse(key, f"{value!r}: one of {', '.join(sorted(known))} was expected")


def _document(proposal: Proposal) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "proposed-by": proposal.by,
        "on": str(proposal.on),
        "unknown": list(proposal.draft.unknown),
        "entry": draft_document(proposal.draft),
        "facts": [
            {"name": fact.name, "says": said}
            for fact in proposal.facts
            if (said := _fit(fact.text, _LONG))
        ],
        "templates": [_template_document(one) for one in proposal.templates if one.source],
        "findings": [_finding_document(finding) for finding in proposal.findings],
    }


def draft_document(draft: Draft) -> dict[str, object]:
    """A draft with the names that the fields have in a manifest; what is unknown is not there."""
    return _without_nothing(
        {
            "id": draft.id,
            "name": draft.name,
            "kind": draft.kind.value,
            "licence": draft.licence,
            "source": _source_document(draft.source) if draft.source else None,
            "files": [_file_document(file) for file in draft.files],
            "gguf": _gguf_document(draft.gguf) if draft.gguf else None,
            "use": _use_document(draft.use),
            "note": draft.note,
            "companions": list(draft.companions),
        }
    )


def _gguf_document(facts: GgufFacts) -> dict[str, object]:
    return _without_nothing(
        {
            "architecture": facts.architecture,
            "tensors": facts.tensors,
            "template-sha256": facts.template,
        }
    )


def _source_document(source: Source) -> dict[str, object]:
    return _without_nothing(
        {
            "publisher": source.publisher,
            "hub": source.hub,
            "repository": source.repository,
            "revision": source.revision,
            "bases": list(source.bases),
        }
    )


def _file_document(file: ArtifactFile) -> dict[str, object]:
    return _without_nothing(
        {"name": file.name, "size": file.size, "sha256": file.sha256, "tree-sha256": file.tree}
    )


def _use_document(use: Use) -> dict[str, object]:
    return _without_nothing(
        {
            "purposes": list(use.purposes),
            "data-classes": list(use.data_classes),
            "groups": list(use.groups),
            "safeguards": list(use.safeguards),
        }
    )


def _template_document(template: Template) -> dict[str, object]:
    return {
        "key": _fit(template.key, TEXT_LIMIT),
        "sha256": template.sha256,
        "base64": b64encode(template.source.encode()).decode(),
    }


def _finding_document(finding: Finding) -> dict[str, object]:
    return _without_nothing(
        {
            "check": finding.check,
            "verdict": finding.verdict.value,
            "summary": _fit(finding.summary, _LONG),
            "evidence": _fit(finding.evidence, _LONG),
            "why": _fit(finding.why, _LONG),
            "remedy": _fit(finding.remedy, _LONG),
        }
    )


def _without_nothing(document: dict[str, object]) -> dict[str, object]:
    """What is not known and what is empty is not there."""
    return {key: value for key, value in document.items() if value not in (None, "", [])}


def _fit(text: str, limit: int) -> str:
    """A stranger's text as a document may hold it; "" if there is nothing to see."""
    shown = printable(text).strip()
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
