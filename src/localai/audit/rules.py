"""Say what there is to say of the rules themselves: signatures and keys, what runs out, weak spots,
waivers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from localai.findings import Finding, Verdict
from localai.manifest.revocation import Kind, Revocations
from localai.manifest.schema import Entry
from localai.manifest.standing import ends_of as ends_of_manifest
from localai.manifest.standing import find_endings
from localai.manifest.trust import RoleName, Root
from localai.manifest.verify import LoadedManifest, Trust
from localai.plan.gates.licence import plain
from localai.policy import DataClass, LoadedPolicy, Policy

LONG = timedelta(days=366)
"""A review that lies further off than this is none that anybody waits for."""

_UNKNOWN = frozenset({"", "unknown", "other", "none", "noassertion"})
_WIDE = frozenset({DataClass.CONFIDENTIAL, DataClass.RESTRICTED})


class Topic(StrEnum):
    """What a remark is about; also the check of its finding."""

    TRUST = "trust"
    ENDING = "ending"
    WEAK = "weak-spot"
    WAIVER = "waiver"
    PLACE = "place"


class Remark(NamedTuple):
    """A finding, and what it is about: a manifest's name, an entry, a key, a folder."""

    subject: str
    finding: Finding


class Rules(NamedTuple):
    """Everything that decides on this host what may run."""

    trust: Trust
    revocations: Revocations
    manifests: tuple[LoadedManifest, ...]
    policy: LoadedPolicy


def judge_rules(rules: Rules, today: date) -> tuple[Remark, ...]:
    """All remarks, by topic."""
    return (
        *_judge_trust(rules),
        *_judge_endings(rules, today),
        *_find_weak(rules),
        *_list_waivers(rules.policy.policy, today),
    )


def _judge_trust(rules: Rules) -> Iterator[Remark]:
    trust, revoked, policy = rules.trust, rules.revocations, rules.policy
    if policy.problem:
        yield _fail("policy", "not in force", policy.problem, policy.remedy)
    if trust.root is None:
        yield _fail("root of trust", trust.problem, trust.evidence, trust.remedy)
    else:
        version = f"version {trust.root.version}"
        yield Remark(
            "root of trust", Finding(Topic.TRUST, Verdict.PASS, version, trust.fingerprint)
        )
    if revoked.problem:
        yield _fail("revocation list", revoked.problem, revoked.evidence, revoked.remedy)
    if not rules.manifests:
        remedy = "localai approve FILE, or localai manifest init"
        yield _fail("manifests", "there is none", "so nothing is approved here", remedy)
    for loaded in rules.manifests:
        for finding in loaded.findings:
            yield Remark(loaded.name, finding)


def _judge_endings(rules: Rules, today: date) -> Iterator[Remark]:
    for ending in find_endings(_ends(rules, today), today):
        over = ending.left < 0
        days = "1 day" if abs(ending.left) == 1 else f"{abs(ending.left)} days"
        left = f"{days} left" if ending.left else "its last day"
        yield Remark(
            ending.what,
            Finding(
                Topic.ENDING,
                Verdict.FAIL if over else Verdict.NOTE,
                f"over since {days}" if over else left,
                f"until {ending.last}",
                "what ran out approves nothing until somebody looks at it again" if over else "",
                "renew or remove it" if over else "",
            ),
        )


def _ends(rules: Rules, today: date) -> Iterator[tuple[str, date]]:
    if rules.trust.root:
        yield "root of trust", rules.trust.root.expires
        if rules.trust.root.lane:
            yield "lane", rules.trust.root.lane.frame.until
    for loaded in rules.manifests:
        if known := loaded.verification.manifest:
            yield from ends_of_manifest(known)
    for waiver in rules.policy.policy.waivers:
        if waiver.until >= today:  # one that ran out waives nothing, and needs nobody
            yield f"waiver of {waiver.check}", waiver.until


def _find_weak(rules: Rules) -> Iterator[Remark]:
    if rules.trust.root:
        yield from _find_weak_roles(rules.trust.root, rules.revocations)
    for loaded in rules.manifests:
        known = loaded.verification.manifest
        for entry in known.entries if known else ():
            for summary, evidence in _find_weak_entry(entry):
                yield _weak(f"{entry.id} in {loaded.name}", summary, evidence)


def _find_weak_roles(root: Root, revocations: Revocations) -> Iterator[Remark]:
    gone = {line.value for line in revocations.revoked if line.kind is Kind.KEY}
    roles_of: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for name, role in root.roles.items():
        # the others can only deny, or allow within a frame that these have drawn
        if role.threshold == 1 and name in (RoleName.ROOT, RoleName.MANIFEST):
            yield _weak(f"role {name}", "threshold 1", "one key alone decides")
        for key in role.keys:
            names[key.public.fingerprint] = key.name
            roles_of.setdefault(key.public.fingerprint, []).append(name)
    for fingerprint, roles in roles_of.items():
        subject = f"key {names[fingerprint]}"
        if len(roles) > 1:
            yield _weak(subject, "signs in several roles", ", ".join(roles))
        if fingerprint in gone:
            yield _weak(subject, "revoked, and still in the root", "localai trust remove-key")


def _find_weak_entry(entry: Entry) -> Iterator[tuple[str, str]]:
    approval, use = entry.approval, entry.use
    if approval.review_by - approval.on > LONG:
        yield "no review within a year", f"approved on {approval.on}, until {approval.review_by}"
    if wide := [name for name in use.data_classes if name in _WIDE]:
        yield "wide data classes", ", ".join(wide)
    if plain(entry.licence) in _UNKNOWN:
        yield "licence unknown", entry.licence
    if approval.self_approved:
        yield "self-approved", f"{approval.by} approved it for themselves"
    if entry.source.revision is None:
        yield "no exact revision", f"{entry.source.repository}, whatever it holds by now"


def _list_waivers(policy: Policy, today: date) -> Iterator[Remark]:
    for waiver in policy.waivers:
        evidence = f"until {waiver.until}, by {waiver.approver}: {waiver.reason}"
        ended = "ran out" if today > waiver.until else "ends too late to count"
        summary = "in force" if waiver.counts(today) else ended
        yield Remark(waiver.check, Finding(Topic.WAIVER, Verdict.NOTE, summary, evidence))


def _fail(subject: str, summary: str, evidence: str, remedy: str) -> Remark:
    why = "only what a trusted key signed approves anything"
    return Remark(subject, Finding(Topic.TRUST, Verdict.FAIL, summary, evidence, why, remedy))


def _weak(subject: str, summary: str, evidence: str) -> Remark:
    return Remark(subject, Finding(Topic.WEAK, Verdict.NOTE, summary, evidence))
