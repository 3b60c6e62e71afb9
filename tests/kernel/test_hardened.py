"""What the service's own hardening leaves of a self-test: all of it. A line that would close a way
out before it is tried makes a self-test that proves less, and passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localai.places import Places
from localai.schedule.ground import Ground
from localai.schedule.systemd import service_text

HERE = Path(__file__).parent
Prove = Callable[[str], dict[str, tuple[str, bool, bool]]]


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[str]:
    """The service's text for whoever runs this: the host's for root, else an account's own. The
    state is a directory that a private /tmp does not hide."""
    if os.getuid():
        yield service_text(ground(Path("/nonexistent"), user=True))
        return
    with tempfile.TemporaryDirectory(prefix="localai-state-", dir="/srv") as state:
        yield service_text(ground(Path(state), user=False))


def ground(state: Path, *, user: bool) -> Ground:
    places = Places(Path("/none"), False, state, state)
    return Ground("pat", user, state, True, places, {}, program=("/usr/bin/true",))


@pytest.fixture
def prove(tmp_path: Path) -> Prove:
    """Make a self-test under a unit and return each probe's outcome, control and class."""
    if Path("/etc/localai").exists():
        pytest.skip("this host has an administrator's rules")
    if os.getuid() == 0 and any(Path(one).is_relative_to("/tmp") for one in (HERE, sys.prefix)):
        pytest.skip("this checkout lies in /tmp, which the service does not see")

    def run(text: str) -> dict[str, tuple[str, bool, bool]]:
        path = tmp_path / "localai-selftest.service"
        path.write_text(text)
        state = text.partition('ReadWritePaths="')[2].partition('"')[0] or str(tmp_path)
        environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": str(HERE.parents[1] / "src"),
            "HOME": state,
            "LOCALAI_HOME": state,
            "LOCALAI_ENVIRONMENT": "sandbox",
        }
        private = ["unshare", "--mount"] if os.getuid() == 0 else []
        under = [*private, sys.executable, str(HERE / "hardened.py"), str(path)]
        done = subprocess.run(
            [*under, sys.executable, "-P", "-m", "localai", "selftest", "--json"],
            capture_output=True,
            text=True,
            env=environ,
        )
        if "unshare: " in done.stderr:
            pytest.skip(f"no private mount namespace can be had here: {done.stderr.strip()}")
        assert done.stdout, done.stderr
        results: list[dict[str, Any]] = json.loads(done.stdout)["egress"]["results"]
        return {
            one["probe"]: (one["outcome"], one["control_arrived"], one["by_class"])
            for one in results
        }

    return run


def bare(text: str) -> str:
    """The unit without any hardening, but with its state."""
    head, _, rest = text.partition("[Service]\n")
    state = [line for line in rest.splitlines() if line.startswith("ReadWritePaths=")]
    return "\n".join([f"{head}[Service]", *state])


def test_the_hardened_service_proves_as_much(prove: Prove, unit: str) -> None:
    hardened = prove(unit)
    assert len(hardened) >= 80
    assert hardened == prove(bare(unit))


@pytest.mark.skipif(os.getuid() != 0, reason="an account's own systemd cannot protect /proc/sys")
def test_a_line_that_was_left_out_would_close_ways(prove: Prove, unit: str) -> None:
    """So that the equality above can fail: this is why that line is not in the service."""
    worse = prove(f"{unit}ProtectKernelTunables=yes\n")
    closed = {name for name, (outcome, _, _) in worse.items() if outcome == "closed"}
    assert closed - {name for name, (outcome, _, _) in prove(unit).items() if outcome == "closed"}
