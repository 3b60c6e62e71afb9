"""The schedule with the real crontab, whose spool is an empty one of a private mount namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PRIVATE = """
mount -t tmpfs none /var/spool/cron && mkdir -m 1777 /var/spool/cron/crontabs || exit 77
# cron is for hosts on which systemd does not run
if [ -d /run/systemd ]; then mount -t tmpfs none /run/systemd || exit 77; fi
"""
Play = Callable[[str], list[str]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a script on a host with cron and no systemd, as an account that is root in there;
    ``localai`` in it is the one under test. A line ``== ...`` ends each part of the output."""
    if Path("/etc/localai").exists():
        pytest.skip("this host has an administrator's rules")
    for program in ("crontab", "unshare"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    if not Path("/var/spool/cron").is_dir():
        pytest.skip("there is no /var/spool/cron here")
    home = tmp_path / "a home, 100% mine"
    home.mkdir()

    def run(script: str) -> list[str]:
        become = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        whole = f'{PRIVATE}\nlocalai() {{ "{sys.executable}" -m localai "$@"; }}\n{script}'
        done = subprocess.run(
            ["unshare", *become, "--mount", "sh", "-c", whole],
            env={"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": str(home), "COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode == 77 or "unshare: " in done.stdout:
            pytest.skip(f"no private mount namespace can be had here: {done.stdout.strip()}")
        return done.stdout.split("==\n")

    return run


def test_from_the_schedule_to_the_result_and_back(play: Play) -> None:
    parts = play(
        """
        echo '5 5 * * 0 echo mine' | crontab -; echo ==
        localai selftest schedule --daily; echo "exit $?"; echo ==
        crontab -l | tee "$HOME/table"; (cd; crontab -n table); echo "exit $?"; echo ==
        localai selftest status; echo "exit $?"; echo ==
        # what cron does with the line: a bare % would end it, and the shell gets the rest
        sed -n 's/^@daily //p' "$HOME/table" | sed 's/\\\\%/%/g' > "$HOME/command"
        env -i HOME="$HOME" PATH=/usr/bin:/bin /bin/sh "$HOME/command"; echo ==
        localai selftest status; echo "exit $?"; echo ==
        localai selftest schedule --hourly >/dev/null; crontab -l; echo ==
        localai selftest unschedule; echo "exit $?"; crontab -l; echo ==
        localai selftest status; echo "exit $?"
        """
    )
    _, scheduled, table, before, _, after, again, gone, end = parts
    assert scheduled.startswith("scheduled by root's crontab:\n  @daily ")
    assert scheduled.endswith("exit 0\n") and "to do" not in scheduled
    assert table.startswith("5 5 * * 0 echo mine\n@daily ") and table.endswith("exit 0\n")
    assert "pass" in before and "no result yet" in before and before.endswith("exit 3\n")
    if os.getuid() == 0:  # who is root in here alone has no other uid for a worker
        # no label, so it was not checked: but the line did run a self-test, whose result was kept
        assert "not passed" in after and "no label" in after
    assert after.endswith("exit 3\n")
    assert again.count("localai-selftest") == 1 and "@hourly" in again
    assert gone.startswith("no longer scheduled by root's crontab:")
    assert gone.endswith("exit 0\n5 5 * * 0 echo mine\n")
    assert "nothing starts the self-test" in end and end.endswith("exit 3\n")


def test_neither_systemd_nor_cron(play: Play) -> None:
    (said,) = play(
        """
        mkdir "$HOME/bin"; mount --bind "$HOME/bin" /usr/sbin
        for gone in crontab systemctl; do
            [ ! -e /usr/bin/$gone ] || mount --bind /dev/null /usr/bin/$gone
        done
        localai selftest schedule --daily; echo "exit $?"
        """
    )
    assert "neither systemd nor cron" in said and "hint: install cron" in said
    assert said.endswith("exit 4\n")


def test_a_calendar_expression_without_systemd(play: Play) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    said, nothing = play(
        """
        localai selftest schedule --calendar 'Mon 09:00'; echo "exit $?"; echo ==
        crontab -l
        """
    )
    assert "cron cannot read" in said and said.endswith("exit 2\n")
    assert "no crontab" in nothing
