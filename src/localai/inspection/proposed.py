"""From an inspection to a proposal, and from a proposal to what can be known without its file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from localai.findings import Finding, Verdict
from localai.formats.finding import DATASET
from localai.gguf import adapter
from localai.gguf.facts import Template
from localai.gguf.template import inspect_sources
from localai.inspection.types import InspectedFile, Inspection
from localai.manifest.draft import Draft, Stated, draft_entry
from localai.manifest.proposal import Proposal
from localai.manifest.schema import ArtifactFile, Kind

_TEMPLATES = "chat-template"
_NOTHING_TOLD = Finding(
    "proposal",
    Verdict.NOT_CHECKED,
    "no findings",
    "the proposal names no check that was made of the file",
    "what nobody looked at is approved by nobody",
    "localai manifest review FILE --file MODEL",
)
_AS_IT_IS = "leave --kind out: then it is what the file says"
_NO_ADAPTER = Finding(
    adapter.CHECK,
    Verdict.FAIL,
    "not an adapter",
    "general.type does not say that it is one",
    "what is approved as an adapter is loaded beside a model, and nothing else can be",
    _AS_IT_IS,
)
_NO_DATASET = Finding(
    DATASET,
    Verdict.FAIL,
    "not a dataset",
    "no reader of datasets has looked at it",
    "what is approved as a dataset was read to its end",
    _AS_IT_IS,
)
_DATASET = _NO_DATASET._replace(
    summary="a dataset", evidence="it holds data", why="it cannot be loaded as anything else"
)
# What is expected of a model to talk to, and of no part of one.
_MODELS_ONLY = frozenset({"gguf-kind", "gguf-shapes", "gguf-tokenizer"})
_PARTS = frozenset({Kind.ADAPTER, Kind.PROJECTOR})


def propose(
    found: Inspection, files: Sequence[ArtifactFile], stated: Stated, by: str, on: date
) -> Proposal:
    """The proposal for an inspected artifact and its measured files."""
    draft = draft_entry(files, found.headers, stated)
    return Proposal(by, on, draft, found.facts, found.templates, found.findings)


def reconstruct(proposal: Proposal) -> Inspection:
    """What a proposal says of its file, as an inspection. What it says of its templates is not
    believed: they are here, and are looked at again."""
    told = [one for one in proposal.findings if one.check != _TEMPLATES] or [_NOTHING_TOLD]
    draft = proposal.draft
    if draft.gguf:
        told += inspect_sources([(one.key, one.source) for one in proposal.templates])
    return Inspection(
        path=draft.files[0].name,
        format="GGUF" if draft.gguf else "data",
        files=tuple(InspectedFile(*file) for file in draft.files),
        facts=proposal.facts,
        findings=tuple(told),
        templates=proposal.templates,
    )


def find_refusing(findings: Iterable[Finding], kind: Kind) -> tuple[Finding, ...]:
    """The findings that forbid to approve an artifact of this kind, or say that something was not
    looked at. Of an adapter or a dataset somebody must have looked whether it is one."""
    found = tuple(findings)
    expected = _MODELS_ONLY if kind in _PARTS else frozenset()
    refusing = tuple(one for one in found if one.refuses and one.check not in expected)
    return refusing or _find_other_kind({one.check for one in found}, kind)


def _find_other_kind(checks: Collection[str], kind: Kind) -> tuple[Finding, ...]:
    if kind is Kind.ADAPTER and adapter.CHECK not in checks:
        return (_NO_ADAPTER,)
    if kind is Kind.DATASET and DATASET not in checks:
        return (_NO_DATASET,)
    return (_DATASET,) if kind is not Kind.DATASET and DATASET in checks else ()


def find_templates_apart(told: Iterable[Template], found: Iterable[Template]) -> tuple[str, ...]:
    """Which chat templates a proposal carries and its file has not, and the other way round."""
    carried, here = ({one.sha256 for one in some if one.source} for some in (told, found))
    return (
        *(f"chat template listed, not here: {one}" for one in sorted(carried - here)),
        *(f"chat template here, not listed: {one}" for one in sorted(here - carried)),
    )


def find_differences(listed: Draft, found: Draft) -> tuple[str, ...]:
    """Where the files at hand are not what is listed. Files are known by their SHA-256, which says
    all of them but which tree digest a start would go by."""
    named, here = ({file.sha256: file for file in one.files} for one in (listed, found))
    differences = [
        f"listed, not here: {named[one].name}, {one}" for one in named if one not in here
    ]
    differences += [
        f"here, not listed: {here[one].name}, {one}" for one in here if one not in named
    ]
    pairs: list[tuple[str, object, object]] = [
        ("size", named[one].size, here[one].size) for one in named if one in here
    ]
    pairs += [
        ("tree-sha256", named[one].tree, here[one].tree)
        for one in named
        if one in here and named[one].tree
    ]
    if listed.gguf and found.gguf:
        words = ("architecture", "number of tensors", "template's sha256")
        pairs += zip(words, listed.gguf, found.gguf, strict=True)
    differences += [
        f"{what}: {there or 'none'} listed, {this or 'none'} here"
        for what, there, this in pairs
        if there != this
    ]
    return tuple(differences)
