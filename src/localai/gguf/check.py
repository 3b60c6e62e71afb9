"""Judge the structure of a model from its headers alone: what every start can afford."""

from __future__ import annotations

from collections.abc import Sequence

from localai.findings import Finding, Verdict
from localai.gguf.describe import describe
from localai.gguf.facts import TEMPLATE_KEY, GgufFile
from localai.gguf.finding import OWN_FILE, fail, name_some, note
from localai.gguf.layout import find_layout
from localai.gguf.sets import find_belonging

CHECK = "gguf-kind"

# Kinds of GGUF that are no model to talk to; files made before general.type existed have none.
OTHER_KINDS = {
    "adapter": "an adapter (LoRA), which needs the model that it adapts",
    "mmproj": "a projector, the part of a model that sees or hears",
    "imatrix": "an importance matrix, a by-product of quantisation",
    "vocab": "a vocabulary without weights",
}

_AS_ADAPTER = "approve it with --kind adapter, then: localai run MODEL --adapter FILE"
_PROJECTOR = "clip"  # what all of them name as their architecture, older ones without a type
_LONGEST_NAME = 64  # characters of an architecture's name; the longest known has 18


def check_structure(files: Sequence[GgufFile]) -> tuple[Finding, ...]:
    """What there is to say about the well-formed files of one model, in order; nothing worse than
    ``note`` may be run."""
    first = files[0]
    findings = [*_find_kind(first), *find_belonging(files)]
    findings += [finding for file in files for finding in find_layout(file)]
    if all(finding.verdict is Verdict.NOTE for finding in findings):
        findings.insert(0, Finding(CHECK, Verdict.PASS, f"GGUF v{first.version}", describe(files)))
    return tuple(findings)


def _find_kind(file: GgufFile) -> list[Finding]:
    kind = file.text("general.type")
    if kind in OTHER_KINDS:
        evidence = f"general.type is {kind}: {OTHER_KINDS[kind]}"
        return [
            fail(CHECK, "not a model", evidence, _AS_ADAPTER if kind == "adapter" else OWN_FILE)
        ]
    if file.architecture == _PROJECTOR:
        evidence = f"general.architecture is {_PROJECTOR}: {OTHER_KINDS['mmproj']}"
        return [fail(CHECK, "not a model", evidence)]
    findings = []
    if not file.architecture:
        findings.append(fail(CHECK, "no architecture", "general.architecture is missing"))
    elif len(file.architecture) > _LONGEST_NAME or not _is_plain(file.architecture):
        evidence = f"general.architecture is {name_some([file.architecture])}"
        findings.append(fail(CHECK, "no architecture", evidence))
    if not file.tensors and file.parts == 1:
        findings.append(fail(CHECK, "no weights", "the file has no tensor"))
    # llama.cpp takes a number for a text.
    if not isinstance(file.metadata.get(TEMPLATE_KEY, ""), str):
        findings.append(fail(CHECK, "no chat template", f"{TEMPLATE_KEY} is no text"))
    if file.template is None and not findings:
        evidence = "no chat template: the model continues a text, it was not taught turns"
        findings.append(note(CHECK, "base model", evidence))
    return findings


def _is_plain(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").replace(".", "").isalnum()
