"""Units that systemd itself finds clean, and what is left behind where it refuses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from schedulers import stand_in

from localai.errors import PlatformError, StateError
from localai.schedule import systemd
from localai.schedule.ground import SELFTEST, Ground
from localai.schedule.keeping import end, find_kept, keep

PLAIN = "odd name 100% $HOME ${HOME} ünï"
ODD = """odd "name" 100% $HOME ${HOME} back\\slash 'quoted' ünï"""


def verify(checker: str, ground: Ground) -> str:
    """What ``systemd-analyze verify`` has to say about both units: nothing, if all is well."""
    runtime = ground.units.parent / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    manager = ["--user"] if ground.user else ["--system"]
    units = sorted(map(str, ground.units.glob("localai-selftest.*")))
    assert len(units) == 2
    done = subprocess.run(
        [checker, *manager, "--man=no", "--generators=no", "verify", *units],
        capture_output=True,
        text=True,
        env={**ground.environ, "XDG_RUNTIME_DIR": str(runtime)},
    )
    said = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        # units of this host's own, or its state
        if "localai" in line or str(ground.units) in line
    ]
    return "\n".join(said) or ("" if done.returncode == 0 else done.stderr)


@pytest.mark.parametrize("user", [False, True], ids=["host", "user"])
@pytest.mark.parametrize("rhythm", ["daily", "hourly", "Mon..Fri *-*-* 09:00:00"])
def test_systemd_finds_the_units_clean(
    ground: Ground, checker: str, rhythm: str, user: bool
) -> None:
    asked = ground._replace(user=user)
    systemd.install(asked, rhythm)
    assert verify(checker, asked) == ""


@pytest.mark.parametrize(
    ("line", "spoiled"),
    [
        ("Type=oneshot", "Type=onceshot"),
        ("UMask=0077", "UMask=private"),
        ("ProtectHome=read-only", "ProtectHome=readable"),
        ("RestrictSUIDSGID=yes", "RestrictSUIDGID=yes"),
        ("OnCalendar=daily", "OnCalendar=whenever"),
        ("Persistent=true", "Persistant=true"),
    ],
)
def test_systemd_sees_a_spoiled_line(ground: Ground, checker: str, line: str, spoiled: str) -> None:
    """So that the silence above means something, line by line."""
    for path, text in systemd.install(ground, "daily").files:
        path.write_text(text.replace(line, spoiled))
    assert "localai-selftest" in verify(checker, ground)


def test_odd_paths_mean_themselves(ground: Ground, checker: str, tmp_path: Path) -> None:
    state = tmp_path / ODD / "state"
    odd = ground._replace(
        program=("/bin/sh", ODD),
        places=ground.places._replace(state=state),
        environ={**ground.environ, "XDG_STATE_HOME": str(state)},
        writes=(Path("/nowhere") / ODD,),
    )
    systemd.install(odd, "daily")
    assert verify(checker, odd) == ""


def test_an_odd_program_means_itself(ground: Ground, checker: str, tmp_path: Path) -> None:
    program = tmp_path / PLAIN / "python"
    program.parent.mkdir()
    own = ground._replace(user=True, program=(stand_in(program, "exit 0"), ODD))
    systemd.install(own, "daily")
    assert verify(checker, own) == ""
    program.unlink()  # systemd looked at exactly this path: it is missed
    assert "not executable" in verify(checker, own)


@pytest.mark.parametrize("name", ["line\nExecStart=/bin/sh", "\x1b[2J", "\x7f", "\u2028", "\udcff"])
def test_a_path_that_no_unit_can_name_is_refused(ground: Ground, name: str) -> None:
    odd = ground._replace(environ={"XDG_STATE_HOME": f"/{name}"})
    with pytest.raises(StateError, match="cannot be written into a unit"):
        systemd.install(odd, "daily")
    assert not list(ground.units.glob("*"))


@pytest.mark.parametrize("sign", ['"', "'", "\\"])
def test_a_program_that_systemd_would_not_start_is_refused(
    ground: Ground, checker: str, tmp_path: Path, sign: str
) -> None:
    odd = ground._replace(program=(stand_in(tmp_path / f"a{sign}b", "exit 0"),))
    with pytest.raises(StateError, match="cannot be written into a unit"):
        systemd.install(odd, "daily")
    for path, text in systemd.install(ground, "daily").files:  # and it would not, indeed
        quoted = odd.program[0].replace("\\", "\\\\").replace('"', '\\"')
        path.write_text(text.replace(f'"{ground.program[0]}"', f'"{quoted}"'))
    assert "special characters" in verify(checker, ground)


def test_systemd_can_enable_the_timer(ground: Ground, tmp_path: Path) -> None:
    """By the real systemctl, in a root directory of the test's own."""
    if not (systemctl := shutil.which("systemctl")):
        pytest.skip("systemctl is not installed")
    units = tmp_path / "root" / "etc" / "systemd" / "system"
    systemd.install(ground._replace(units=units), "daily")
    command = [systemctl, f"--root={tmp_path / 'root'}", "enable", systemd.TIMER]
    subprocess.run(command, check=True, capture_output=True)
    assert (units / "timers.target.wants" / systemd.TIMER).is_symlink()


def test_the_service_is_hardened_and_can_write_its_state(ground: Ground) -> None:
    text = systemd.service_text(ground)
    assert f'ReadWritePaths="{ground.places.state}"' in text
    more = systemd.service_text(ground._replace(writes=(Path("/var/lib/metrics"),)))
    assert f'ReadWritePaths="{ground.places.state}" "/var/lib/metrics"' in more
    assert {"ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(text.splitlines())
    # an account's own systemd cannot make these without a user namespace
    own = systemd.service_text(ground._replace(user=True))
    assert "Protect" not in own and "ReadWritePaths" not in own
    assert "NoNewPrivileges=yes" in own.splitlines()


def test_nothing_in_the_service_closes_a_way_out_before_it_is_tried(ground: Ground) -> None:
    said = {line.split("=")[0] for line in systemd.service_text(ground).splitlines()}
    closing = {"PrivateNetwork", "PrivateDevices", "PrivateUsers", "IPAddressDeny"}
    closing |= {"RestrictAddressFamilies", "RestrictNamespaces", "SystemCallFilter"}
    closing |= {"SystemCallArchitectures", "MemoryDenyWriteExecute", "ProtectKernelTunables"}
    assert not said & closing


def test_where_systemd_runs_it_is_told(ground: Ground, tmp_path: Path) -> None:
    log = tmp_path / "told"
    booted = ground._replace(
        booted=True, systemctl=stand_in(tmp_path / "systemctl", f'echo "$@" >> "{log}"')
    )
    assert keep(booted, "daily", 0).left == ()
    told = ["daemon-reload", f"enable {systemd.TIMER}", f"restart {systemd.TIMER}"]
    assert log.read_text().splitlines() == told
    log.unlink()
    (gone,) = end([booted])
    assert not list(ground.units.iterdir())
    assert {path.name for path, _ in gone.files if path} == {
        systemd.TIMER,
        f"{systemd.NAME}.service",
    }
    assert log.read_text().splitlines() == [f"disable --now {systemd.TIMER}", "daemon-reload"]
    assert end([booted]) == ()


def test_where_systemd_does_not_run_the_commands_are_left(ground: Ground) -> None:
    left = keep(ground, "daily", 0).left
    assert left[-1] == f"/nonexistent/systemctl restart {systemd.TIMER}"
    kept = find_kept([ground])
    assert kept and kept.rhythm == "daily" and "does not run" in kept.problem


def test_a_moved_home_changes_nothing_of_the_hosts(ground: Ground, tmp_path: Path) -> None:
    moved = ground._replace(
        moved=True,
        booted=True,
        systemctl=stand_in(tmp_path / "systemctl", f"touch {tmp_path}/told"),
    )
    left = keep(moved, "daily", 0).left
    assert str(ground.units / systemd.TIMER) in left[1]  # enabled by its path
    end([moved])
    assert not (tmp_path / "told").exists()


def test_no_unit_is_left_where_systemd_refuses(ground: Ground, tmp_path: Path) -> None:
    refusing = stand_in(tmp_path / "systemctl", "echo 'Failed to enable: no' >&2; exit 1")
    booted = ground._replace(booted=True, systemctl=refusing)
    with pytest.raises(StateError, match="Failed to enable: no"):
        keep(booted, "daily", 0)
    assert not list(ground.units.iterdir())


def test_no_systemd_and_no_cron(ground: Ground) -> None:
    with pytest.raises(PlatformError, match="neither systemd nor cron"):
        keep(ground._replace(systemctl=""), "daily", 0)


def test_the_hosts_timers_are_the_administrators(ground: Ground) -> None:
    with pytest.raises(StateError, match="administrator") as caught:
        keep(ground, "daily", 1000)
    assert "--user" in caught.value.hint
    keep(ground._replace(user=True), "daily", 1000)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("ActiveState=active\nFragmentPath={path}", ""),
        ("ActiveState=inactive\nFragmentPath={path}", "inactive"),
        ("ActiveState=active\nFragmentPath=/another/home/localai-selftest.timer", "systemd has"),
        ("", "nowhere"),
    ],
)
def test_a_timer_counts_while_systemd_has_it_waiting(
    ground: Ground, tmp_path: Path, answer: str, problem: str
) -> None:
    systemd.install(ground, "daily")
    said = answer.format(path=ground.units / systemd.TIMER)
    showing = stand_in(tmp_path / "systemctl", f"printf '{said}\\n'")
    timer = systemd.find_timer(ground._replace(booted=True, systemctl=showing))
    assert timer and timer.rhythm == "daily"
    assert bool(timer.problem) == bool(problem) and problem in timer.problem


@pytest.mark.parametrize("spoil", ["OnCalendar=", "OnCalendar=daily\nOnCalendar=hourly", "gone"])
def test_units_that_somebody_changed(ground: Ground, spoil: str) -> None:
    for path, text in systemd.install(ground, "daily").files:
        if spoil == "gone" and path.suffix == ".service":
            path.unlink()
        elif path.suffix == ".timer" and spoil != "gone":
            text = text.replace("OnCalendar=daily", spoil if "\n" in spoil else "")
            path.write_text(text)
    timer = systemd.find_timer(ground)
    assert timer and timer.rhythm == "" and "not as localai wrote them" in timer.problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StateError, match="cannot make the directory"):
        systemd.install(ground._replace(units=tmp_path / "closed" / "units"), "daily")


def test_what_is_started_is_this_localai(ground: Ground) -> None:
    text = systemd.service_text(ground._replace(user=True, program=SELFTEST))
    assert f'ExecStart=:"{sys.executable}" "-P" "-m" "localai" "selftest"' in text.splitlines()


def test_a_program_that_the_service_would_not_see_is_refused(ground: Ground) -> None:
    hidden = ground._replace(program=("/tmp/venv/bin/python",))
    with pytest.raises(StateError, match="lies in /tmp"):
        systemd.install(hidden, "daily")
    systemd.install(hidden._replace(user=True), "daily")


@pytest.mark.parametrize("private", ["/tmp", "/var/tmp"])
def test_a_file_that_the_service_would_lose_is_refused(
    ground: Ground, tmp_path: Path, private: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(private)
    for directory in (Path(private), Path(private, "metrics"), link):
        lost = ground._replace(writes=(directory,))
        with pytest.raises(StateError, match="which no service of the host's shares"):
            systemd.install(lost, "daily")
        assert not list(ground.units.glob("*"))
        systemd.install(lost._replace(user=True, units=tmp_path / "own"), "daily")
    systemd.install(ground._replace(writes=(Path("/var/lib/metrics"),)), "daily")
