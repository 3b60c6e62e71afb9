"""The victim: a process of ours that probes aim at, and whose memory the laboratory shares."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import time
from pathlib import Path

from localai.egress.probes.probe import Target
from localai.egress.probes.processes import ENVIRONMENT_BYTES, FIRST_BIT, SIGNAL
from localai.sandbox import kernel

_POKE, _WRITE, _MEM, _SIGNALS, _FLUSHES, _SECRET = 0, 64, 128, 256, 1024, 2048
_BITS, _SENDERS = 960, 8  # where the plain signals of each sender are noted, 8 bytes for each
_FLUSH = signal.SIGRTMAX  # the last of all pending signals to be delivered (signal(7))
_FLUSH_TIMEOUT_S = 1.0


class Victim:
    """Starts the process. ``pipe`` is a descriptor that it holds and that others try to take,
    ``file`` one that they try to read. ``secret`` stands in its memory, and ``environment`` where
    its environment is, if that is long enough (``had_environment``)."""

    def __init__(self, pipe: int, file: int, secret: str, environment: str) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._memory[_SECRET : _SECRET + len(secret)] = secret.encode()
        self._pipe, self._file = pipe, file
        place, size = _find_environment()
        hidden = environment.encode()[:ENVIRONMENT_BYTES].ljust(ENVIRONMENT_BYTES, b"\0")
        self.had_environment = size >= ENVIRONMENT_BYTES
        original = ctypes.string_at(place, ENVIRONMENT_BYTES) if self.had_environment else b""
        ctypes.memmove(place, hidden, len(original))
        signals = {*range(FIRST_BIT, SIGNAL + 1), _FLUSH}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        self.pid = kernel.fork(lambda: self._suffer(signals), "localai-victim")
        ctypes.memmove(place, original, len(original))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def target(self) -> Target:
        at = {"poke": _POKE, "write": _WRITE, "mem": _MEM, "secret": _SECRET}
        places = {name: self._base + offset for name, offset in at.items()}
        return {"pid": self.pid, "descriptor": self._pipe, "file": self._file, **places}

    def drain(self) -> bytes:
        """All that reached the victim: signals that are still pending are waited for."""
        flushed = self._memory[_FLUSHES]
        os.kill(self.pid, _FLUSH)
        deadline = time.monotonic() + _FLUSH_TIMEOUT_S
        while self._memory[_FLUSHES] == flushed:
            if time.monotonic() > deadline:
                raise TimeoutError("the victim of the self-test does not answer")
            time.sleep(0.0002)
        return self._memory[:_SECRET]

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _suffer(self, signals: set[int]) -> None:
        """The process itself: note every signal, for ever. Traced or read by anybody."""
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError):  # a kernel without Yama knows no such option
            kernel.prctl(kernel.PR_SET_PTRACER, 2**64 - 1)  # PR_SET_PTRACER_ANY
        # Plain signals add up to a nonce, one bit each. They are noted by their sender, for good:
        # somebody may look while a sender is half-way.
        bits, noted = dict[int, int](), _SIGNALS
        while True:
            info = signal.sigwaitinfo(signals)
            if info.si_signo == SIGNAL:
                self._memory[noted : noted + 8] = b"%07x\n" % (info.si_status & 0xFFFFFFFF)
                noted = noted + 8 if noted < _BITS - 8 else _SIGNALS
            elif info.si_signo == _FLUSH:
                said = b"".join(b"%07x\n" % one for one in [*bits.values()][:_SENDERS])
                self._memory[_BITS : _BITS + len(said)] = said
                self._memory[_FLUSHES] = (self._memory[_FLUSHES] + 1) % 256
            else:
                sent = 1 << info.si_signo - FIRST_BIT
                bits[info.si_pid] = bits.get(info.si_pid, 0) | sent


def _find_environment() -> tuple[int, int]:
    """Where this process was given its environment, and how many bytes it has: what others see
    in ``/proc/PID/environ`` (fields 50 and 51 in proc_pid_stat(5)). A fork has it at the same
    place."""
    fields = Path("/proc/self/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    return start, end - start
