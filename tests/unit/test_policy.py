"""The policy file: what it says, what it may not say, and that a user can only tighten it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.host.targets import Expectation, Target
from localai.labels import DEFAULT_CLASSES
from localai.policy import (
    STRICT,
    Accounts,
    DataClass,
    HostEgress,
    LoadedPolicy,
    Policy,
    Restricted,
    Unattended,
    Waiver,
    load_policy,
)
from localai.settings import parse_settings

Load = Callable[[str | None, str | None], LoadedPolicy]
HEAD = "schema: localai.policy/1\nname: agency\n"
BAD_ADDRESSES = (
    "",
    "example.org",
    "203.0.113.9:443",
    "203.0.113.0/24",
    "203.0.113",
    "203.0.113.009",
    "3405803785",
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "224.0.0.251",
    "255.255.255.255",
    "[2001:db8::1]",
    "::1",
    "::",
    "::ffff:203.0.113.9",
    "ff02::fb",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1%eth0",
    "fd00::1%",
)
EXAMPLES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(administrator: str | None, own: str | None) -> LoadedPolicy:
        paths = tmp_path / "policy.yaml", tmp_path / "own.yaml"
        for path, text in zip(paths, (administrator, own), strict=True):
            if text is not None:
                path.write_text(HEAD + text)
        return load_policy(*paths, owner=os.getuid())

    return load


def test_without_any_file_the_built_in_policy_counts(tmp_path: Path) -> None:
    loaded = load_policy(tmp_path / "none", tmp_path / "none", owner=os.getuid())
    assert loaded == LoadedPolicy(Policy(), administered=False)
    assert loaded.policy.self_approval and loaded.policy.labels.self_declared


def test_an_administrators_policy_denies_what_it_does_not_mention(load: Load) -> None:
    loaded = load("", None)
    assert loaded.administered
    assert not loaded.policy.self_approval
    assert not loaded.policy.labels.self_declared
    assert loaded.policy.labels.classes == DEFAULT_CLASSES


def test_every_key_is_read(load: Load) -> None:
    policy = load(
        """\
officer: Office
labels: [{class: sandbox, words: [sandbox, bench]}]
production-hosts: ["db-*"]
self-declared-label: allow
self-approval: allow
host-egress: must-be-blocked
host-canaries: [{name: outside, address: 203.0.113.9, port: 443}]
host-controls: [{name: gateway, address: "fd00:0::1", port: 22}]
host-must-pass: [host-swap, host-disk]
self-test-hours: 24
unattended: refuse
accounts: directory
data-classes: [public, internal]
licences: [Apache-2.0]
restricted-technologies: {source: The list, as-of: 2026-01-31, names: [One Labs]}
waivers: [{check: resources, approver: Pat, reason: it fits, until: 2027-01-31}]
""",
        None,
    ).policy
    assert policy.officer == "Office"
    assert policy.labels.classes == {"sandbox": {"sandbox", "bench"}}
    assert policy.labels.production_hosts == ("db-*",)
    assert policy.labels.self_declared and policy.self_approval
    assert policy.host_egress is HostEgress.MUST_BE_BLOCKED
    assert policy.targets == (
        Target("outside", "203.0.113.9", 443, Expectation.BLOCKED),
        Target("gateway", "fd00::1", 22, Expectation.REACHABLE),
    )
    assert policy.host_must_pass == ("host-swap", "host-disk")
    assert policy.self_test_hours == 24
    assert policy.unattended is Unattended.REFUSE and policy.accounts is Accounts.DIRECTORY
    assert policy.data_classes == (DataClass.PUBLIC, DataClass.INTERNAL)
    assert policy.licences == ("Apache-2.0",)
    assert policy.restricted == Restricted("The list", date(2026, 1, 31), ("One Labs",))
    assert policy.waivers == (Waiver("resources", "Pat", "it fits", date(2027, 1, 31)),)


@pytest.mark.parametrize(
    "text",
    [
        "self-aproval: allow\n",
        "self-approval: yes\n",
        "host-egress: blocked\n",
        "data-classes: [public, secret]\n",
        "host-must-pass: host-swap\n",
        "host-must-pass: [host-swap, host-egress]\n",
        "host-must-pass: [host-swap, host-swap]\n",
        "host-canaries: 203.0.113.9\n",
        "host-canaries: [203.0.113.9]\n",
        "host-canaries: [{name: a, address: 203.0.113.9}]\n",
        "host-canaries: [{name: a, port: 443}]\n",
        "host-canaries: [{address: 203.0.113.9, port: 443}]\n",
        "host-canaries: [{name: a, address: 203.0.113.9, port: 443, expect: reachable}]\n",
        *[
            f"host-canaries: [{{name: a, address: 203.0.113.9, port: {port}}}]\n"
            for port in ("0", "65536", "-1", "https", "0x1bb", "443/tcp", "''")
        ],
        *[
            f"host-controls: [{{name: a, address: '{address}', port: 443}}]\n"
            for address in BAD_ADDRESSES
        ],
        *[
            f"self-test-hours: {hours}\n"
            for hours in ("0", "-1", "daily", "1.5", "''", "[24]", "8785", "9" * 40)
        ],
        "unattended: deny\n",
        "accounts: ldap\n",
        "licences: MIT\n",
        "licences: [MIT, MIT]\n",
        "restricted-technologies: [One]\n",
        "restricted-technologies: {source: x, names: [One]}\n",
        "restricted-technologies: {as-of: 2026-01-31, names: [One]}\n",
        "restricted-technologies: {source: x, as-of: 2026-01-31}\n",
        "restricted-technologies: {source: x, as-of: lately, names: [One]}\n",
        "restricted-technologies: {source: x, as-of: 2026-01-31, names: [-]}\n",
        "restricted-technologies: {source: x, as-of: 2026-01-31, names: [x.]}\n",
        "labels: []\n",
        "labels: [{class: production, words: [p]}]\n",
        "labels: [{class: test, words: [prod]}]\n",
        "labels: [{class: test, words: [preprod]}]\n",
        "labels: [{class: test, words: [two words]}]\n",
        "labels: [{class: a, words: [x]}, {class: b, words: [x]}]\n",
        *[
            f"waivers: [{{check: {check}, approver: P, reason: r, until: 2027-01-31}}]\n"
            for check in (
                "environment-label",
                "policy",
                "manifest-signature",
                "manifest-freshness",
                "artifact-approved",
                "artifact-format",
                "chat-template",
                "companions",
                "sandbox",
                "sandbox-egress",
                "self-test",
                "no-such-check",
            )
        ],
        "waivers: [{check: resources, approver: P, reason: r}]\n",
        "waivers: [{check: resources, approver: P, until: 2027-01-31}]\n",
        "waivers: [{check: resources, reason: r, until: 2027-01-31}]\n",
        "name: again\n",
    ],
)
def test_what_a_policy_may_not_say(load: Load, text: str) -> None:
    loaded = load(text, None)
    assert loaded.problem and loaded.remedy
    assert loaded.policy == STRICT


def test_another_schema_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"localai\.policy/1"):
        parse_settings(b"schema: localai.policy/2\nname: agency\n")


def test_a_users_file_can_only_tighten(load: Load) -> None:
    administrator = """\
labels: [{class: sandbox, words: [sandbox, lab]}, {class: test, words: [test]}]
self-declared-label: deny
self-approval: allow
host-egress: must-be-blocked
host-must-pass: [host-swap]
data-classes: [public, internal]
"""
    own = """\
labels: [{class: sandbox, words: [sandbox, anything]}, {class: mine, words: [mine]}]
production-hosts: ["mine-*"]
self-declared-label: allow
self-approval: deny
host-egress: note
host-must-pass: [host-disk]
data-classes: [public, restricted]
"""
    before, after = load(administrator, None).policy, load(administrator, own).policy
    assert after.labels.classes == {"sandbox": {"sandbox"}}
    assert set(after.labels.production_hosts) > set(before.labels.production_hosts)
    assert not after.labels.self_declared
    assert not after.self_approval
    assert after.host_egress is HostEgress.MUST_BE_BLOCKED
    assert after.host_must_pass == ("host-swap", "host-disk")
    assert after.data_classes == (DataClass.PUBLIC,)


@pytest.mark.parametrize(
    ("administrator", "own", "counts"),
    [(None, None, None), (24, None, 24), (None, 24, 24), (24, 48, 24), (24, 1, 1)],
)
def test_a_users_file_can_only_ask_for_self_tests_more_often(
    load: Load, administrator: int | None, own: int | None, counts: int | None
) -> None:
    said = [f"self-test-hours: {hours}\n" if hours else "" for hours in (administrator, own)]
    assert load(*said).policy.self_test_hours == counts


def test_a_users_file_that_says_nothing_changes_nothing(load: Load) -> None:
    assert load("officer: Office\n", "").policy == load("officer: Office\n", None).policy


def test_without_an_administrator_the_users_file_counts(load: Load) -> None:
    policy = load(None, "labels: [{class: mine, words: [mine]}]\nself-approval: deny\n").policy
    assert policy.labels.classes == {"mine": {"mine"}}
    assert not policy.self_approval and policy.labels.self_declared


@pytest.mark.parametrize("administrator", ["", None])
def test_a_user_cannot_waive(load: Load, administrator: str | None) -> None:
    waiver = "waivers: [{check: resources, approver: P, reason: r, until: 2027-01-31}]\n"
    loaded = load(administrator, waiver)
    assert "only the administrator" in loaded.problem
    assert loaded.policy.waivers == ()


TARGETS = "host-canaries: [{name: a, address: 203.0.113.9, port: 443}]\n"


def test_only_the_administrator_names_targets_on_an_administered_host(load: Load) -> None:
    assert load(None, TARGETS).policy.targets[0].address == "203.0.113.9"
    loaded = load("", TARGETS)
    assert "only the administrator" in loaded.problem
    assert loaded.policy.targets == ()


def test_no_built_in_policy_names_a_target() -> None:
    assert Policy().targets == STRICT.targets == ()


def test_a_malformed_target_is_named(load: Load) -> None:
    problem = load("host-controls: [{name: a, address: example.org, port: 443}]\n", None).problem
    assert "host-controls 1: address: 'example.org'" in problem
    assert "no name and no port" in problem


def test_a_policy_that_others_can_write_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + "self-approval: allow\n")
    path.chmod(0o666)
    loaded = load_policy(path, tmp_path / "none", owner=os.getuid())
    assert loaded.problem and loaded.administered and loaded.policy == STRICT
    path.chmod(0o644)
    assert not load_policy(path, tmp_path / "none", owner=os.getuid()).problem
    assert load_policy(path, tmp_path / "none", owner=os.getuid() + 1).problem


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
@pytest.mark.parametrize("text", [HEAD, None])
def test_a_directory_that_others_can_write_is_not_believed(
    tmp_path: Path, mode: int, text: str | None
) -> None:
    directory = tmp_path / "etc"
    directory.mkdir(0o755)
    policy = directory / "policy.yaml"
    if text is not None:
        policy.write_text(text)
    directory.chmod(mode)
    loaded = load_policy(policy, tmp_path / "none", owner=os.getuid())
    assert loaded.policy == STRICT and str(directory) in loaded.problem
    assert "chown" in loaded.remedy and f"chmod 755 {directory}" in loaded.remedy
    directory.chmod(0o755)
    assert not load_policy(policy, tmp_path / "none", owner=os.getuid()).problem
    assert load_policy(policy, tmp_path / "none", owner=os.getuid() + 1).problem


@pytest.mark.parametrize("who", ["policy.yaml", "own.yaml"])
def test_a_dangling_link_is_no_absent_policy(tmp_path: Path, load: Load, who: str) -> None:
    (tmp_path / who).symlink_to("gone")
    loaded = load(None, None)
    assert loaded.policy == STRICT and who in loaded.problem and loaded.remedy


def test_where_only_other_rules_are_an_administrators_nothing_loosens(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(HEAD + "self-approval: allow\nself-declared-label: allow\n")
    loaded = load_policy(tmp_path / "none", own, administered=True, owner=os.getuid())
    assert loaded.administered and loaded.policy.name == "built-in"
    assert not loaded.policy.self_approval and not loaded.policy.labels.self_declared
    assert "there is no" in loaded.notes[0]


def test_files_are_named_with_their_digests(load: Load) -> None:
    files = load("", "").files
    assert [len(digest) for _, digest in files] == [64, 64]
    assert files[0][0].endswith("policy.yaml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_policies(path: Path) -> None:
    assert parse_settings(path.read_bytes()).name == path.stem


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} == {"governance", "strict", "workstation"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_lists_nothing_that_nobody_decided_on(path: Path) -> None:
    """Made-up names would pass for a list: without any, nothing starts on an administered host."""
    restricted = parse_settings(path.read_bytes()).restricted
    assert restricted and restricted.names == ()
