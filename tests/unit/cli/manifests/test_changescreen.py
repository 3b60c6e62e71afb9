"""What is said of changes and of signatures that are missing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from localai.cli.manifests.changescreen import (
    Stand,
    Version,
    changes_document,
    show_changes,
    show_status,
    status_document,
)
from localai.cli.manifests.manifestscreen import show_verification
from localai.findings import Finding, Verdict
from localai.manifest.diff import Change, Effect
from localai.manifest.schema import Manifest
from localai.manifest.standing import Ending, Standing
from localai.manifest.verify import Authority, Verification

DAY = date(2026, 2, 1)
OLD = Version(Manifest("agency", 1, DAY, DAY, ()), "a" * 64)
NEW = Version(Manifest("agency", 2, DAY, DAY, ()), "b" * 64)
FAILED = Finding("manifest-signature", Verdict.FAIL, "too few signatures", remedy="sign it")
UNCHECKED = Finding("manifest-freshness", Verdict.NOT_CHECKED, "not looked at")
REFUSED = Verification((FAILED, UNCHECKED), "c" * 64, Authority.OWN)


def stand(*signed: str, others: tuple[str, ...] = ("ben", "carl"), threshold: int = 2) -> Stand:
    return Stand(Path("a.yaml"), REFUSED, Standing(signed, others, threshold))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (stand(), ["missing    2 more of ben, carl"]),
        (stand("anna"), ["signed by  anna", "missing    1 more of ben, carl"]),
        (stand("anna", "ben", others=()), ["signed by  anna, ben"]),
        (
            stand("anna", others=()),
            [
                "signed by  anna",
                "missing    1 more of nobody: never enough, the root of trust needs another key"
                " (localai trust add-key)",
            ],
        ),
        (Stand(Path("a.yaml"), REFUSED, None), []),
    ],
)
def test_who_is_missing(asked: Stand, expected: list[str]) -> None:
    lines = show_status([asked], [], 200).splitlines()
    assert [line.strip() for line in lines[4:-1]] == expected
    assert lines[-1] == "nothing runs out within 90 days"


def test_what_runs_out() -> None:
    endings = [Ending("x", DAY, -1), Ending("y", DAY, 0), Ending("z\x1b[2J", DAY, 2)]
    assert show_status([], endings, 100).splitlines() == [
        "runs out within 90 days:",
        "  - 2026-02-01, over since 1 day: x",
        "  - 2026-02-01, the last day: y",
        r"  - 2026-02-01, 2 days left: z\x1b[2J",
    ]
    document = status_document([stand("anna")], endings)
    assert document["endings"] == [
        {"what": one.what, "last_day": "2026-02-01", "days_left": one.left} for one in endings
    ]
    assert document["manifests"][0]["in_force"] is False  # type: ignore[index]


def test_changes_are_sorted_by_what_follows_and_obey_nobody() -> None:
    changes = [
        Change(Effect.ALLOWED, "a", "the purpose \x1b]0;x\x07"),
        Change(Effect.ALLOWED, "", "all of it"),
        Change(Effect.WEAKER, "a", "long " * 20),
    ]
    said = show_changes(OLD, NEW, changes, 60)
    assert "\x1b" not in said and "\x07" not in said
    lines = said.splitlines()
    assert [line for line in lines if line.endswith(":")] == ["now allowed:", "weaker:"]
    assert "  - the manifest: all of it" in lines
    assert max(map(len, lines[3:])) <= 60
    document = changes_document(OLD, NEW, changes)
    assert document["old"] == {"name": "agency", "version": 1, "sha256": "a" * 64}
    assert document["changes"][1] == {  # type: ignore[index]
        "effect": "now allowed",
        "entry": None,
        "what": "all of it",
    }


def test_no_change_at_all() -> None:
    assert show_changes(OLD, OLD, [], 80).splitlines()[-1] == "the same bytes"
    other = OLD._replace(sha256="d" * 64)
    assert show_changes(OLD, other, [], 80).splitlines()[-1].startswith("nothing but layout")


@pytest.mark.parametrize("width", [20, 40, 71, 72, 80, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    """And what did not fit into one stays in: nothing of it begins at the edge."""
    long = FAILED._replace(
        evidence="1 of 2 signatures, " * 5, remedy="ask another one to sign " * 4
    )
    verification = REFUSED._replace(findings=(long, UNCHECKED), signers=("anna", "ben", "carl") * 4)
    path, *lines = show_verification(Path("a.yaml"), verification, width).split("\n")
    assert path == "a.yaml"
    assert max(map(len, lines)) <= width
    assert all(line.startswith("  ") for line in lines)
    said = " ".join(" ".join(lines).split())
    assert "ask another one to sign ask another one to sign" in said
    assert "anna, ben, carl" in said
