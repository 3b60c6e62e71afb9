"""A policy that asks for a recent self-test: nothing runs without, and a pass opens the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from home import Home

POLICY = "schema: localai.policy/1\nname: agency\nself-test-hours: 24\n"


@pytest.fixture
def asking(moved: Home) -> Home:
    """A home whose policy asks for a self-test, and in which one was made."""
    before = moved.call("check", str(moved.model))
    assert before.returncode == 0, before.stdout + before.stderr
    (moved.directory / "config" / "policy.yaml").write_text(POLICY)
    without = moved.call("check", str(moved.model), "--json")
    assert (without.returncode, answer(without.stdout)) == (3, ("fail", "none yet"))
    made = moved.call("selftest")
    assert made.returncode == 0, made.stdout + made.stderr
    return moved


def answer(document: bytes) -> tuple[str, str]:
    findings = json.loads(document)["findings"]
    (found,) = (one for one in findings if one["check"] == "self-test")
    return found["verdict"], found["summary"]


def age(home: Home, hours: float, verdict: str = "pass") -> None:
    """Make the newest result ``hours`` old."""
    log = home.directory / "state" / "selftests.jsonl"
    *others, last = log.read_text().splitlines()
    time = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
    line = json.dumps({**json.loads(last), "time": time, "verdict": verdict})
    log.write_text("\n".join([*others, line]) + "\n")


@pytest.mark.parametrize(
    ("hours", "verdict", "code", "expected"),
    [
        (0, "pass", 0, ("pass", "passed")),
        (23.9, "pass", 0, ("pass", "passed")),
        (24.1, "pass", 3, ("fail", "too old")),
        (0, "fail", 3, ("fail", "did not pass")),
        (0, "not-checked", 3, ("fail", "did not pass")),
        (-1, "pass", 3, ("not-checked", "in the future")),
    ],
)
def test_only_a_recent_pass_lets_a_model_run(
    asking: Home, hours: float, verdict: str, code: int, expected: tuple[str, str]
) -> None:
    age(asking, hours, verdict)
    done = asking.call("check", str(asking.model), "--json")
    assert (done.returncode, answer(done.stdout)) == (code, expected)


def test_run_refuses_and_says_what_to_do(asking: Home) -> None:
    age(asking, 25)
    done = asking.call("run", str(asking.model), "hi", "-n", "1")
    assert done.returncode == 3
    assert b"self-test" in done.stderr and b"do    localai selftest" in done.stderr


@pytest.mark.parametrize("spoiled", ["", "no JSON\n", '{"number": 1}\n'])
def test_a_log_that_is_damaged_refuses(asking: Home, spoiled: str) -> None:
    log = asking.directory / "state" / "selftests.jsonl"
    log.write_text(log.read_text()[:-9] if not spoiled else log.read_text() + spoiled)
    done = asking.call("check", str(asking.model), "--json")
    assert (done.returncode, answer(done.stdout)[0]) == (3, "not-checked")


def test_a_link_in_place_of_the_log_refuses(asking: Home) -> None:
    log = asking.directory / "state" / "selftests.jsonl"
    log.rename(log.with_suffix(".elsewhere"))
    log.symlink_to(log.with_suffix(".elsewhere"))
    done = asking.call("check", str(asking.model), "--json")
    assert (done.returncode, answer(done.stdout)[0]) == (3, "not-checked")
