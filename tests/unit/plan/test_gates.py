"""Every gate, one spoiled fact at a time: what refuses, what is noted, what was not checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from localai.account import Origin
from localai.egress.probes.probe import FILTERS
from localai.egress.selftest import EgressReport, FilterReport, Outcome, ProbeResult
from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFacts
from localai.gguf.statements import Statements
from localai.host import HostFacts
from localai.manifest.schema import Kind
from localai.plan.build import decide
from localai.plan.facts import Facts, LastSelfTest, Resources, Use
from localai.plan.gates import GATES
from localai.policy import (
    Accounts,
    DataClass,
    LoadedPolicy,
    Policy,
    Restricted,
    Unattended,
    Waiver,
)
from localai.sandbox.status import Layer
from localai.selftests.result import Result
from localai.store.state import Place

PASS, NOTE, FAIL, UNKNOWN = Verdict.PASS, Verdict.NOTE, Verdict.FAIL, Verdict.NOT_CHECKED
Spoil = Callable[[Facts], Facts]


def ask(facts: Facts, check: str, policy: Policy | None = None) -> Finding:
    decision = decide(facts, policy or facts.policy.policy)
    return next(finding for finding in decision.findings if finding.check == check)


def artifact(**changes: Any) -> Spoil:
    return lambda facts: facts._replace(artifact=facts.artifact._replace(**changes))  # type: ignore[type-var]


def egress(change: Callable[[EgressReport], EgressReport]) -> Spoil:
    def spoil(facts: Facts) -> Facts:
        assert facts.egress
        return facts._replace(egress=change(facts.egress))

    return spoil


def outcome(kind: Outcome, *, control: bool = True) -> ProbeResult:
    return ProbeResult("tcp", kind, control, 0, "made up")


def add(result: ProbeResult) -> Spoil:
    return egress(lambda report: report._replace(results=(*report.results, result)))


def under(name: str, *results: ProbeResult) -> Spoil:
    return egress(
        lambda report: report._replace(filters={**report.filters, name: FilterReport(results)})
    )


def entry(**changes: Any) -> Spoil:
    """Change the approval or the use of the entry."""

    def spoil(facts: Facts) -> Facts:
        assert facts.artifact and facts.artifact.entry
        found = facts.artifact.entry
        approval = {name: value for name, value in changes.items() if hasattr(found.approval, name)}
        use = {name: value for name, value in changes.items() if hasattr(found.use, name)}
        changed = found._replace(
            approval=found.approval._replace(**approval), use=found.use._replace(**use)
        )
        return artifact(entry=changed)(facts)

    return spoil


def pinned(gguf: GgufFacts | None) -> Spoil:
    """The entry pins this."""

    def spoil(facts: Facts) -> Facts:
        assert facts.artifact and facts.artifact.entry
        return artifact(entry=facts.artifact.entry._replace(gguf=gguf))(facts)

    return spoil


def approved_as(kind: Kind) -> Spoil:
    """The entry is of this kind."""

    def spoil(facts: Facts) -> Facts:
        assert facts.artifact and facts.artifact.entry
        return artifact(entry=facts.artifact.entry._replace(kind=kind))(facts)

    return spoil


def sourced(**changes: Any) -> Spoil:
    """The entry says this of where it is from."""

    def spoil(facts: Facts) -> Facts:
        assert facts.artifact and facts.artifact.entry
        found = facts.artifact.entry
        source = found.source._replace(**changes)
        return artifact(entry=found._replace(source=source))(facts)

    return spoil


def manifests(signature: Verdict, freshness: Verdict) -> Spoil:
    def spoil(facts: Facts) -> Facts:
        (loaded,) = facts.manifests
        findings = tuple(
            finding._replace(verdict=verdict)
            for finding, verdict in zip(loaded.findings, (signature, freshness), strict=True)
        )
        verification = loaded.verification._replace(findings=findings)
        return facts._replace(manifests=(loaded._replace(verification=verification),))

    return spoil


def layer(changed: Layer) -> Spoil:
    """Put this layer in the place of the one of its name."""

    def spoil(facts: Facts) -> Facts:
        assert facts.sandbox
        found = [changed if one.name == changed.name else one for one in facts.sandbox.layers]
        return facts._replace(sandbox=facts.sandbox._replace(layers=tuple(found)))

    return spoil


def without(name: str) -> Spoil:
    def spoil(facts: Facts) -> Facts:
        assert facts.sandbox
        found = tuple(one for one in facts.sandbox.layers if one.name != name)
        return facts._replace(sandbox=facts.sandbox._replace(layers=found))

    return spoil


def distrusted(facts: Facts) -> Facts:
    """Nobody whom the root trusts has signed any manifest."""
    return facts._replace(
        manifests=tuple(
            one._replace(verification=one.verification._replace(manifest=None))
            for one in facts.manifests
        ),
    )


def self_tested(
    verdict: Verdict | None = PASS, hours: float = 1.0, problem: str = "", asked: int = 24
) -> Spoil:
    """The policy asks for a pass; the newest result is this."""

    def spoil(facts: Facts) -> Facts:
        time = datetime(2026, 2, 28, 23, tzinfo=UTC)
        result = Result(time, verdict, "0", "6", number=7) if verdict else None
        policy = facts.policy._replace(policy=Policy(self_test_hours=asked))
        return facts._replace(policy=policy, self_test=LastSelfTest(result, hours, problem))

    return spoil


def unlooked(facts: Facts) -> Facts:
    return self_tested()(facts)._replace(self_test=None)


def who(**changes: Any) -> Spoil:
    return lambda facts: facts._replace(account=facts.account._replace(**changes))


def ruled(**rules: Any) -> Spoil:
    """The policy has these rules."""

    def spoil(facts: Facts) -> Facts:
        policy = facts.policy.policy._replace(**rules)
        return facts._replace(policy=facts.policy._replace(policy=policy))

    return spoil


def restricted(*names: str) -> Spoil:
    return ruled(restricted=Restricted("Example list", date(2026, 2, 1), names))


def aged(day: date) -> Spoil:
    """The list of restricted technologies is of this day."""
    return ruled(restricted=Restricted("Example list", day, ("Forbidden Labs",)))


def alone(spoil: Spoil) -> Spoil:
    """The same where nobody administers the host."""

    def managed(facts: Facts) -> Facts:
        spoiled = spoil(facts)
        return spoiled._replace(policy=spoiled.policy._replace(administered=False))

    return managed


def said(key: str, text: str) -> Spoil:
    """The file states this."""
    return artifact(said=Statements(("apache-2.0",), ((key, text),)))


# check, what is spoiled, the verdict, and a piece of summary or evidence
ROWS: list[tuple[str, Spoil, Verdict, str]] = [
    ("environment-label", lambda facts: facts._replace(labels=()), FAIL, "no label"),
    (
        "policy",
        lambda facts: facts._replace(policy=LoadedPolicy(Policy(), True, problem="line 3: no")),
        FAIL,
        "line 3: no",
    ),
    (
        "policy",
        lambda facts: facts._replace(policy=LoadedPolicy(Policy(), False)),
        NOTE,
        "no administrator's policy",
    ),
    (
        "policy",
        lambda facts: facts._replace(policy=facts.policy._replace(notes=("HOME moved",))),
        NOTE,
        "HOME moved",
    ),
    ("manifest-signature", lambda facts: facts._replace(manifests=()), FAIL, "no manifest"),
    ("manifest-freshness", lambda facts: facts._replace(manifests=()), UNKNOWN, "no manifest"),
    ("manifest-signature", manifests(FAIL, UNKNOWN), FAIL, "version 3"),
    ("manifest-freshness", manifests(PASS, FAIL), FAIL, "91 days left"),
    ("manifest-freshness", manifests(FAIL, UNKNOWN), UNKNOWN, ""),
    ("artifact-approved", lambda facts: facts._replace(artifact=None), UNKNOWN, "not measured"),
    ("artifact-approved", artifact(digests=()), UNKNOWN, "not measured"),
    ("artifact-approved", artifact(place=None), UNKNOWN, "not looked for"),
    ("artifact-approved", artifact(place=Place("quarantine", "tiny")), FAIL, "in quarantine"),
    ("artifact-approved", artifact(place=Place("proposed", "tiny")), FAIL, "only proposed"),
    ("artifact-approved", artifact(place=Place("incoming", "tiny")), FAIL, "not in its place"),
    ("artifact-approved", artifact(place=Place("tiny.gguf")), FAIL, "not in its place"),
    ("artifact-approved", artifact(place=Place("approved", "tiny")), PASS, "verified"),
    ("artifact-approved", artifact(entry=None, path="other.gguf"), FAIL, "not in the manifest"),
    ("artifact-approved", artifact(entry=None), FAIL, "changed"),
    (
        "artifact-approved",
        artifact(entry=None, digests=("sha256:" + "e" * 64,) * 2),
        FAIL,
        "1 more",
    ),
    (
        "artifact-approved",
        lambda facts: distrusted(artifact(entry=None)(facts)),
        UNKNOWN,
        "no manifest counts",
    ),
    ("artifact-approved", artifact(problem="a FIFO"), FAIL, "a FIFO"),
    ("artifact-approved", artifact(path="other.gguf"), NOTE, "renamed: approved as tiny.gguf"),
    ("artifact-approved", artifact(sealed=False), PASS, "tree bbbbbbbb…, 98 MiB in 0.08 s"),
    ("artifact-format", artifact(format=()), UNKNOWN, "not read"),
    (
        "artifact-format",
        artifact(
            format=(
                Finding("artifact-format", PASS, "GGUF v3"),
                Finding("artifact-format", FAIL, "overflow", "tensor 7"),
                Finding("artifact-format", NOTE, "no template"),
            )
        ),
        FAIL,
        "tensor 7",
    ),
    (
        "artifact-format",
        artifact(held=GgufFacts("qwen2", 12)),
        FAIL,
        "qwen2, 12 tensors; approved: llama, 12 tensors",
    ),
    (
        "artifact-format",
        artifact(held=GgufFacts("llama", 11)),
        FAIL,
        "llama, 11 tensors; approved: llama, 12 tensors",
    ),
    ("artifact-format", pinned(None), FAIL, "approved: no model at all"),
    ("artifact-format", artifact(entry=None), PASS, "GGUF v3"),
    ("chat-template", artifact(held=None), UNKNOWN, "not read"),
    ("chat-template", artifact(entry=None), UNKNOWN, "no entry"),
    ("chat-template", pinned(None), UNKNOWN, "no entry"),
    ("chat-template", artifact(), PASS, "none was approved"),
    (
        "chat-template",
        artifact(held=GgufFacts("llama", 12, "e" * 64)),
        FAIL,
        f"sha256 {'e' * 64}; approved: (no template)",
    ),
    (
        "chat-template",
        pinned(GgufFacts("llama", 12, "e" * 64)),
        FAIL,
        f"sha256 (no template); approved: {'e' * 64}",
    ),
    (
        "chat-template",
        lambda facts: pinned(GgufFacts("llama", 12, "e" * 64))(
            artifact(held=GgufFacts("llama", 12, "e" * 64))(facts)
        ),
        PASS,
        "sha256 eeeeeeee…",
    ),
    ("companions", lambda facts: facts._replace(companions=None), UNKNOWN, "not looked at"),
    ("approved-use", artifact(entry=None), UNKNOWN, "no entry"),
    (
        "approved-use",
        lambda facts: facts._replace(use=Use(purpose="grading")),
        FAIL,
        "purpose grading; approved: evaluation",
    ),
    (
        "approved-use",
        lambda facts: facts._replace(use=Use(data_class="internal")),
        FAIL,
        "internal data; approved: public",
    ),
    ("approved-use", entry(groups=("officers",)), FAIL, "in none of the groups officers"),
    ("approved-use", entry(groups=()), PASS, "public data, review by"),
    ("approved-use", entry(self_approved=True), NOTE, "self-approved by Pat Doe"),
    *(
        ("approved-use", approved_as(kind), FAIL, f"approved as {kind}, not as model")
        for kind in Kind
        if kind is not Kind.MODEL
    ),
    ("approved-use", entry(safeguards=("two people",)), PASS, "safeguard: two people"),
    ("review-date", artifact(entry=None), UNKNOWN, "no entry"),
    ("review-date", entry(review_by=date(2026, 2, 28)), FAIL, "review was due by 2026-02-28"),
    ("review-date", entry(review_by=date(2026, 3, 1)), NOTE, "0 days left"),
    ("review-date", entry(review_by=date(2026, 3, 2)), NOTE, "1 day left"),
    ("review-date", entry(review_by=date(2026, 3, 30)), NOTE, "29 days left"),
    ("review-date", entry(review_by=date(2026, 3, 31)), PASS, "by 2026-03-31, 30 days left"),
    ("review-date", entry(on=date(2026, 3, 1)), PASS, "review"),
    ("review-date", entry(on=date(2026, 3, 2)), FAIL, "a day to come"),
    ("account", who(terminal=False), NOTE, "unattended, local account"),
    ("account", ruled(unattended=Unattended.REFUSE), PASS, "local account, at a terminal"),
    (
        "account",
        lambda facts: who(terminal=False)(ruled(unattended=Unattended.REFUSE)(facts)),
        FAIL,
        "no terminal",
    ),
    ("account", ruled(accounts=Accounts.DIRECTORY), FAIL, "local account"),
    (
        "account",
        lambda facts: who(origin=Origin.UNKNOWN)(ruled(accounts=Accounts.DIRECTORY)(facts)),
        FAIL,
        "unknown account",
    ),
    (
        "account",
        lambda facts: who(origin=Origin.DIRECTORY)(ruled(accounts=Accounts.DIRECTORY)(facts)),
        PASS,
        "directory account",
    ),
    ("licence", artifact(entry=None), UNKNOWN, "no entry"),
    ("licence", artifact(said=None), UNKNOWN, "not read"),
    ("licence", artifact(said=Statements()), PASS, "the file names none"),
    ("licence", artifact(said=Statements(("MIT",))), NOTE, "approved as Apache-2.0"),
    (
        "licence",
        artifact(said=Statements(unread_licences=("general.license",))),
        NOTE,
        "more than is read in general.license",
    ),
    (
        "licence",
        lambda facts: artifact(said=Statements(unread_licences=("general.license",)))(
            ruled(licences=("Apache-2.0",))(facts)
        ),
        UNKNOWN,
        "too long: general.license",
    ),
    ("licence", ruled(licences=("apache 2.0",)), PASS, "the policy allows it"),
    ("licence", ruled(licences=("MIT",)), FAIL, "the entry names Apache-2.0"),
    ("licence", ruled(licences=()), FAIL, "the policy allows: none"),
    (
        "licence",
        lambda facts: artifact(said=Statements(("cc-by-nc-4.0",)))(
            ruled(licences=("Apache-2.0",))(facts)
        ),
        FAIL,
        "not allowed the file names cc-by-nc-4.0",
    ),
    (
        "licence",
        lambda facts: artifact(said=Statements(("MIT",)))(
            ruled(licences=("Apache-2.0", "MIT"))(facts)
        ),
        NOTE,
        "the file names MIT",
    ),
    ("restricted-technology", artifact(entry=None), UNKNOWN, "no entry"),
    ("restricted-technology", artifact(said=None), UNKNOWN, "not read"),
    ("restricted-technology", restricted("Example"), FAIL, "its publisher is Example"),
    ("restricted-technology", restricted("example/tiny"), FAIL, "its repository"),
    ("restricted-technology", restricted("TINY GGUF"), FAIL, "its file is tiny.gguf"),
    ("restricted-technology", restricted("tiny 1m q4"), FAIL, "its name is Tiny 1M Q4_1"),
    ("restricted-technology", restricted("Llama"), FAIL, "its architecture is llama"),
    (
        "restricted-technology",
        alone(sourced(hub="forbidden-labs.example")),
        FAIL,
        "its hub is forbidden-labs.example",
    ),
    (
        "restricted-technology",
        sourced(bases=("acme/base", "forbidden_labs/base")),
        FAIL,
        "its base is forbidden_labs/base",
    ),
    (
        "restricted-technology",
        said("general.base_model.0.organization", "Forbidden Labs, Ltd."),
        FAIL,
        "the file's general.base_model.0.organization",
    ),
    (
        "restricted-technology",
        lambda facts: said("general.author", "FORBIDDEN-LABS")(aged(date(2020, 1, 1))(facts)),
        FAIL,
        "as of 2020-01-01",
    ),
    ("restricted-technology", restricted(), UNKNOWN, "empty"),
    ("restricted-technology", ruled(restricted=None), UNKNOWN, "no list"),
    ("restricted-technology", alone(ruled(restricted=None)), NOTE, "no list"),
    ("restricted-technology", alone(restricted()), NOTE, "empty"),
    ("restricted-technology", aged(date(2025, 2, 28)), PASS, "as of 2025-02-28"),
    ("restricted-technology", aged(date(2025, 2, 27)), UNKNOWN, "older than a year"),
    ("restricted-technology", alone(aged(date(2025, 2, 27))), NOTE, "older than a year"),
    ("restricted-technology", aged(date(2026, 3, 2)), UNKNOWN, "a day to come"),
    ("restricted-technology", alone(restricted("Llama")), FAIL, "its architecture is llama"),
    (
        "restricted-technology",
        artifact(said=Statements((), (), ("general.datasets",))),
        UNKNOWN,
        "too long: general.datasets",
    ),
    ("restricted-technology", said("general.name", "ꓓꓰꓰꓑ"), UNKNOWN, "letters not known"),
    ("telemetry-off", lambda facts: facts._replace(switches=None), UNKNOWN, "not looked at"),
    ("telemetry-off", lambda facts: facts._replace(switches=()), FAIL, "DO_NOT_TRACK"),
    (
        "telemetry-off",
        lambda facts: facts._replace(host=HostFacts(sync_clients=("dropbox",))),
        NOTE,
        "sync client dropbox",
    ),
    ("host-egress", lambda facts: facts._replace(host=None), UNKNOWN, "not looked at"),
    ("host-egress", lambda facts: facts._replace(host=HostFacts()), NOTE, "no route"),
    (
        "host-egress",
        lambda facts: facts._replace(host=HostFacts(unchecked=("route: EPERM",))),
        UNKNOWN,
        "route: EPERM",
    ),
    ("sandbox", lambda facts: facts._replace(sandbox=None), UNKNOWN, "no status"),
    ("sandbox", without("seccomp"), UNKNOWN, "nothing was found out about: seccomp"),
    ("sandbox", without("namespaces"), UNKNOWN, "nothing was found out about: namespaces"),
    (
        "sandbox",
        layer(Layer("landlock", True, False, "not in this kernel")),
        FAIL,
        "landlock: not in this kernel",
    ),
    (
        "sandbox",
        layer(Layer("namespaces", False, False, "0 namespaces")),
        NOTE,
        "without namespaces",
    ),
    ("sandbox-egress", lambda facts: facts._replace(egress=None), UNKNOWN, "not probed"),
    (
        "sandbox-egress",
        lambda facts: facts._replace(egress=None, unprobed="the label already refuses"),
        UNKNOWN,
        "the label already refuses",
    ),
    ("sandbox-egress", add(outcome(Outcome.ARRIVED)), FAIL, "1 of 43 got out"),
    ("sandbox-egress", under("launcher", outcome(Outcome.ARRIVED)), FAIL, "tcp (launcher"),
    ("sandbox-egress", add(outcome(Outcome.NOT_CHECKED)), UNKNOWN, "tcp: not checked"),
    (
        "sandbox-egress",
        under("model", outcome(Outcome.NOT_CHECKED)),
        UNKNOWN,
        "tcp (model filter): not checked",
    ),
    ("sandbox-egress", add(outcome(Outcome.BLOCKED, control=False)), UNKNOWN, "42 of 43 controls"),
    ("sandbox-egress", add(outcome(Outcome.CLOSED, control=False)), PASS, "2 closed here"),
    ("sandbox-egress", add(outcome(Outcome.UNSAFE_HERE, control=False)), PASS, "1 unsafe here"),
    (
        "sandbox-egress",
        egress(lambda report: report._replace(results=report.results[:39])),
        UNKNOWN,
        "only 39 probes",
    ),
    (
        "sandbox-egress",
        egress(lambda report: report._replace(results=report.results[-1:] * 50)),
        UNKNOWN,
        "only 50 probes",
    ),
    (
        "sandbox-egress",
        egress(lambda report: report._replace(filters={})),
        UNKNOWN,
        "no probe under the imports filter",
    ),
    (
        "sandbox-egress",
        egress(lambda report: report._replace(filters={}, asked=())),
        UNKNOWN,
        "no probe under the launcher filter",
    ),
    (
        "sandbox-egress",
        egress(
            lambda report: report._replace(
                filters={"launcher": report.launcher}, asked=("launcher",)
            )
        ),
        PASS,
        "launcher 0 of 21",
    ),
    *(
        ("sandbox-egress", under(name), UNKNOWN, f"no probe under the {name} filter")
        for name in FILTERS
    ),
    ("self-test", self_tested(), PASS, "result 7, 2026-02-28 23:00 UTC"),
    ("self-test", self_tested(hours=24), PASS, "passed"),
    ("self-test", self_tested(hours=24.1), FAIL, "too old"),
    ("self-test", self_tested(hours=1.1, asked=1), FAIL, "too old"),
    ("self-test", self_tested(FAIL), FAIL, "did not pass"),
    ("self-test", self_tested(UNKNOWN), FAIL, "did not pass"),
    ("self-test", self_tested(None), FAIL, "none yet"),
    ("self-test", self_tested(hours=-0.1), UNKNOWN, "in the future"),
    ("self-test", self_tested(problem="line 3 is damaged"), UNKNOWN, "line 3 is damaged"),
    ("self-test", unlooked, UNKNOWN, "no result was looked for"),
    ("resources", lambda facts: facts._replace(resources=None), UNKNOWN, "not measured"),
    (
        "resources",
        lambda facts: facts._replace(resources=Resources(2 << 30, 1 << 30, "cgroup /a")),
        FAIL,
        "2.0 GiB needed, 1.0 GiB free (cgroup /a)",
    ),
    (
        "resources",
        lambda facts: facts._replace(resources=Resources(0, 0, "", problem="no /proc")),
        UNKNOWN,
        "no /proc",
    ),
]


@pytest.mark.parametrize(
    ("check", "spoil", "verdict", "said"), ROWS, ids=[f"{row[0]}-{row[3]}" for row in ROWS]
)
def test_gate(good: Facts, check: str, spoil: Spoil, verdict: Verdict, said: str) -> None:
    finding = ask(spoil(good), check)
    assert finding.verdict is verdict
    assert said in f"{finding.summary} {finding.evidence}"


def test_nothing_is_wrong_to_begin_with(good: Facts) -> None:
    decision = decide(good, good.policy.policy)
    verdicts = {finding.check: finding.verdict for finding in decision.findings}
    assert verdicts.pop("host-egress") is NOTE
    assert set(verdicts.values()) == {PASS}


def test_the_checks_and_their_order(good: Facts) -> None:
    assert [finding.check for finding in decide(good, Policy()).findings] == [
        "environment-label",
        "policy",
        "account",
        "manifest-signature",
        "manifest-freshness",
        "artifact-approved",
        "artifact-format",
        "chat-template",
        "companions",
        "approved-use",
        "review-date",
        "licence",
        "restricted-technology",
        "telemetry-off",
        "host-egress",
        "sandbox",
        "sandbox-egress",
        "self-test",
        "resources",
    ]
    assert len(GATES) == 19


def test_every_gate_is_spoiled_above() -> None:
    spoiled = {check for check, _, verdict, _ in ROWS if verdict in (FAIL, UNKNOWN)}
    assert len(spoiled) == len(GATES)


def test_self_approved_may_be_denied(good: Facts) -> None:
    facts = entry(self_approved=True)(good)
    policy = Policy(self_approval=False, officer="the security office")
    finding = ask(facts, "artifact-approved", policy)
    assert finding.verdict is FAIL
    assert "the security office" in finding.remedy


def test_what_cannot_be_approved_is_not_told_to_be(good: Facts) -> None:
    """Of a pickle only artifact-format says what to do; a damaged copy is to be had again."""
    broken = (Finding("gguf-header", FAIL, "not a sound GGUF file"),)
    unlisted = artifact(entry=None, path="other.gguf")(good)
    assert ask(unlisted, "artifact-approved").remedy == "localai approve other.gguf"
    assert ask(artifact(format=broken)(unlisted), "artifact-approved").remedy == ""
    damaged = ask(artifact(entry=None, format=broken)(good), "artifact-approved")
    assert damaged.remedy.startswith("get it again from ")
    assert "approve" not in damaged.remedy


def test_the_policy_bounds_the_data_class_too(good: Facts) -> None:
    facts = entry(data_classes=("public", "internal"))(good)
    facts = facts._replace(use=Use(data_class="internal"))
    assert ask(facts, "approved-use").verdict is PASS
    policy = Policy(data_classes=(DataClass.PUBLIC,))
    assert "the policy allows: public" in ask(facts, "approved-use", policy).evidence


def waiver(check: str, days: int = 0) -> Callable[[Facts], Policy]:
    return lambda facts: Policy(
        waivers=(Waiver(check, "Officer", "tried it", facts.today + timedelta(days=days)),)
    )


def test_a_waiver_counts_until_its_last_day(good: Facts) -> None:
    facts = good._replace(resources=Resources(2, 1, "MemAvailable"))
    today = ask(facts, "resources", waiver("resources")(facts))
    assert today.verdict is Verdict.WAIVED
    assert "Officer" in today.why and "tried it" in today.why
    assert ask(facts, "resources", waiver("resources", -1)(facts)).verdict is FAIL
    assert ask(facts, "resources", waiver("host-egress")(facts)).verdict is FAIL


def test_a_waiver_ends_within_a_year(good: Facts) -> None:
    """Else nothing starts, and it waives nothing either: nobody would ever decide on it again."""
    facts = good._replace(resources=Resources(2, 1, "MemAvailable"))
    year = waiver("resources", 366)(facts)
    assert ask(facts, "resources", year).verdict is Verdict.WAIVED
    assert not ask(facts, "policy", year).refuses
    endless = waiver("resources", 367)(facts)
    assert ask(facts, "resources", endless).verdict is FAIL
    refused = ask(facts, "policy", endless)
    assert (refused.verdict, refused.summary) == (FAIL, "waiver without end")
    assert refused.remedy.startswith(f"until: {year.waivers[0].until}, or earlier, in ")


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("environment-label", lambda facts: facts._replace(labels=())),
        ("policy", lambda facts: facts._replace(policy=LoadedPolicy(Policy(), True, problem="x"))),
        ("manifest-signature", manifests(FAIL, UNKNOWN)),
        ("artifact-approved", artifact(entry=None)),
        ("artifact-format", artifact(format=())),
        ("chat-template", artifact(held=GgufFacts("llama", 12, "e" * 64))),
        ("sandbox", lambda facts: facts._replace(sandbox=None)),
        ("sandbox-egress", add(outcome(Outcome.ARRIVED))),
    ],
)
def test_what_is_never_waived(good: Facts, check: str, spoil: Spoil) -> None:
    """Even a policy that says so, which the parser would refuse, waives nothing of this."""
    facts = spoil(good)
    finding = ask(facts, check, waiver(check, 10)(facts))
    assert finding.refuses
