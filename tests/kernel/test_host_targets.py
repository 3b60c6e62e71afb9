"""The policy's canaries and controls, between network namespaces of our own: every outcome real."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("two_hosts.py")
HEAD = "schema: localai.policy/1\nname: cable\n"
POLICY = f"{HEAD}host-egress: must-be-blocked\n"
CONTROL = "host-controls: [{name: gateway, address: 10.77.0.2, port: 4433}]\n"
CANARY = "host-canaries: [{name: outside, address: 10.99.0.2, port: 4433}]\n"
OPEN = ["ip route add 10.99.0.2 via 10.77.0.2"]
BARRED = ["ip route add prohibit 10.99.0.2"]


@pytest.fixture(scope="module")
def unshare() -> list[str]:
    if not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("ip (iproute2) and unshare (util-linux) are needed")
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    cable = ["ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1"]
    tried = subprocess.run([*command, *cable], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no two network namespaces can be had here: {tried.stderr.strip()}")
    return command


def ask(unshare: list[str], text: str, setup: list[str], policy: str = POLICY) -> dict[str, Any]:
    asked = json.dumps({"policy": policy + text, "setup": setup})
    command = [*unshare, sys.executable, str(SCRIPT), asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_canary_that_is_barred_while_the_control_answers_passes(unshare: list[str]) -> None:
    found = ask(unshare, CONTROL + CANARY, BARRED)
    assert found["reached"]["gateway"] == ["reachable", "it answered"]
    assert found["reached"]["outside"][0] == "blocked"
    assert found["verdict"] == "pass"
    assert "over cable0" in found["evidence"]


def test_the_same_canary_not_barred_fails(unshare: list[str]) -> None:
    found = ask(unshare, CONTROL + CANARY, OPEN)
    assert found["reached"]["outside"][0] == "reachable"
    assert found["verdict"] == "fail"
    assert "10.99.0.2 port 4433" in found["evidence"]


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "throw"])
def test_every_way_to_bar_counts(unshare: list[str], kind: str) -> None:
    found = ask(unshare, CONTROL + CANARY, [f"ip route add {kind} 10.99.0.2"])
    assert found["reached"]["outside"][0] == "blocked"
    assert found["verdict"] == "pass"


def test_silence_is_blocked(unshare: list[str]) -> None:
    """An address on the cable that nobody has: what a firewall that drops looks like."""
    canary = CANARY.replace("10.99.0.2", "10.77.0.9")
    found = ask(unshare, CONTROL + canary, [])
    assert found["reached"]["outside"] == ["blocked", "no answer"]
    assert found["verdict"] == "pass"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (CONTROL + CANARY.replace("10.99.0.2", "10.77.0.2").replace("4433", "4434"), "outside"),
        (CONTROL + CANARY.replace("10.99.0.2", "10.77.0.1"), "outside"),
        (CONTROL.replace("10.77.0.2", "10.77.0.1") + CANARY, "gateway"),
        (CONTROL.replace("10.77.0.2", "fd77::1") + CANARY, "gateway"),
    ],
    ids=["refused", "canary is this machine", "control is this machine", "the same over IPv6"],
)
def test_what_nobody_can_tell_is_not_checked(unshare: list[str], text: str, name: str) -> None:
    found = ask(unshare, text, BARRED)
    assert found["reached"][name][0] == "unclear"
    assert found["verdict"] == "not-checked"


def test_a_control_that_is_silent_proves_nothing(unshare: list[str]) -> None:
    found = ask(unshare, CONTROL.replace("10.77.0.2", "10.77.0.9") + CANARY, BARRED)
    assert found["reached"]["outside"][0] == "blocked"
    assert found["verdict"] == "not-checked"


@pytest.mark.parametrize("text", ["", CONTROL, CANARY])
def test_half_the_targets_are_not_enough_and_both_keys_are_named(
    unshare: list[str], text: str
) -> None:
    found = ask(unshare, text, BARRED)
    assert found["verdict"] == "not-checked"
    assert "host-canaries" in found["remedy"] and "host-controls" in found["remedy"]


def test_where_the_host_need_not_be_blocked_no_start_tries_anything(unshare: list[str]) -> None:
    found = ask(unshare, CONTROL + CANARY, OPEN, f"{HEAD}host-egress: note\n")
    assert found["verdict"] == "note"
    assert found["reached"] == {}


def test_ipv6(unshare: list[str]) -> None:
    text = (CONTROL + CANARY).replace("10.77.0.2", "fd77::2").replace("10.99.0.2", "fd99::2")
    barred = ask(unshare, text, ["ip -6 route add prohibit fd99::2"])
    assert barred["verdict"] == "pass"
    free = ask(unshare, text, ["ip -6 route add fd99::2 via fd77::2"])
    assert free["verdict"] == "fail"
