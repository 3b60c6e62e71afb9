"""Gate environment-label: is this host labelled for exploratory work?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from localai.environment import Power, Reading
from localai.findings import Finding, Verdict
from localai.labels import Kind, LabelRules, classify, is_production_host

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "environment-label"
LANE = "the self-hosted lane is for exploratory work only"
MOVE = "run on a host labelled sandbox, or ask for normal review"
DECLARE = "localai setup"


def environment_label(facts: Facts, policy: Policy) -> Finding:
    """Judge everything that says what kind of host this is."""
    return judge_labels(facts.labels, policy.labels)


def judge_labels(readings: tuple[Reading, ...], rules: LabelRules) -> Finding:
    """What could not be read, then what denies, then what is ambiguous, then what grants."""
    unread = [reading for reading in readings if reading.problem]
    if unread:
        evidence = "; ".join(f"{reading.source}: {reading.problem}" for reading in unread)
        return Finding(
            CHECK,
            Verdict.NOT_CHECKED,
            "unreadable",
            evidence,
            why="a source that cannot be read could say production",
            remedy="; ".join(reading.remedy for reading in unread),
        )
    denying = [reading for reading in readings if _denies(reading, rules)]  # even a lapsed one
    if denying:
        return Finding(CHECK, Verdict.FAIL, "production", _said(denying), why=LANE, remedy=MOVE)
    counting = [reading for reading in readings if not reading.void]
    ambiguous = [reading for reading in counting if _is_ambiguous(reading, rules)]
    if ambiguous:
        return Finding(
            CHECK,
            Verdict.FAIL,
            "ambiguous",
            _said(ambiguous),
            why=_why_ambiguous(ambiguous, rules),
            remedy=f"use one of: {', '.join(sorted(rules.classes))}",
        )
    return _granted(readings, rules)


def _granted(readings: tuple[Reading, ...], rules: LabelRules) -> Finding:
    grants = [
        (classify(reading.value, rules).name, reading)
        for reading in readings
        if not reading.void and _may_grant(reading, rules)
    ]
    classes = sorted({name for name, _ in grants})
    if not grants:
        return _no_label(readings, rules)
    said = _said(reading for _, reading in grants)
    if len(classes) > 1:
        return Finding(
            CHECK,
            Verdict.FAIL,
            "conflicting",
            said,
            why=f"one host cannot be {' and '.join(classes)}",
            remedy="make all of them say the same",
        )
    administrators = [reading for _, reading in grants if reading.power is Power.ADMINISTRATOR]
    if administrators:
        return Finding(CHECK, Verdict.PASS, classes[0], administrators[0].source)
    return Finding(CHECK, Verdict.NOTE, classes[0], f"self-declared, {grants[0][1].source}")


def _no_label(readings: tuple[Reading, ...], rules: LabelRules) -> Finding:
    void = [reading for reading in readings if reading.void]
    evidence = "; ".join(f"{reading.source}: {reading.void}" for reading in void)
    own = [reading for reading in readings if reading.power is Power.SELF_DECLARED]
    if own and not rules.self_declared:
        evidence = f"{own[0].source}: the policy does not let a label be self-declared"
    return Finding(
        CHECK,
        Verdict.FAIL,
        "no label",
        evidence or "neither the administrator nor you said what kind of host this is",
        why=LANE,
        remedy=DECLARE if rules.self_declared else "ask the administrator to label this host",
    )


def _may_grant(reading: Reading, rules: LabelRules) -> bool:
    return reading.power is Power.ADMINISTRATOR or (
        reading.power is Power.SELF_DECLARED and rules.self_declared
    )


def _denies(reading: Reading, rules: LabelRules) -> bool:
    if reading.power is Power.HOST_NAME:
        return is_production_host(reading.value, rules)
    return classify(reading.value, rules).kind is Kind.PRODUCTION


def _is_ambiguous(reading: Reading, rules: LabelRules) -> bool:
    """A source that can only deny is ambiguous near "production"; unknown words do it no harm."""
    if reading.power is Power.HOST_NAME:
        return False
    kind = classify(reading.value, rules).kind
    return kind is Kind.NEAR_PRODUCTION or (
        kind in (Kind.UNKNOWN, Kind.MIXED) and reading.power is not Power.DENY
    )


def _why_ambiguous(readings: list[Reading], rules: LabelRules) -> str:
    reasons = []
    for reading in readings:
        meaning = classify(reading.value, rules)
        words = ", ".join(meaning.words)
        if meaning.kind is Kind.NEAR_PRODUCTION:
            reasons.append(f"ambiguous: {words} names production without saying how near it is")
        elif meaning.kind is Kind.MIXED:
            reasons.append(f"ambiguous: {words} are words for different kinds of host")
        elif words:
            reasons.append(f"ambiguous: the policy does not know the word {words}")
        else:
            reasons.append("ambiguous: there is no word in it")
    return "; ".join(dict.fromkeys(reasons))


def _said(readings: Iterable[Reading]) -> str:
    return "; ".join(
        f"{reading.source} {reading.value}"
        if reading.power is Power.HOST_NAME
        else f"{reading.source}={reading.value}"
        for reading in readings
    )
