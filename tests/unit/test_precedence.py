"""A user's file beside an administrator's: for every key, what loosens does nothing, what tightens
counts. The same table stands in docs/policy.md, and no key is missing from either."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from localai.errors import DocumentError
from localai.policy import STRICT, WAIVABLE, LoadedPolicy, Policy, load_policy
from localai.precedence import replace, tighten
from localai.settings import parse_settings

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
TARGET = "[{name: a, address: 203.0.113.9, port: 443}]"
LISTED = "{{source: {}, as-of: {}, names: [{}]}}"


class Row(NamedTuple):
    """A key, what the administrator says, what a user says to loosen and to tighten it, how the
    rule is seen in a policy, and what it is then."""

    key: str
    rule: str
    looser: str
    tighter: str
    see: Callable[[Policy], object]
    before: object
    after: object


def seen(policy: Policy) -> object:
    listed = policy.restricted
    return listed and (listed.source, str(listed.as_of), listed.names)


ROWS = [
    Row("name", "agency", "mine", "mine", lambda policy: policy.name, "agency", "agency"),
    Row("officer", "Office", "Me", "Me", lambda policy: policy.officer, "Office", "Office"),
    Row(
        "labels",
        "[{class: sandbox, words: [sandbox, lab]}, {class: test, words: [test]}]",
        "[{class: sandbox, words: [sandbox, lab, any]}, {class: test, words: [test]}, "
        "{class: mine, words: [mine]}]",
        "[{class: sandbox, words: [sandbox, any]}]",
        lambda policy: policy.labels.classes,
        {"sandbox": {"sandbox", "lab"}, "test": {"test"}},
        {"sandbox": {"sandbox"}},
    ),
    Row(
        "production-hosts",
        "[core-*]",
        "[]",
        "[mine-*]",
        lambda policy: policy.labels.production_hosts,
        ("core-*",),
        ("core-*", "mine-*"),
    ),
    Row(
        "host-egress",
        "must-be-blocked",
        "note",
        "must-be-blocked",
        lambda policy: policy.host_egress,
        "must-be-blocked",
        "must-be-blocked",
    ),
    Row("host-egress", "note", "note", "must-be-blocked",
        lambda policy: policy.host_egress, "note", "must-be-blocked"),
    Row(
        "host-must-pass",
        "[host-swap]",
        "[]",
        "[host-disk]",
        lambda policy: policy.host_must_pass,
        ("host-swap",),
        ("host-swap", "host-disk"),
    ),
    Row("self-test-hours", "24", "48", "1", lambda policy: policy.self_test_hours, 24, 1),
    Row(
        "data-classes",
        "[public, internal]",
        "[public, internal, restricted]",
        "[restricted, public]",
        lambda policy: policy.data_classes,
        ("public", "internal"),
        ("public",),
    ),
    Row(
        "licences",
        "[MIT, Apache-2.0]",
        "[MIT, Apache-2.0, any]",
        "[any, MIT]",
        lambda policy: policy.licences,
        ("MIT", "Apache-2.0"),
        ("MIT",),
    ),
    Row(
        "restricted-technologies",
        LISTED.format("Office", "2026-01-31", "One"),
        LISTED.format("Me", "2026-11-01", ""),
        LISTED.format("Me", "2026-11-01", "Two"),
        seen,
        ("Office", "2026-01-31", ("One",)),
        ("Office", "2026-01-31", ("One", "Two")),
    ),
    Row(
        "hubs",
        "[{url: https://hub.example, hosts: [https://a.example, https://b.example]}]",
        "[{url: https://hub.example, hosts: [https://a.example, https://b.example, "
        "https://c.example]}, {url: https://other.example}]",
        "[{url: https://hub.example, hosts: [https://b.example]}]",
        lambda policy: [(hub.url, *hub.hosts) for hub in policy.hubs],
        [("https://hub.example", "https://a.example", "https://b.example")],
        [("https://hub.example", "https://b.example")],
    ),
    Row("hubs", "[{url: https://hub.example}]", "[{url: https://hub.example}]", "[]",
        lambda policy: [hub.url for hub in policy.hubs], ["https://hub.example"], []),
    *(
        Row(key, strict, loose, strict, see, value, value)
        for key, strict, loose, see, value in [
            ("self-declared-label", "deny", "allow", lambda one: one.labels.self_declared, False),
            ("self-approval", "deny", "allow", lambda one: one.self_approval, False),
            ("unattended", "refuse", "note", lambda one: one.unattended, "refuse"),
            ("accounts", "directory", "any", lambda one: one.accounts, "directory"),
        ]
    ),
    *(
        Row(key, loose, loose, strict, see, before, after)
        for key, strict, loose, see, before, after in [
            ("self-declared-label", "deny", "allow", lambda one: one.labels.self_declared, True,
             False),
            ("self-approval", "deny", "allow", lambda one: one.self_approval, True, False),
            ("unattended", "refuse", "note", lambda one: one.unattended, "note", "refuse"),
            ("accounts", "directory", "any", lambda one: one.accounts, "any", "directory"),
        ]
    ),
]  # fmt: skip

# A user's file that says this beside an administrator's is refused as a whole.
REFUSED = {
    "schema": "localai.policy/2",
    "host-canaries": TARGET,
    "host-controls": TARGET,
    "waivers": "[{check: resources, approver: P, reason: r, until: 2027-01-31}]",
}
# Where the administrator is silent, these of a user's count, and those do not.
SILENT = [
    ("self-test-hours", "24", lambda policy: policy.self_test_hours, 24),
    ("licences", "[MIT]", lambda policy: policy.licences, ("MIT",)),
    ("restricted-technologies", LISTED.format("Me", "2026-11-01", "Two"), seen, None),
    ("hubs", "[{url: https://hub.example}]", lambda policy: policy.hubs, ()),
]


def text(key: str, value: str) -> str:
    lines = {"schema": "localai.policy/1", "name": "agency", key: value}
    return "".join(f"{name}: {said}\n" for name, said in lines.items())


def known_keys() -> set[str]:
    """The keys that the parser takes, in its own words."""
    with pytest.raises(DocumentError) as caught:
        parse_settings(text("no-such-key", "x").encode())
    found = re.search(r"\(known here: (.*)\)", caught.value.message)
    assert found
    return set(found[1].split(", "))


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str, str], LoadedPolicy]:
    def load(administrator: str, own: str) -> LoadedPolicy:
        paths = tmp_path / "policy.yaml", tmp_path / "own.yaml"
        for path, said in zip(paths, (administrator, own), strict=True):
            path.write_text(said)
        return load_policy(*paths, owner=os.getuid())

    return load


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.key}: {row.rule}")
def test_a_users_file_only_tightens(load: Callable[[str, str], LoadedPolicy], row: Row) -> None:
    rule = text(row.key, row.rule)
    for own, wanted in ((row.looser, row.before), (row.tighter, row.after)):
        loaded = load(rule, text(row.key, own))
        assert not loaded.problem
        assert row.see(loaded.policy) == wanted


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.looser != row.rule], ids=lambda row: f"{row.key}: {row.rule}"
)
def test_without_the_rule_it_would_loosen(row: Row) -> None:
    """The rows can fail: replacing instead of tightening gives something else."""
    policy = replace(Policy(), parse_settings(text(row.key, row.rule).encode()))
    settings = parse_settings(text(row.key, row.looser).encode())
    assert row.see(tighten(policy, settings)) == row.before
    assert row.see(replace(policy, settings)) != row.before


@pytest.mark.parametrize(("key", "value"), REFUSED.items())
def test_what_a_users_file_may_not_say_is_refused(
    load: Callable[[str, str], LoadedPolicy], key: str, value: str
) -> None:
    loaded = load(text("name", "agency"), text(key, value))
    assert loaded.problem and loaded.policy == STRICT


@pytest.mark.parametrize(("key", "value", "see", "wanted"), SILENT)
def test_where_the_administrator_is_silent(
    load: Callable[[str, str], LoadedPolicy],
    key: str,
    value: str,
    see: Callable[[Policy], object],
    wanted: object,
) -> None:
    assert see(load(text("name", "agency"), text(key, value)).policy) == wanted


def test_every_key_has_a_row() -> None:
    assert {row.key for row in ROWS} | set(REFUSED) == known_keys()


def test_every_key_has_a_row_on_the_page() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == known_keys()


def test_the_page_names_what_can_be_waived() -> None:
    found = re.search(r"These can be waived: (.*?)\.", PAGE.read_text("utf-8"))
    assert found
    assert set(re.findall(r"`([a-z-]+)`", found[1])) == WAIVABLE
