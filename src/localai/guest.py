"""Guests: a command or a script of an officer's own, confined as a worker is, to try the sandbox
from the inside. No model is anywhere near, and no probe is sent."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from localai.beginning import make_spec, take_beginning
from localai.egress.decoys import leave_decoys
from localai.egress.proving import Proof
from localai.errors import UsageError, WorkerError
from localai.places import Places, make_private
from localai.sandbox import confine, kernel
from localai.sandbox.inspection import inspect_first
from localai.sandbox.limits import close_all_but
from localai.sandbox.spec import SandboxSpec
from localai.sandbox.status import Layer
from localai.worker.spawn import PLAIN_ENVIRONMENT

Report = Callable[[Sequence[Layer]], object]
"""Told what was found in force, before the guest may begin."""

_SCRIPT_LIMIT = 1 << 20  # bytes
_STANDARD = (0, 1, 2)


def run_script(path: Path, places: Places, report: Report, show: Callable[[bytes], object]) -> int:
    """Run a Python file in a worker's final confinement, where the engine would stand.

    ``show`` is given what it prints. Returns its exit code, negative for the signal that ended
    it. Raises UsageError for a file that cannot be run, WorkerError if no worker can be had that
    is confined as it must be.
    """
    source = _read_script(path)
    with ExitStack() as cleanup:
        begun = take_beginning(places)
        cleanup.callback(begun.close)
        begun.confine(gpu=False)
        script = _seal(source)
        cleanup.callback(os.close, script)
        sealed = begun.worker.seal([*begun.proof.lent, script])
        report(sealed.status.layers)
        if missing := sealed.status.missing_required:
            names = ", ".join(layer.name for layer in missing)
            raise WorkerError(f"not in force: {names}", hint="localai doctor")
        begun.worker.probe([], begun.proof.targets, {}, begun.proof.lent_places)
        return begun.worker.run_script(path.name, len(source), show)


def _read_script(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            source = file.read(_SCRIPT_LIMIT + 1)
        compile(source, path.name, "exec")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", hint=f"ls -l {path}"
        ) from error
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{path} is no Python: {error}", hint=f"python3 {path}") from error
    if not 0 < len(source) <= _SCRIPT_LIMIT:
        raise UsageError(f"{path}: expected 1 to {_SCRIPT_LIMIT} bytes", hint="make it shorter")
    return source


def _seal(source: bytes) -> int:
    """Memory that holds ``source`` for good, opened for reading only."""
    memory = os.memfd_create("localai-script", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(memory, source)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
        return os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(memory)


def run_command(command: Sequence[str], search: str, places: Places, report: Report) -> int:
    """Run a command as a worker is confined while it imports, but that the command itself may be
    started. It keeps stdin, stdout and stderr, and nothing else.

    ``search`` are the directories where commands lie (PATH). Returns and raises as above.
    """
    program = shutil.which(command[0], path=search)
    if program is None:
        raise UsageError(f"there is no command {command[0]!r}", hint="give its full path")
    before = kernel.read_status()
    kernel.show_as("localai")  # until the command has a name of its own
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    with ExitStack() as cleanup:
        leave_decoys()
        proof = Proof(make_private(places.state), before)
        cleanup.callback(proof.close)
        spec = make_spec(proof.wait_for_premises(), (), 1)
        guest = _Guest(spec, os.path.realpath(program), command)
        cleanup.callback(guest.end)
        filters = int(before.get("Seccomp_filters", 0))
        report(inspect_first(guest.pid, spec, guest.evidence, filters_before=filters))
        return guest.run()


class _Guest:
    """The command's process, confined, which waits to become the command."""

    def __init__(self, spec: SandboxSpec, program: str, command: Sequence[str]) -> None:
        reports, reporting = os.pipe()
        waiting, self._orders = os.pipe()

        def live() -> None:
            os.close(reports)
            os.close(self._orders)
            _become(spec, program, command, waiting, reporting)

        first = kernel.fork(live)
        os.close(waiting)
        os.close(reporting)
        with os.fdopen(reports, encoding="ascii") as said:
            # Two processes speak: one that only entered the namespaces, and its child.
            told = dict(json.loads(line) for line in (said.readline(), said.readline()) if line)
        os.waitpid(first, 0)
        if set(told) != {"pid", "evidence"}:
            raise WorkerError("the command could not be confined", hint="localai doctor")
        self.pid: int = told["pid"]
        self.evidence: confine.Evidence = told["evidence"]
        self._ended = False

    def run(self) -> int:
        os.write(self._orders, b"!")
        _, status = os.waitpid(self.pid, 0)
        self._ended = True
        return os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """End it, if it has not ended. Safe to call twice."""
        if not self._ended:
            self._ended = True
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _become(
    spec: SandboxSpec, program: str, command: Sequence[str], orders: int, reports: int
) -> None:
    root = confine.leave(spec)
    if child := os.fork():  # a process id namespace begins with a child
        os.write(reports, json.dumps(["pid", child]).encode() + b"\n")
        os._exit(0)
    evidence = confine.first(spec, root, (program, *_find_interpreter(program)))
    close_all_but((*_STANDARD, orders, reports))
    os.write(reports, json.dumps(["evidence", evidence]).encode() + b"\n")
    if not os.read(orders, 1):
        return
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execve(program, list(command), _environment())  # noqa: S606 - no shell
    except OSError as error:
        os.write(2, f"{program} cannot be started: {error.strerror}\n".encode())
        os._exit(126)


def _find_interpreter(program: str) -> tuple[str, ...]:
    """What a script names in its first line (execve(2)); nothing for any other program."""
    try:
        with open(program, "rb") as file:  # noqa: PTH123
            first = file.readline(256)
    except OSError:
        return ()
    words = first[2:].split() if first.startswith(b"#!") else []
    return (os.fsdecode(words[0]),) if words else ()


def _environment() -> Mapping[str, str]:
    from localai.host import TELEMETRY_SWITCHES

    return {**PLAIN_ENVIRONMENT, **TELEMETRY_SWITCHES}
