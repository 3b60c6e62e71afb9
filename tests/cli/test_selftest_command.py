"""Self-tests: whole, and with something in the way: another one, the disk, the clock, the log."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from home import INTERRUPTED, LOCALAI, Home, in_full_file_system, wait_for_processes
from prometheus_client.parser import text_string_to_metric_families

from localai.findings import Verdict
from localai.selftests.history import keep, newest, read_history
from localai.selftests.result import Boundary, Result

pytestmark = pytest.mark.usefixtures("subreaper")
PASSED = Result(datetime.now(UTC), Verdict.PASS, "0.1.0", "6.18.0", Boundary(76))
POLICY = "schema: localai.policy/1\nname: own\nhost-must-pass: [host-switches]\n"


def log_of(home: Home) -> Path:
    return home.directory / "state" / "selftests.jsonl"


def document(ran: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_a_pass_says_the_same_everywhere(moved: Home) -> None:
    place = moved.place
    ran = moved.call("selftest", "--json", "--junit", "j.xml", "--prometheus", "p.prom", cwd=place)
    assert ran.returncode == 0, ran.stderr.decode()
    said = document(ran)
    assert (said["verdict"], said["exit_code"], said["result"]) == ("pass", 0, 1)
    probes = said["egress"]["probes"]
    assert probes == said["egress"]["controls_arrived"] >= 80
    kept = newest(log_of(moved))
    assert kept and kept.passed and kept.worker.probes == probes
    worker = fromstring((place / "j.xml").read_bytes())[0]
    assert len(worker) == len(said["egress"]["results"])
    assert int(worker.attrib["tests"]) - int(worker.attrib["skipped"]) == probes
    assert worker.attrib["failures"] == worker.attrib["errors"] == "0"
    text = (place / "p.prom").read_text()
    metrics = {one.name: one.samples[0].value for one in text_string_to_metric_families(text)}
    assert metrics["localai_selftest_success"] == 1
    assert metrics["localai_selftest_controls_arrived"] == probes
    assert stat.S_IMODE((place / "p.prom").stat().st_mode) == 0o644
    assert sorted(path.name for path in place.glob("*.prom*")) == ["p.prom"]
    assert wait_for_processes() == []


@pytest.mark.skipif(os.getuid() == 0, reason="root looks into every directory")
def test_a_report_in_a_directory_that_is_closed_to_us(moved: Home) -> None:
    shut = moved.place / "shut"
    (shut / "in").mkdir(parents=True)
    shut.chmod(0)
    try:
        ran = moved.call("selftest", "--junit", str(shut / "in" / "j.xml"))
    finally:
        shut.chmod(0o700)
    assert ran.returncode == 2, ran.stderr.decode()
    assert b"expected a file in a directory that exists" in ran.stderr
    assert not log_of(moved).exists()


def test_what_the_policy_forbids_is_a_failure_and_is_kept(moved: Home) -> None:
    (moved.directory / "config" / "policy.yaml").write_text(POLICY)
    ran = moved.call("selftest", "--prometheus", "p.prom")
    assert ran.returncode == 3, ran.stdout.decode()
    assert "failed; host-switches: " in ran.stdout.decode()
    kept = newest(log_of(moved))
    assert kept and kept.verdict is Verdict.FAIL and not kept.worker.arrived
    assert "localai_selftest_success 0.0" in (moved.place / "p.prom").read_text()


def test_nothing_is_probed_on_a_host_without_a_label(moved: Home) -> None:
    (moved.directory / "config" / "label.json").unlink()
    ran = moved.call("selftest", "--json")
    assert ran.returncode == 4
    said = document(ran)
    assert (said["verdict"], said["egress"], said["sandbox"]) == ("not-checked", None, None)


def test_a_self_test_needs_no_manifest(moved: Home) -> None:
    for path in (moved.directory / "config" / "manifests").iterdir():
        path.unlink()
    moved.call("selftest", check=True)


def test_two_at_once_are_both_whole_and_both_kept(moved: Home) -> None:
    command = [*LOCALAI, "selftest", "--json"]
    running = [
        subprocess.Popen(command, env=moved.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60) for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    results = [json.loads(out) for out, _ in said]
    assert {one["result"] for one in results} == {1, 2}
    assert results[0]["egress"]["probes"] == results[1]["egress"]["probes"]
    assert len(read_history(log_of(moved))) == 2
    assert wait_for_processes() == []


def test_a_lock_of_a_process_that_was_killed_is_no_lock(moved: Home) -> None:
    keep(log_of(moved), PASSED)
    script = (
        "import fcntl, os, signal, sys\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(log_of(moved))], check=False)
    assert killed.returncode == -signal.SIGKILL
    moved.call("selftest", check=True)
    assert len(read_history(log_of(moved))) == 2


def test_a_full_disk_is_no_pass(moved: Home) -> None:
    full = in_full_file_system(moved.directory / "state")
    ran = moved.call("selftest", wrap=full)
    assert ran.returncode == 4
    assert b"No space left on device" in ran.stderr and b"hint: " in ran.stderr
    assert b"passed" not in ran.stdout and b"Traceback" not in ran.stderr
    assert ran.stdout.split() == [b"filler", b"floors.lock", b"selftests.jsonl"]  # both empty
    assert wait_for_processes() == []


def test_a_result_that_cannot_be_written_is_no_pass(moved: Home) -> None:
    """Everything was probed, and then the log cannot grow: RLIMIT_FSIZE stops it in the middle of
    the line, as a disk does that fills up meanwhile."""
    path = log_of(moved)
    while not path.exists() or path.stat().st_size < 1 << 20:
        wide = PASSED._replace(refusing=("x" * 20_000,))
        keep(path, wide)
    before = path.read_bytes()
    size = f"--fsize={len(before) + 100}"
    ran = moved.call("selftest", wrap=["prlimit", size])
    assert ran.returncode == 4, ran.stdout
    assert b"cannot write" in ran.stderr and b"hint: free some space" in ran.stderr
    assert ran.stdout == b""
    assert path.read_bytes() == before
    moved.call("selftest", check=True)


def begin(home: Home, *arguments: str) -> subprocess.Popen[bytes]:
    """A self-test that is under way: before that a signal would meet Python's own start."""
    running = subprocess.Popen(
        [*LOCALAI, "selftest", *arguments], env=home.environ, cwd=home.place,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    name = Path(f"/proc/{running.pid}/comm")
    until = time.monotonic() + 20
    while name.read_text() != "localai\n" and time.monotonic() < until:
        time.sleep(0.002)
    return running


@pytest.mark.parametrize("how", ["no worker can be had", "stopped"])
def test_a_pass_does_not_outlive_a_self_test_that_broke_off(moved: Home, how: str) -> None:
    reports = ("--junit", "j.xml", "--prometheus", "p.prom")
    moved.call("selftest", *reports, check=True)
    if how == "stopped":
        running = begin(moved, *reports)
        running.terminate()
        code, said = running.wait(60), running.communicate()[1]
        assert code == 128 + signal.SIGTERM, said.decode()
        assert b"broken off" in (moved.place / "j.xml").read_bytes()
    else:
        ran = moved.call("selftest", *reports, wrap=["prlimit", "--nofile=60"])
        code, said = ran.returncode, ran.stderr
        assert code == 4, said.decode()
    assert b"Traceback" not in said, said.decode()
    kept = newest(log_of(moved))
    assert kept and (kept.number, kept.verdict) == (2, Verdict.NOT_CHECKED)
    assert kept.refusing
    assert "localai_selftest_success 0.0" in (moved.place / "p.prom").read_text()
    assert wait_for_processes() == []


def test_a_log_that_cannot_be_written_leaves_no_old_pass_in_the_reports(moved: Home) -> None:
    moved.call("selftest", "--prometheus", "p.prom", check=True)
    log_of(moved).unlink()
    log_of(moved).mkdir()
    assert moved.call("selftest", "--prometheus", "p.prom").returncode == 4
    assert "localai_selftest_success 0.0" in (moved.place / "p.prom").read_text()


def test_a_device_is_not_written_over(moved: Home) -> None:
    pipe = moved.place / "pipe"
    os.mkfifo(pipe)
    for arguments in (("--junit", str(pipe)), ("history", "--html", str(pipe))):
        ran = moved.call("selftest", *arguments)
        assert ran.returncode == 4
        assert b"no file that could be written anew" in ran.stderr
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert not log_of(moved).exists()


def test_a_report_that_cannot_be_written_hides_no_other(moved: Home) -> None:
    """The screen and the second report are there, and the exit code says that one is missing."""
    (moved.place / "full").mkdir()
    prometheus = str(moved.place / "full" / "p.prom")
    ran = moved.call(
        "selftest", "--prometheus", prometheus, "--junit", "j.xml",
        wrap=in_full_file_system(moved.place / "full"),
    )  # fmt: skip
    assert ran.returncode == 4
    assert b"passed: nothing got out" in ran.stdout
    assert b"p.prom: No space left on device" in ran.stderr
    assert fromstring((moved.place / "j.xml").read_bytes()).tag == "testsuites"
    assert newest(log_of(moved))


@pytest.mark.parametrize("year", [1999, 2099])
def test_a_clock_that_jumped(moved: Home, year: int) -> None:
    """The newest result is the one that was written last, whatever its time."""
    keep(log_of(moved), PASSED._replace(time=PASSED.time.replace(year=year, day=1)))
    moved.call("selftest", check=True)
    kept = newest(log_of(moved))
    assert kept and kept.number == 2
    said = moved.call("selftest", "history", check=True).stdout.decode()
    assert [line.split()[0] for line in said.splitlines() if line[:5].strip()] == ["1", "2"]
    assert ("the clock had been put back" in " ".join(said.split())) == (year == 2099)
    moved.call("selftest", "history", "--html", "h.html", check=True)
    assert (moved.place / "h.html").stat().st_size > 1000


def test_a_damaged_log_is_not_continued(moved: Home) -> None:
    keep(log_of(moved), PASSED)
    log_of(moved).write_bytes(log_of(moved).read_bytes()[:-9])
    moved.refuses(
        "selftest", code=4, problem="damaged", remedy="keep it as evidence and begin a new log"
    )


@pytest.fixture
def system_log(moved: Home) -> Iterator[socket.socket]:
    """A log daemon's socket of our own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(moved.place / "log"))
        (moved.place / "log").chmod(0o777)
        listening.setblocking(False)
        yield listening


def announced(system_log: socket.socket) -> list[str]:
    said = []
    while True:
        try:
            said.append(system_log.recv(8192).decode())
        except BlockingIOError:
            return said


def test_start_and_end_are_announced(moved: Home, system_log: socket.socket) -> None:
    ran = moved.call("selftest", "--syslog", "--syslog-socket", str(moved.place / "log"))
    assert ran.returncode == 0, ran.stderr.decode()
    start, end = announced(system_log)
    assert " SELFTEST-START [" in start and start.startswith(f"<85>1 {datetime.now(UTC):%Y}-")
    assert " SELFTEST-END [" in end and 'verdict="pass"' in end and 'result="1"' in end
    assert start.split()[4] == end.split()[4], "one process"


def test_an_end_is_announced_where_there_is_no_result(
    moved: Home, system_log: socket.socket
) -> None:
    log_of(moved).mkdir()
    ran = moved.call("selftest", "--syslog", "--syslog-socket", str(moved.place / "log"))
    assert ran.returncode == 4
    start, end = announced(system_log)
    assert "SELFTEST-START" in start
    assert "SELFTEST-END" in end and 'verdict="none"' in end


def test_nobody_is_surprised(moved: Home) -> None:
    """Where those who watch cannot be told, nothing is tried."""
    ran = moved.call("selftest", "--syslog", "--syslog-socket", str(moved.place / "nobody"))
    assert ran.returncode == 4
    assert b"cannot tell the system log" in ran.stderr
    assert not log_of(moved).exists()


def test_an_interrupt_leaves_nothing(moved: Home) -> None:
    """Ctrl-C at a moment of its own choosing: no process, no half a line."""
    number, interrupted = 0, 0
    while interrupted < 4:
        number += 1
        assert number < 20, "it always came to its end first"
        running = begin(moved)
        time.sleep(int.from_bytes(os.urandom(1), "big") / 2048)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
        assert b"Traceback" not in said, said.decode()
        assert wait_for_processes() == []
        kept = newest(log_of(moved))
        assert kept and kept.number == number
        if running.returncode != 0:
            assert running.returncode in INTERRUPTED, said.decode()
            assert kept.verdict is Verdict.NOT_CHECKED
            interrupted += 1
