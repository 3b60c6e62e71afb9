"""The posture under a policy: what it requires, whom it names, and where models lay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.findings import Finding, Verdict
from localai.host import HostFacts
from localai.host.checks import CHECKS
from localai.host.targets import Expectation, Outcome, Reached, Target
from localai.places import Places
from localai.plan.facts import Facts
from localai.plan.posture import find_posture
from localai.policy import Policy
from localai.records.log import append

PASS, NOTE, FAIL, UNKNOWN = Verdict.PASS, Verdict.NOTE, Verdict.FAIL, Verdict.NOT_CHECKED
CANARY = Target("outside", "203.0.113.9", 443, Expectation.BLOCKED)
CONTROL = Target("gateway", "10.0.0.1", 443, Expectation.REACHABLE)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "etc", False, tmp_path / "config", tmp_path / "state")


def ask(
    facts: Facts, places: Places, policy: Policy | None = None, home: Path | None = None
) -> dict[str, Finding]:
    facts = facts._replace(policy=facts.policy._replace(policy=policy or Policy()))
    home = home or places.state.parent
    return {one.check: one for one in find_posture(facts, places, {}, home, home)}


def test_every_question_in_its_order(good: Facts, places: Places) -> None:
    found = ask(good, places)
    assert tuple(found) == tuple(check for check in CHECKS if check in found)
    assert set(CHECKS) - set(found) <= {"host-windows"}


def test_without_targets_nothing_is_sent_and_that_is_said(good: Facts, places: Places) -> None:
    finding = ask(good, places)["host-targets"]
    assert finding.verdict is NOTE
    assert "host-canaries, host-controls" in finding.evidence


@pytest.mark.parametrize(
    ("canary", "control", "verdict"),
    [
        (Outcome.BLOCKED, Outcome.REACHABLE, PASS),
        (Outcome.REACHABLE, Outcome.REACHABLE, FAIL),
        (Outcome.REACHABLE, Outcome.BLOCKED, FAIL),
        (Outcome.BLOCKED, Outcome.BLOCKED, UNKNOWN),
        (Outcome.UNCLEAR, Outcome.REACHABLE, UNKNOWN),
    ],
)
def test_targets(
    good: Facts, places: Places, canary: Outcome, control: Outcome, verdict: Verdict
) -> None:
    """Those that the start's own gate tried already are not tried again."""
    reached = Reached(CANARY, canary, "met"), Reached(CONTROL, control, "met")
    facts = good._replace(host=HostFacts(reached=reached))
    finding = ask(facts, places)["host-targets"]
    assert finding.verdict is verdict
    assert "outside (203.0.113.9 port 443)" in finding.evidence


def test_what_is_required_fails_instead_of_being_noted(good: Facts, places: Places) -> None:
    noted = ask(good, places)["host-switches"]
    assert noted.verdict is NOTE
    required = ask(good, places, Policy(host_must_pass=("host-switches",)))["host-switches"]
    assert required.verdict is FAIL and "host-must-pass" in required.why


def test_required_targets_need_to_be_named(good: Facts, places: Places) -> None:
    found = ask(good, places, Policy(host_must_pass=("host-targets",)))
    assert found["host-targets"].verdict is FAIL


def test_what_may_be_hidden_is_noted_unless_it_is_required(good: Facts, places: Places) -> None:
    home = places.state.parent
    (home / ".lmstudio").mkdir()  # a tool without a setting that could be read
    assert ask(good, places)["host-tools"].verdict is NOTE
    policy = Policy(host_must_pass=("host-tools",))
    assert ask(good, places, policy)["host-tools"].verdict is UNKNOWN


def test_a_working_directory_that_is_gone_hides_nothing_else(good: Facts, places: Places) -> None:
    home = places.state.parent
    found = {one.check: one for one in find_posture(good, places, {}, home, None)}
    assert found["host-folders"].evidence == "records, settings"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_is_not_ours_to_see(good: Facts, places: Places) -> None:
    home = places.state.parent
    (home / "shut").mkdir(mode=0)
    found = find_posture(good, places, {"HF_HOME": str(home / "shut/hub")}, home / "shut", home)
    assert len(found) >= len(CHECKS) - 1


def test_folders_of_models_on_record_are_looked_at(good: Facts, places: Places) -> None:
    models = places.state.parent / "models"
    models.mkdir()
    for path in (models / "a.gguf", models / "b.gguf", "relative/c.gguf", "/gone/d.gguf"):
        append(places.records, {"artifact": {"path": str(path)}})
    append(places.records, {"artifact": None})
    assert ask(good, places)["host-folders"].verdict is PASS
    (models / ".stfolder").touch()
    finding = ask(good, places)["host-folders"]
    assert finding.verdict is NOTE
    assert f"models 1 {models}" in finding.evidence and "models 2" not in finding.evidence
