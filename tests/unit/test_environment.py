"""The label of a host: every sentence that the README says about it is a row here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from localai.environment import (
    DENYING_VARIABLES,
    Power,
    Reading,
    machine_identity,
    read_labels,
    write_declaration,
)
from localai.findings import Finding, Verdict
from localai.labels import Kind, LabelRules, classify, tokens
from localai.plan.gates.environment_label import judge_labels

TODAY = date(2026, 3, 1)
MACHINE = "machine:1111"
NOTE, PASS, FAIL, UNKNOWN = Verdict.NOTE, Verdict.PASS, Verdict.FAIL, Verdict.NOT_CHECKED


class Host:
    """A host made of files in a temporary directory; the administrator is whoever runs the test."""

    def __init__(self, base: Path) -> None:
        self.administrator = base / "environment"
        self.declaration = base / "label.json"
        self.machine_info = base / "machine-info"
        self.machine = MACHINE
        self.today = TODAY
        self.host_name = "desk-17"
        self.environ: dict[str, str] = {}
        self.rules = LabelRules()

    def declare(self, label: str, *, machine: str = MACHINE, on: date = TODAY) -> None:
        self.declaration.write_text(write_declaration(label, machine, on))

    def judge(self) -> Finding:
        readings = read_labels(
            administrator_file=self.administrator,
            declaration=self.declaration,
            environ=self.environ,
            host_name=self.host_name,
            machine=self.machine,
            today=self.today,
            machine_info=self.machine_info,
            owner=os.getuid(),
        )
        return judge_labels(readings, self.rules)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


# label, kind, class
MEANINGS = [
    ("sandbox", Kind.KNOWN, "sandbox"),
    ("SandBox", Kind.KNOWN, "sandbox"),
    ("sandbox2", Kind.KNOWN, "sandbox"),
    ("dev", Kind.KNOWN, "development"),
    ("lab-sandbox", Kind.KNOWN, "sandbox"),
    ("production", Kind.PRODUCTION, ""),
    ("prod", Kind.PRODUCTION, ""),
    ("prd", Kind.PRODUCTION, ""),
    ("live", Kind.PRODUCTION, ""),
    ("prod-east", Kind.PRODUCTION, ""),
    ("PRODUCTION2", Kind.PRODUCTION, ""),
    ("2prod", Kind.PRODUCTION, ""),
    ("east_prod_3", Kind.PRODUCTION, ""),
    ("sandbox/live", Kind.PRODUCTION, ""),
    ("ｐｒｏｄ", Kind.PRODUCTION, ""),
    ("product-demo", Kind.UNKNOWN, ""),
    ("delivery", Kind.UNKNOWN, ""),
    ("olive", Kind.UNKNOWN, ""),
    ("non-production", Kind.NEAR_PRODUCTION, ""),
    ("nonproduction", Kind.NEAR_PRODUCTION, ""),
    ("not live", Kind.NEAR_PRODUCTION, ""),
    ("preprod", Kind.NEAR_PRODUCTION, ""),
    ("pre-prod", Kind.NEAR_PRODUCTION, ""),
    ("staging", Kind.UNKNOWN, ""),
    ("sandbox-east", Kind.UNKNOWN, ""),
    ("dev-sandbox", Kind.MIXED, ""),
    ("42", Kind.UNKNOWN, ""),
]


@pytest.mark.parametrize(("label", "kind", "name"), MEANINGS)
def test_meaning(label: str, kind: Kind, name: str) -> None:
    meaning = classify(label, LabelRules())
    assert (meaning.kind, meaning.name) == (kind, name)


def test_tokens_split_at_non_letters_and_at_letter_digit_borders() -> None:
    assert tokens("Prod2east-3_Live") == ("prod", "east", "live")


# Each row: the variables, and what they come to together with nothing else.
GRANTS: list[tuple[Mapping[str, str], Verdict, str]] = [
    ({"LOCALAI_ENVIRONMENT": "sandbox"}, NOTE, "sandbox"),
    ({"LOCALAI_ENVIRONMENT": "production"}, FAIL, "production"),
    ({"LOCALAI_ENVIRONMENT": "prod-east"}, FAIL, "production"),
    ({"LOCALAI_ENVIRONMENT": "non-production"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": "preprod"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": "staging"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": "product-demo"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": "dev-sandbox"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": "123"}, FAIL, "ambiguous"),
    ({"LOCALAI_ENVIRONMENT": " "}, FAIL, "no label"),
    ({}, FAIL, "no label"),
    *[({name: "sandbox"}, FAIL, "no label") for name in DENYING_VARIABLES],
]


@pytest.mark.parametrize(("environ", "verdict", "summary"), GRANTS)
def test_what_grants(
    host: Host, environ: Mapping[str, str], verdict: Verdict, summary: str
) -> None:
    host.environ.update(environ)
    finding = host.judge()
    assert (finding.verdict, finding.summary) == (verdict, summary)
    assert not finding.refuses or finding.remedy


# What a source that can only deny says, beside an administrator's "sandbox".
DENIALS = [
    ("production", FAIL, "production"),
    ("Prod", FAIL, "production"),
    ("prd", FAIL, "production"),
    ("live", FAIL, "production"),
    ("prod-east", FAIL, "production"),
    ("PRODUCTION2", FAIL, "production"),
    ("non-production", FAIL, "ambiguous"),
    ("preprod", FAIL, "ambiguous"),
    ("product-demo", PASS, "sandbox"),
    ("delivery", PASS, "sandbox"),
    ("development", PASS, "sandbox"),
    ("staging", PASS, "sandbox"),
    ("/home/pat/.kshrc", PASS, "sandbox"),
    ("", PASS, "sandbox"),
]


@pytest.mark.parametrize("source", [*DENYING_VARIABLES, "machine-info"])
@pytest.mark.parametrize(("value", "verdict", "summary"), DENIALS)
def test_what_denies(host: Host, source: str, value: str, verdict: Verdict, summary: str) -> None:
    host.administrator.write_text("sandbox\n")
    if source == "machine-info":
        host.machine_info.write_text(f'PRETTY_HOSTNAME="Pat\'s"\nDEPLOYMENT="{value}"\n')
    else:
        host.environ[source] = value
    finding = host.judge()
    assert (finding.verdict, finding.summary) == (verdict, summary)
    if finding.refuses:
        assert source in finding.evidence and value in finding.evidence


def test_the_variables_are_those_that_are_promised() -> None:
    assert set(DENYING_VARIABLES) == {
        "ENVIRONMENT",
        "ENV",
        "APP_ENV",
        "DEPLOY_ENV",
        "NODE_ENV",
        "RAILS_ENV",
        "DJANGO_ENV",
        "FLASK_ENV",
        "ASPNETCORE_ENVIRONMENT",
    }


def test_every_assignment_in_machine_info_may_deny(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.machine_info.write_text("DEPLOYMENT=production\nDEPLOYMENT=development\n")
    assert host.judge().summary == "production"


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (b"DEPLOYMENT = production\n", "production"),
        (b"DEPLOYMENT =production\n", "production"),
        (b"PRETTY_HOSTNAME=x\rDEPLOYMENT=production\r", "production"),
        (b"# a comment\rDEPLOYMENT=production\r", "production"),
        (b"\xef\xbb\xbfDEPLOYMENT=production\n", "production"),
        (b'DEPLOYMENT="\nproduction"\n', "production"),
        (b'DEPLOYMENT="development\\\n" production\n', "production"),
        (b"export DEPLOYMENT=production\n", "production"),
        (b"DEPLOYMENT=development\nDEPLOYMENT='live\n", "production"),
        (b'DEPLOYMENT="pro""duction"\n', "unreadable"),
        (b'DEPLOYMENT="pro\\duction"\n', "unreadable"),
        (b"DEPLOYMENT=pro\\\nduction\n", "unreadable"),
        (b"DEPLOYMENT=pro\xffduction\n", "unreadable"),
        (b"DEPLOYMENT = development\n", "unreadable"),
        (b'DEPLOYMENT="development\n', "unreadable"),
        (b"DEPLOYMENT\n", "unreadable"),
        (b"\xef\xbb\xbfDEPLOYMENT=development\r\n", "sandbox"),
        (b" DEPLOYMENT='development' \nLOCATION=\"Production hall\"\n", "sandbox"),
        (b"DEPLOYMENT=\n", "sandbox"),
        (b"# DEPLOYMENT = production\n  ; DEPLOYMENT=production\n", "sandbox"),
    ],
)
def test_spellings_in_machine_info(host: Host, content: bytes, summary: str) -> None:
    host.administrator.write_text("sandbox")
    host.machine_info.write_bytes(content)
    finding = host.judge()
    assert finding.summary == summary
    assert finding.refuses is (summary != "sandbox") and bool(finding.remedy) is finding.refuses


@pytest.mark.parametrize("name", ["environment", "machine-info", "label.json"])
def test_a_dangling_link_is_not_taken_for_silence(host: Host, name: str) -> None:
    host.environ["LOCALAI_ENVIRONMENT"] = "sandbox"
    link = host.administrator.with_name(name)
    link.symlink_to("gone")
    finding = host.judge()
    assert (finding.verdict, finding.summary) == (UNKNOWN, "unreadable")
    link.unlink()
    assert not host.judge().refuses


def test_ambiguous_says_which_word(host: Host) -> None:
    host.administrator.write_text("sandbox-east\n")
    assert "does not know the word east" in host.judge().why
    host.administrator.write_text("non-production\n")
    assert "non, production" in host.judge().why


HOST_NAMES = [
    ("prod", FAIL),
    ("production", FAIL),
    ("PRODUCTION-7", FAIL),
    ("prod1", FAIL),
    ("prod-db-1", FAIL),
    ("PROD-db-1", FAIL),
    ("web-prd", FAIL),
    ("db-prod01", FAIL),
    ("web-prod2", FAIL),
    ("db_live", FAIL),
    ("non-prod-1", FAIL),
    ("prod.example.gov", FAIL),
    ("db-prod.example.gov", FAIL),
    ("db01.prod.example", FAIL),
    ("product-demo", PASS),
    ("delivery1", PASS),
    ("alive-host", PASS),
    ("reproduction-lab", PASS),
]


@pytest.mark.parametrize("patterns", [(), ("core-*",)])
@pytest.mark.parametrize(("name", "verdict"), HOST_NAMES)
def test_a_production_word_in_the_host_name_denies(
    host: Host, name: str, verdict: Verdict, patterns: tuple[str, ...]
) -> None:
    host.administrator.write_text("sandbox")
    host.host_name = name
    host.rules = LabelRules(production_hosts=patterns)
    assert host.judge().verdict is verdict


def test_host_name_patterns_come_from_the_policy(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.rules = LabelRules(production_hosts=("desk-*",))
    assert host.judge().summary == "production"


def test_the_administrator_grants_and_a_comment_is_no_label(host: Host) -> None:
    host.administrator.write_text("# what this host is\n\nsandbox\n")
    assert host.judge() == Finding("environment-label", PASS, "sandbox", str(host.administrator))


@pytest.mark.parametrize("content", [b"", b"sandbox\ndevelopment\n", b"sand\xffbox\n"])
def test_an_administrators_file_must_be_one_label(host: Host, content: bytes) -> None:
    host.administrator.write_bytes(content)
    assert host.judge().verdict is UNKNOWN


def test_an_administrators_file_that_others_can_write_is_not_believed(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.administrator.chmod(0o666)
    finding = host.judge()
    assert finding.verdict is UNKNOWN
    assert "chmod" in finding.remedy


def test_a_fifo_is_not_waited_for(host: Host) -> None:
    os.mkfifo(host.machine_info)
    host.administrator.write_text("sandbox")
    finding = host.judge()
    assert finding.verdict is UNKNOWN
    assert "not a regular file" in finding.evidence


def test_declared_by_oneself_is_a_note_and_says_so(host: Host) -> None:
    host.declare("sandbox")
    finding = host.judge()
    assert (finding.verdict, finding.summary) == (NOTE, "sandbox")
    assert "self-declared" in finding.evidence


def test_a_cloned_image_has_no_label(host: Host) -> None:
    host.declare("sandbox")
    host.machine = "machine:2222"
    finding = host.judge()
    assert finding.summary == "no label"
    assert "another machine" in finding.evidence


def test_a_machine_without_an_identity_has_no_label_of_its_own(host: Host) -> None:
    host.declare("sandbox", machine="")
    host.machine = ""
    assert host.judge().summary == "no label"


@pytest.mark.parametrize(
    ("days", "summary"), [(0, "sandbox"), (90, "sandbox"), (91, "no label"), (-1, "no label")]
)
def test_declared_by_oneself_lapses_after_90_days(host: Host, days: int, summary: str) -> None:
    host.declare("sandbox", on=TODAY - timedelta(days=days))
    assert host.judge().summary == summary


def test_what_lapsed_does_not_grant_but_still_denies(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.declare("production", on=TODAY - timedelta(days=500))
    assert host.judge().summary == "production"


def test_a_lapsed_label_does_not_conflict(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.declare("development", on=TODAY - timedelta(days=91))
    assert host.judge().verdict is PASS


@pytest.mark.parametrize(
    "content", ["", "sandbox", "[]", '{"schema": "localai.label/1"}', "[" * 9999]
)
def test_a_malformed_declaration_is_no_label(host: Host, content: str) -> None:
    host.declaration.write_text(content[:4000])
    assert host.judge().verdict is UNKNOWN


def test_granting_sources_whose_classes_differ_refuse(host: Host) -> None:
    host.declare("sandbox")
    host.environ["LOCALAI_ENVIRONMENT"] = "development"
    finding = host.judge()
    assert (finding.verdict, finding.summary) == (FAIL, "conflicting")
    assert "LOCALAI_ENVIRONMENT" in finding.evidence


def test_granting_sources_of_one_class_agree(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.environ["LOCALAI_ENVIRONMENT"] = "lab-2"
    assert host.judge().verdict is PASS


def test_a_policy_may_leave_labels_to_the_administrator(host: Host) -> None:
    host.rules = LabelRules(self_declared=False)
    host.declare("sandbox")
    host.environ["LOCALAI_ENVIRONMENT"] = "sandbox"
    finding = host.judge()
    assert finding.summary == "no label"
    assert "administrator" in finding.remedy


def test_nothing_that_grants_outweighs_what_denies(host: Host) -> None:
    host.administrator.write_text("sandbox")
    host.declare("sandbox")
    host.environ.update(LOCALAI_ENVIRONMENT="sandbox", NODE_ENV="production")
    assert host.judge().summary == "production"


def test_no_reading_at_all_refuses() -> None:
    assert judge_labels((), LabelRules()).refuses
    silent = Reading("LOCALAI_ENVIRONMENT", "", Power.SELF_DECLARED)
    assert judge_labels((silent,), LabelRules()).refuses


def test_the_identity_is_a_keyed_digest_and_prefers_the_machine_id(tmp_path: Path) -> None:
    machine, boot = tmp_path / "machine-id", tmp_path / "boot_id"
    boot.write_text("422481a1-b06c-48f9-9e9a-f4f37ee00253\n")
    bound_to_boot = machine_identity(machine, boot)
    machine.write_text("uninitialized\n")
    assert machine_identity(machine, boot) == bound_to_boot
    machine.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    identity = machine_identity(machine, boot)
    assert identity.startswith("machine:") and bound_to_boot.startswith("boot:")
    assert "3d1219c7" not in identity
    assert machine_identity(tmp_path / "none", tmp_path / "none") == ""
