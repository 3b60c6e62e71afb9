"""What is loaded beside a model: named by its entry, and asked all that the model is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFacts
from localai.gguf.statements import Statements
from localai.manifest.lane import Outside
from localai.manifest.revocation import Kind as Named
from localai.manifest.revocation import Revocations, Revoked
from localai.manifest.schema import ArtifactFile, Entry, Kind
from localai.plan.build import decide
from localai.plan.document import decision_document, record_document
from localai.plan.facts import Artifact, Facts
from localai.policy import WAIVABLE, Policy

FAIL, UNKNOWN = Verdict.FAIL, Verdict.NOT_CHECKED
SAFEGUARD = "two people read what it wrote"


@pytest.fixture
def bound(good: Facts, entry: Entry) -> Facts:
    """The same start with an approved adapter that the model's entry names."""
    assert good.artifact
    style = entry._replace(
        id="style",
        name="Style",
        kind=Kind.ADAPTER,
        files=(ArtifactFile("style.gguf", 4096, "e" * 64, "f" * 64),),
        gguf=GgufFacts("llama", 8),
        use=entry.use._replace(safeguards=(SAFEGUARD,)),
    )
    adapter = good.artifact._replace(
        path="adapters/style.gguf",
        name="Style",
        size=4096,
        digests=("tree-sha256:" + "f" * 64,),
        entry=style,
        format=(Finding("gguf-adapter", Verdict.PASS, "LoRA, GGUF v3", "llama, rank 2"),),
        held=GgufFacts("llama", 8),
        said=Statements(("apache-2.0",), ()),
        kind="adapter",
        scale=0.5,
    )
    model = good.artifact._replace(entry=entry._replace(companions=("style",)))
    return good._replace(artifact=model, companions=(adapter,))


def ask(facts: Facts, check: str, policy: Policy | None = None) -> Finding:
    findings = decide(facts, policy or facts.policy.policy).findings
    return next(finding for finding in findings if finding.check == check)


def change(facts: Facts, **changes: Any) -> Facts:
    """The adapter is otherwise."""
    assert facts.companions
    return facts._replace(companions=(facts.companions[0]._replace(**changes),))


def adapter_of(facts: Facts) -> tuple[Artifact, Entry]:
    assert facts.companions
    (adapter,) = facts.companions
    assert adapter.entry
    return adapter, adapter.entry


def test_what_is_bound_may_run_and_stands_in_every_answer(bound: Facts) -> None:
    decision = decide(bound, bound.policy.policy)
    assert decision.allowed
    said = {finding.check: finding for finding in decision.findings}
    assert said["companions"].evidence == "adapter style.gguf (style in allowlist) at 0.5"
    assert said["artifact-approved"].evidence.endswith(
        "; adapter style.gguf: tree ffffffff…, sealed in memory, 4.0 KiB in 0.08 s"
    )
    assert f"safeguard: {SAFEGUARD}" in said["approved-use"].evidence
    assert said["approved-use"].summary == "evaluation"


@pytest.mark.parametrize("kind", [Kind.ADAPTER, Kind.PROJECTOR, Kind.DRAFT])
def test_what_the_models_entry_does_not_name_is_refused(bound: Facts, kind: Kind) -> None:
    assert bound.artifact and bound.artifact.entry
    _, style = adapter_of(bound)
    facts = change(bound, kind=str(kind), entry=style._replace(kind=kind))
    assert ask(facts, "companions").verdict is Verdict.PASS
    alone = bound.artifact._replace(entry=bound.artifact.entry._replace(companions=("other",)))
    finding = ask(facts._replace(artifact=alone), "companions")
    assert (finding.verdict, finding.summary) == (FAIL, "not approved together")
    assert "tiny does not name" in finding.evidence
    assert "--companion style" in finding.remedy
    assert not decide(facts._replace(artifact=alone), facts.policy.policy).allowed


def test_an_identifier_counts_in_its_own_manifest_alone(bound: Facts) -> None:
    finding = ask(change(bound, manifest="another"), "companions")
    assert (finding.verdict, finding.summary) == (FAIL, "not approved together")
    assert "style in another" in finding.evidence


def test_twice_is_refused(bound: Facts) -> None:
    adapter, _ = adapter_of(bound)
    twice = bound._replace(companions=(adapter, adapter._replace(path="copy.gguf")))
    assert ask(twice, "companions").summary == "one of them twice"


def test_it_cannot_be_waived() -> None:
    assert "companions" not in WAIVABLE


# the gate, what the adapter is, the verdict, and what the refusal says of it
SPOILED: list[tuple[str, dict[str, Any], Verdict, str]] = [
    ("artifact-approved", {"entry": None, "path": "new.gguf"}, FAIL, "adapter new.gguf: tree ffff"),
    ("artifact-approved", {"entry": None, "path": "new.gguf"}, FAIL, "--kind adapter"),
    ("artifact-approved", {"problem": "a FIFO"}, FAIL, "adapter style.gguf: a FIFO"),
    ("artifact-approved", {"digests": ()}, UNKNOWN, "no digest was computed"),
    ("companions", {"entry": None}, UNKNOWN, "style.gguf at 0.5 is in no manifest"),
    ("artifact-format", {"format": ()}, UNKNOWN, "no header was read"),
    (
        "artifact-format",
        {"format": (Finding("gguf-adapter", FAIL, "for another architecture", "'qwen2'"),)},
        FAIL,
        "'qwen2'",
    ),
    ("artifact-format", {"held": GgufFacts("llama", 9)}, FAIL, "llama, 9 tensors; approved:"),
    ("chat-template", {"held": GgufFacts("llama", 8, "a" * 64)}, FAIL, "(no template)"),
    ("licence", {"said": None}, UNKNOWN, "no header was read"),
    ("restricted-technology", {"said": None}, UNKNOWN, "no header was read"),
    (
        "restricted-technology",
        {"said": Statements((), (("general.author", "Forbidden Labs"),))},
        FAIL,
        "adapter style.gguf: Forbidden Labs",
    ),
]


@pytest.mark.parametrize(("check", "changes", "verdict", "said"), SPOILED)
def test_every_gate_answers_for_it(
    bound: Facts, check: str, changes: dict[str, Any], verdict: Verdict, said: str
) -> None:
    finding = ask(change(bound, **changes), check)
    assert finding.verdict is verdict
    assert said in " ".join(finding)
    assert ask(bound, check).verdict is Verdict.PASS


def entry_with(entry: Entry, **changes: Any) -> Entry:
    """Change the entry, its approval or its use."""
    for part in ("approval", "use"):
        inner = getattr(entry, part)
        mine = {name: value for name, value in changes.items() if hasattr(inner, name)}
        entry = entry._replace(**{part: inner._replace(**mine)})
    return entry._replace(**{name: v for name, v in changes.items() if hasattr(entry, name)})


@pytest.mark.parametrize(
    ("check", "changes", "said"),
    [
        ("approved-use", {"kind": Kind.MODEL}, "approved as model, not as adapter"),
        ("approved-use", {"kind": Kind.PROJECTOR}, "approved as projector, not as adapter"),
        ("approved-use", {"purposes": ("training",)}, "purpose evaluation; approved: training"),
        ("approved-use", {"groups": ("officers",)}, "pat is in none of the groups officers"),
        ("review-date", {"review_by": date(2026, 2, 28)}, "review was due by 2026-02-28"),
        ("review-date", {"on": date(2026, 3, 2)}, "a day to come"),
    ],
)
def test_its_own_approval_binds(
    bound: Facts, check: str, changes: dict[str, Any], said: str
) -> None:
    _, style = adapter_of(bound)
    finding = ask(change(bound, entry=entry_with(style, **changes)), check)
    assert (finding.verdict, said in finding.evidence) == (FAIL, True)
    assert finding.evidence.startswith("adapter style.gguf: ")


def test_its_licence_is_asked_for_too(bound: Facts) -> None:
    _, style = adapter_of(bound)
    facts = change(bound, entry=style._replace(licence="GPL-3.0"), said=Statements())
    finding = ask(facts, "licence", Policy(licences=("Apache-2.0",)))
    assert finding.verdict is FAIL
    assert "adapter style.gguf: the entry names GPL-3.0" in finding.evidence


def test_who_approves_for_themselves_approves_no_adapter_either(bound: Facts) -> None:
    _, style = adapter_of(bound)
    facts = change(bound, entry=entry_with(style, self_approved=True))
    assert ask(facts, "approved-use").verdict is Verdict.NOTE
    finding = ask(facts, "artifact-approved", Policy(self_approval=False))
    assert (finding.verdict, finding.summary) == (FAIL, "self-approved")


def test_what_is_revoked_stops(bound: Facts) -> None:
    (loaded,) = bound.manifests
    lines = Revocations((Revoked(Named.ENTRY, "style", date(2026, 2, 20), "poisoned"),))
    revoked = loaded._replace(verification=loaded.verification._replace(revocations=lines))
    finding = ask(bound._replace(manifests=(revoked,)), "artifact-approved")
    assert (finding.verdict, finding.summary) == (FAIL, "revoked")
    assert finding.evidence.startswith("adapter style.gguf: on 2026-02-20: poisoned")


def test_what_is_outside_of_a_lane_is_told(bound: Facts) -> None:
    _, style = adapter_of(bound)
    (loaded,) = bound.manifests
    outside = (Outside(style, "the lane does not reach so far"),)
    lane = loaded._replace(verification=loaded.verification._replace(outside=outside))
    finding = ask(change(bound, entry=None)._replace(manifests=(lane,)), "artifact-approved")
    assert "adapter style.gguf: style: the lane does not reach so far" in finding.evidence


def test_one_answer_lists_what_is_wrong_with_all(bound: Facts) -> None:
    """The model is not approved either: nobody fixes one thing, to be told of the next."""
    assert bound.artifact
    facts = change(bound, entry=None, path="new.gguf")
    facts = facts._replace(artifact=bound.artifact._replace(entry=None, path="big.gguf"))
    finding = ask(facts, "artifact-approved")
    assert finding.evidence.startswith("tree bbbbbbbb…; adapter new.gguf: tree ffffffff…")
    assert finding.remedy == (
        "localai approve big.gguf; localai manifest propose new.gguf --kind adapter"
    )
    decision = decide(facts, facts.policy.policy)
    assert {"companions", "licence", "approved-use"} <= {one.check for one in decision.refusing}


def test_the_documents_name_it(bound: Facts) -> None:
    decision = decide(bound, bound.policy.policy)
    expected = {
        "path": "adapters/style.gguf",
        "name": "Style",
        "size": 4096,
        "digests": ["tree-sha256:" + "f" * 64],
        "entry": "style",
        "manifest": "allowlist",
        "sealed": True,
        "read_only_store": False,
        "kind": "adapter",
        "scale": 0.5,
    }
    assert decision_document(bound, decision)["companions"] == [expected]
    now = datetime(2026, 3, 1, tzinfo=UTC)
    record = record_document(bound, decision, event="run", now=now, version="0")
    assert record["companions"] == [expected]
