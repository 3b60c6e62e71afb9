"""A self-test as messages for the local system log: its start, so that those who watch this host
know what the attempts are, and its end with the verdict.

Source: RFC 5424 for the message; syslog(3) for the socket, where a message needs no frame of its
own on a datagram socket and ends with a line end on a stream.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from localai.errors import StateError
from localai.findings import Verdict
from localai.terminal import printable

if TYPE_CHECKING:
    from localai.reports.report import Report

SOCKET = Path("/dev/log")
PATIENCE_S = 2.0
_FACILITY = 10  # security and authorisation messages, RFC 5424 table 1
_INFO, _NOTICE, _WARNING, _CRITICAL = 6, 5, 4, 2  # RFC 5424 table 2
_SEVERITIES = {
    Verdict.PASS: _INFO,
    Verdict.NOT_CHECKED: _WARNING,
    Verdict.FAIL: _CRITICAL,
}
# 32473 is set aside for documents (RFC 5612): localai has no enterprise number of its own.
_ELEMENT = "localai@32473"
_LONGEST = 1024  # characters of text: every receiver takes 2048 bytes, section 6.1
_BYTE_ORDER_MARK = "\ufeff"


def start_message(host: str, now: datetime) -> bytes:
    """Says that what follows is a self-test, and which process makes it. ``now`` is aware."""
    said = "self-test begins: its probes look like an attack and go to sinks of its own only"
    return _message(_NOTICE, host, now, "SELFTEST-START", {"pid": str(os.getpid())}, said)


def end_message(report: Report, now: datetime) -> bytes:
    """Says how the self-test ended."""
    result = report.result
    filters = result.filters.values()
    figures = {
        "result": str(result.number),
        "verdict": result.verdict.value,
        "probes": str(result.worker.probes),
        "arrived": str(len(result.worker.arrived)),
        "notChecked": str(len(result.worker.not_checked)),
        "controlsArrived": str(result.controls_arrived),
        "filterProbes": str(sum(one.probes for one in filters)),
        "filterArrived": str(sum(len(one.arrived) for one in filters)),
        "filterNotChecked": str(sum(len(one.not_checked) for one in filters)),
    }
    said = f"self-test ended: {result.verdict}"
    if result.refusing:
        said += f": {'; '.join(result.refusing)}"
    severity = _SEVERITIES[result.verdict]
    return _message(severity, report.host, now, "SELFTEST-END", figures, said)


def broken_message(host: str, now: datetime) -> bytes:
    """Says that the self-test that was announced ended without a result."""
    said = "self-test ended without a result"
    return _message(_WARNING, host, now, "SELFTEST-END", {"verdict": "none"}, said)


def send(message: bytes, path: Path = SOCKET) -> None:
    """Hand a message to the log daemon. Raises StateError if it does not take it in time."""
    for kind, frame in ((socket.SOCK_DGRAM, b""), (socket.SOCK_STREAM, b"\n")):
        with socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC) as log:
            log.settimeout(PATIENCE_S)
            try:
                log.connect(str(path))
                log.sendall(message + frame)
                return
            except OSError as error:
                if error.errno == errno.EPROTOTYPE and kind == socket.SOCK_DGRAM:
                    continue  # a log daemon that listens on a stream
                why = error.strerror or str(error)
                raise StateError(
                    f"cannot tell the system log at {path}: {why}",
                    hint="start a log daemon on this host, or leave --syslog out",
                ) from error


def _message(
    severity: int, host: str, now: datetime, kind: str, figures: Mapping[str, str], said: str
) -> bytes:
    """One message of RFC 5424, section 6: header, structured data, text in UTF-8."""
    time = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    inside = "".join(f' {name}="{_escape(value)}"' for name, value in figures.items())
    header = f"<{_FACILITY * 8 + severity}>1 {time} {_name(host)} localai {os.getpid()} {kind}"
    text = _BYTE_ORDER_MARK + printable(said)[:_LONGEST]
    return f"{header} [{_ELEMENT}{inside}] {text}".encode(errors="backslashreplace")


def _name(host: str) -> str:
    """A host name as section 6.2.4 has it: 1 to 255 printable ASCII characters, or a dash."""
    return "".join(char for char in host if "!" <= char <= "~")[:255] or "-"


def _escape(value: str) -> str:
    """Section 6.3.3: a backslash before each quote, backslash and closing bracket."""
    return "".join(f"\\{char}" if char in '"\\]' else char for char in value)
