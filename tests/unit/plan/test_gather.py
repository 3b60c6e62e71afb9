"""A host with an administrator: nothing that a user sets can loosen what they say."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localai.environment import declaration_file, machine_identity, write_declaration
from localai.findings import Finding
from localai.places import find_places, make_private
from localai.plan.facts import Use
from localai.plan.gates.environment_label import environment_label
from localai.plan.gates.manifest_signature import manifest_signature
from localai.plan.gates.policy_read import policy_read
from localai.plan.gather import gather

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = "schema: localai.policy/1\nname: agency\n"


class Host:
    """Everything below one directory; the administrator is whoever runs the test."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.administrator = base / "etc"
        self.administrator.mkdir(0o755)
        self.environ: dict[str, str] = {}

    def ask(self) -> dict[str, Finding]:
        places = find_places(self.environ, self.base / "home", self.administrator)
        facts = gather(
            places,
            self.environ,
            use=Use(),
            now=NOW,
            host_name="desk-17",
            terminal=False,
            owner=os.getuid(),
        )
        gates = (environment_label, policy_read, manifest_signature)
        return {one.check: one for one in (gate(facts, facts.policy.policy) for gate in gates)}

    def declare_own(self, label: str) -> None:
        places = find_places(self.environ, self.base / "home", self.administrator)
        path = declaration_file(make_private(places.config))
        path.write_text(write_declaration(label, machine_identity(), NOW.date()))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_the_administrators_word_counts(host: Host) -> None:
    (host.administrator / "policy.yaml").write_text(POLICY)
    (host.administrator / "environment").write_text("sandbox\n")
    answers = host.ask()
    assert answers["environment-label"].verdict == "pass"
    assert (answers["policy"].verdict, answers["policy"].summary) == ("pass", "agency")


@pytest.mark.parametrize("source", ["LOCALAI_ENVIRONMENT", "declared"])
def test_a_users_word_labels_no_administered_host(host: Host, source: str) -> None:
    def say() -> None:
        if source == "declared":
            host.declare_own("sandbox")
        else:
            host.environ[source] = "sandbox"

    say()
    assert host.ask()["environment-label"].verdict == "note"  # nobody administers it yet
    (host.administrator / "policy.yaml").write_text(POLICY)
    say()
    assert host.ask()["environment-label"].summary == "no label"
    (host.administrator / "policy.yaml").write_text(POLICY + "self-declared-label: allow\n")
    assert host.ask()["environment-label"].verdict == "note"


def test_a_moved_home_is_ignored_there_and_the_screen_says_so(host: Host) -> None:
    host.environ["LOCALAI_HOME"] = str(host.base / "elsewhere")
    host.declare_own("sandbox")
    (host.administrator / "policy.yaml").write_text(POLICY + "self-declared-label: allow\n")
    answers = host.ask()
    assert answers["environment-label"].summary == "no label"
    assert "LOCALAI_HOME is ignored" in answers["policy"].evidence
    assert answers["policy"].verdict == "note"


def test_a_policy_that_cannot_be_read_refuses(host: Host) -> None:
    (host.administrator / "policy.yaml").write_text(POLICY + "self-aproval: allow\n")
    (host.administrator / "environment").write_text("sandbox\n")
    answer = host.ask()["policy"]
    assert answer.verdict == "fail" and "self-aproval" in answer.evidence and answer.remedy


@pytest.mark.parametrize("rules", ["root.json", "manifests"])
def test_rules_without_a_policy_count_too(host: Host, rules: str) -> None:
    host.environ["LOCALAI_HOME"] = str(host.base / "elsewhere")
    host.environ["LOCALAI_ENVIRONMENT"] = "sandbox"
    assert host.ask()["environment-label"].verdict == "note"
    (host.administrator / rules).mkdir()
    answers = host.ask()
    assert answers["environment-label"].summary == "no label"
    assert (answers["policy"].verdict, answers["policy"].summary) == ("note", "built-in")
    assert "there is no" in answers["policy"].evidence
    assert "LOCALAI_HOME is ignored" in answers["policy"].evidence


def test_a_directory_that_others_can_write_refuses(host: Host) -> None:
    host.administrator.chmod(0o777)
    answer = host.ask()["policy"]
    assert answer.verdict == "fail" and f"chmod 755 {host.administrator}" in answer.remedy


@pytest.mark.parametrize("name", ["policy.yaml", "environment"])
def test_a_dangling_link_refuses(host: Host, name: str) -> None:
    host.environ["LOCALAI_ENVIRONMENT"] = "sandbox"
    (host.administrator / name).symlink_to("gone")
    check = "policy" if name == "policy.yaml" else "environment-label"
    assert host.ask()[check].refuses
