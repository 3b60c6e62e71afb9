"""The laboratory: a process of ours that holds the sinks and tries every control.

It lives in namespaces of its own where the host allows them, with the sinks inside; the worker
starts out in them too. So whatever a probe sends, and whatever is wrong with it, goes to a
network that has no way out. Where no network namespace can be had, sinks are on loopback, and
probes that would need more are not sent.

The launcher forks it first of all, before it hides, and speaks with it in JSON lines.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from localai.egress.instruments import Instruments
from localai.egress.interior import Interior, Nonces, Request
from localai.egress.probes.probe import Attempt, Target
from localai.errors import PlatformError, StateError, WorkerError
from localai.sandbox import kernel

PATIENCE_S = 15.0  # for whatever it is asked: a control that hangs holds it up for a second
TEMPORARY = Path("/tmp")  # noqa: S108 - short, for the names of sockets; the name is random


class Premises(NamedTuple):
    """What the laboratory has become: its namespaces, where sinks lie, and which of them are
    unsafe here or stand at a path of our own (by class)."""

    pid: int
    namespaces: tuple[str, ...]
    targets: Mapping[str, Target]
    unsafe: Mapping[str, str]
    by_class: frozenset[str]
    directory: str

    def admit(self, account: int) -> None:
        """Let an account in that a worker of root's becomes: by the group of the same number.

        Raises PlatformError: outside, probes would fail for another reason than the layers."""
        try:
            os.chown(self.directory, -1, account)
            os.chmod(self.directory, 0o710)  # noqa: PTH101, S103 - to pass through, for that group only
        except OSError as error:
            raise PlatformError(
                f"{self.directory} cannot be opened to account {account}: {error.strerror}",
                hint="run localai as an ordinary user",
            ) from error


class Laboratory:
    """The launcher's handle. Forks in the constructor: no thread may run yet."""

    def __init__(
        self,
        instruments: Instruments,
        nonces: Nonces,
        private_directory: Path,
        home: Path,
        withheld: frozenset[str],
        before: Mapping[str, str],
        foreign: Collection[int],
    ) -> None:
        self._directory = _make_directory()
        ours, theirs = socket.socketpair()
        request = Request(
            instruments, nonces, self._directory, private_directory, home, withheld, before
        )
        self.pid = kernel.fork(lambda: _work(ours, theirs, request, foreign), "localai-lab")
        theirs.close()
        self._socket = ours
        self._lines = ours.makefile("r", encoding="ascii")
        self._ended = False

    def wait_for_premises(self) -> Premises:
        """Wait until every sink is open. Raises WorkerError if the laboratory failed."""
        answer = self._receive()
        return Premises(
            self.pid,
            tuple(answer["namespaces"]),
            answer["targets"],
            answer["unsafe"],
            frozenset(answer["by_class"]),
            str(self._directory),
        )

    def begin_controls(self) -> None:
        """Have every control tried; ``wait_for_controls`` then waits for them."""
        self._send("controls")

    def wait_for_controls(self) -> tuple[dict[str, Attempt], float]:
        """Wait until every control was tried; what each met, and the seconds that all took."""
        answer = self._receive()
        return _attempts(answer), float(answer["seconds"])

    def try_filters(self) -> dict[str, dict[str, Attempt]]:
        """Try the probes in throwaway processes, each under one filter and no other layer; by the
        filter's name."""
        self._send("filters")
        return {name: _attempts(said) for name, said in self._receive().items()}

    def collect(self) -> bytes:
        """All bytes that any sink took in since the laboratory was opened."""
        self._send("collect")
        return str(self._receive()["received"]).encode("latin-1")

    def close(self) -> None:
        """End the laboratory and remove its directory. Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        self._lines.close()
        self._socket.close()  # the laboratory cleans up and ends when its channel closes
        for number in (0, signal.SIGTERM, signal.SIGKILL):  # unless a sink holds it up
            os.kill(self.pid, number)
            if self._wait_for_end():
                break
        if self._directory.exists():  # the laboratory was killed
            import shutil  # it brings compressors

            shutil.rmtree(self._directory, ignore_errors=True)

    def _wait_for_end(self) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:  # some containers forbid pidfd_open(2)
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return True
            time.sleep(0.001)
        return False

    def _send(self, command: str) -> None:
        try:
            self._socket.sendall(command.encode() + b"\n")
        except OSError as error:
            raise self._failure("it ended") from error

    def _receive(self) -> dict[str, Any]:
        if not select.select([self._socket], [], [], PATIENCE_S)[0]:
            os.kill(self.pid, signal.SIGTERM)
            raise self._failure(f"it did not answer within {PATIENCE_S:.0f} s")
        line = self._lines.readline()
        answer = json.loads(line) if line.endswith("\n") else {"failed": "it ended"}
        if "failed" in answer:
            raise self._failure(answer["failed"])
        return dict(answer)

    @staticmethod
    def _failure(what: str) -> WorkerError:
        return WorkerError(
            f"the self-test could not be set up: {what}",
            hint="is there space in the state directory and in /tmp, and are there processes left"
            " (ulimit -u)? then: localai doctor",
        )


def _make_directory() -> Path:
    """A new, empty directory of this account's. What lies in it is open to every account, the one
    that a worker has too: whoever else got in could put links there, for the controls to follow."""
    directory = TEMPORARY / f"localai-{os.urandom(8).hex()}"
    try:
        directory.mkdir(mode=0o700)
    except OSError as error:
        raise StateError(
            f"no temporary directory can be made: {error.strerror}",
            hint=f"make {TEMPORARY} a directory that every account can write (mode 1777)",
        ) from error
    return directory


def _attempts(answer: Mapping[str, Any]) -> dict[str, Attempt]:
    return {name: Attempt(**said) for name, said in answer["attempts"].items()}


def _tidy_up_and_end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Whatever it is doing: what it opened is on an exit stack."""
    raise SystemExit(1)


def _said(attempts: Mapping[str, Attempt]) -> dict[str, dict[str, Any]]:
    return {name: attempt._asdict() for name, attempt in attempts.items()}


def _work(
    ours: socket.socket, channel: socket.socket, request: Request, foreign: Collection[int]
) -> None:
    """The laboratory's whole life, in the forked process."""
    ours.close()
    for descriptor in foreign:
        os.close(descriptor)
    # No death signal: when the launcher dies its channel closes, and what lies about is removed.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # a second start forks it from a hidden launcher
    os.setsid()  # signals to the user's job are the launcher's to answer
    os.umask(0)
    signal.signal(signal.SIGTERM, _tidy_up_and_end)
    lines = channel.makefile("rw", encoding="ascii")

    def say(**message: object) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    def say_attempts(attempt_them: Callable[[], Mapping[str, Attempt]]) -> None:
        began = time.perf_counter()
        attempts = _said(attempt_them())
        say(attempts=attempts, seconds=time.perf_counter() - began)

    try:
        with contextlib.ExitStack() as cleanup:
            inside = Interior(request, os.urandom(3).hex(), cleanup)
            sinks, by_class = inside.sinks, sorted(inside.by_class)
            say(namespaces=inside.namespaces, targets=sinks.targets, unsafe=sinks.unsafe,
                by_class=by_class)  # fmt: skip
            inside.get_ready()
            for command in lines:
                if command == "controls\n":
                    say_attempts(inside.run_controls)
                elif command == "filters\n":
                    tried = inside.try_filters()
                    say(**{name: {"attempts": _said(met)} for name, met in tried.items()})
                else:
                    say(received=inside.drain().decode("latin-1"))
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):
            say(failed=str(error))
