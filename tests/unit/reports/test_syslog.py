"""The messages for the system log: RFC 5424 by its own grammar, through real sockets."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.reports import syslog
from localai.reports.report import Report

NOW = datetime(2026, 3, 1, 3, 4, 5, 678901, UTC)

# RFC 5424, section 6, rule by rule. BOM-less text would mean "any encoding" there.
_NAME = r"[!#-<>-\\^-~]{1,32}"  # printable but '=', space, ']' and '"'
_PARAMETER = rf' {_NAME}="(?:[^"\\\]]|\\["\\\]])*"'
MESSAGE = re.compile(
    r"<(?P<pri>\d{1,3})>1 "
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) "
    r"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<id>[!-~]{1,32}) "
    rf"\[(?P<element>{_NAME})(?P<parameters>(?:{_PARAMETER})*)\] "
    r"\ufeff(?P<text>[^\x00-\x1f]*)"
)


def parse(message: bytes) -> dict[str, str]:
    """The parts of a message, with its parameters by name."""
    match = MESSAGE.fullmatch(message.decode("utf-8"))
    assert match, message
    found = match.groupdict()
    for name, value in re.findall(rf' ({_NAME})="((?:[^"\\\]]|\\.)*)"', found.pop("parameters")):
        found[name] = re.sub(r"\\(.)", r"\1", value)
    return found


def test_the_start(report: Report) -> None:
    said = parse(syslog.start_message("it-7", NOW))
    assert said["pri"] == str(10 * 8 + 5)
    assert said["time"] == "2026-03-01T03:04:05.678Z"
    assert (said["host"], said["app"], said["id"]) == ("it-7", "localai", "SELFTEST-START")
    assert said["proc"] == said["pid"]
    assert "look like an attack" in said["text"]


def test_the_end_of_each_kind(report: Report, failed: Report, unprobed: Report) -> None:
    ends = [parse(syslog.end_message(one, NOW)) for one in (report, failed, unprobed)]
    assert [end["verdict"] for end in ends] == ["pass", "fail", "not-checked"]
    assert [int(end["pri"]) % 8 for end in ends] == [6, 2, 4]
    assert (ends[0]["result"], ends[0]["probes"], ends[0]["arrived"]) == ("7", "42", "0")
    assert ends[0]["filterProbes"] == "84"
    assert "1 of 3 got out" in ends[1]["text"]
    assert {end["id"] for end in ends} == {"SELFTEST-END"}


def test_an_end_without_a_result() -> None:
    said = parse(syslog.broken_message("it-7", NOW))
    assert (said["id"], said["verdict"]) == ("SELFTEST-END", "none")


def test_text_from_elsewhere_stays_in_its_place(hostile: Report) -> None:
    said = parse(syslog.end_message(hostile, NOW))
    assert said["host"].startswith("evil]0;x")
    assert "\\x1b" in said["text"]
    assert parse(syslog.start_message("", NOW))["host"] == "-"
    assert parse(syslog.start_message("ö" * 300 + "a" * 300, NOW))["host"] == "a" * 255


def test_a_message_stays_short(failed: Report) -> None:
    long = failed._replace(result=failed.result._replace(refusing=("x" * 100_000,)))
    assert len(syslog.end_message(long, NOW)) <= 2048


@pytest.mark.parametrize(("kind", "end"), [(socket.SOCK_DGRAM, b""), (socket.SOCK_STREAM, b"\n")])
def test_a_message_arrives_whole(tmp_path: Path, kind: socket.SocketKind, end: bytes) -> None:
    message = syslog.start_message("it-7", NOW)
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, kind) as log:
        log.bind(str(path))
        log.settimeout(10)
        if kind == socket.SOCK_STREAM:
            log.listen()
        syslog.send(message, path)
        if kind == socket.SOCK_DGRAM:
            assert log.recv(4096) == message
        else:
            with log.accept()[0] as taken:
                assert taken.recv(4096) == message + end


def test_nobody_listens(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with pytest.raises(StateError, match=r"cannot tell the system log at .*: No such file"):
        syslog.send(b"x", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(path))
    with pytest.raises(StateError, match="Connection refused"):
        syslog.send(b"x", path)


def test_a_log_daemon_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "PATIENCE_S", 0.05)
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(path))  # and never reads: its queue is soon full
        with pytest.raises(StateError, match="timed out"):
            for _ in range(10_000):
                syslog.send(b"x" * 1000, path)
