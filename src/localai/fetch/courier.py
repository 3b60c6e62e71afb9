"""The launcher's side of an errand: start the process, watch it, read what it says.

It inherits nothing. What decides how a hub is spoken to is set here: no telemetry, no update check,
no token file, no cache of other programs, and of the shell's own only the way through a proxy.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from localai.document import Node, read_json
from localai.errors import DocumentError, HubError
from localai.fetch.errand import Errand, write_errand
from localai.hashing import Progress, report_nothing

PATIENCE_S = 60.0
"""How long a hub may take for one step: an answer, or the next 64 KiB."""

# -I: neither the user's environment nor the current directory decides what is imported.
COMMAND = (sys.executable, "-I", "-B", "-m", "localai.fetch")

_LONGEST = 16 << 20  # bytes of one message
_NOWHERE = "/nonexistent"
_PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": _NOWHERE,
    "HF_HOME": _NOWHERE,
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_EXPERIMENTAL_WARNING": "1",
    "HF_HUB_DOWNLOAD_TIMEOUT": "30",
    "HF_HUB_ETAG_TIMEOUT": "30",
}


class Watch:
    """How long there is still to wait for a step."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self.begin()

    def begin(self) -> None:
        """A step was made: the next one has all the time again."""
        self._until = time.monotonic() + self._patience_s

    def extend(self, seconds: float) -> None:
        """A pause that was announced does not count."""
        self._until += seconds

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()


class Courier(NamedTuple):
    """What an errand is done with: the environment of its process, what to say of a pause (seconds,
    and why), and how long to wait for a step."""

    environment: Mapping[str, str]
    tell: Callable[[float, str], None]
    patience_s: float = PATIENCE_S
    command: tuple[str, ...] = COMMAND

    def run(self, errand: Errand, progress: Progress = report_nothing) -> dict[str, Node]:
        """Do an errand and return its last message; ``progress`` gets the bytes there so far.

        Raises HubError.
        """
        environment = {**self.environment, "HF_ENDPOINT": errand.url}
        with _started(self.command, environment) as process:
            if process.stdin:
                with suppress(BrokenPipeError):  # then it says why on the other pipe
                    process.stdin.write(write_errand(errand))
                    process.stdin.close()
            return self._listen(process, errand, progress)

    def _listen(
        self, process: subprocess.Popen[bytes], errand: Errand, progress: Progress
    ) -> dict[str, Node]:
        last, farthest, watch = "", -1, Watch(self.patience_s)
        for line in _read_lines(process, watch, errand.url):
            if not line.startswith(b"{"):
                last = line.decode("utf-8", "backslashreplace").strip() or last
                continue
            said = _parse(line)
            if "done" in said:
                done = int(str(said["done"]))
                progress(done)
                if done > farthest:
                    farthest = done
                    watch.begin()
            elif "wait" in said:
                wait = float(str(said["wait"]))
                watch.extend(wait)
                self.tell(wait, str(said["why"]))
            else:
                return said
        raise HubError(
            f"the process that speaks to the hub ended without an answer: {last[:200]}",
            hint="pip install 'localai[fetch]'" if "ModuleNotFound" in last else "",
        )


def make_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of such a process: of ``environ`` only proxies and certificates."""
    made = dict(_ENVIRONMENT)
    for name in _PROXIES:
        for spelled in (name, name.lower()):
            if value := environ.get(spelled):
                made[spelled] = value
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    for name, value in (
        ("SSL_CERT_FILE", environ.get("SSL_CERT_FILE") or bundle),
        ("SSL_CERT_DIR", environ.get("SSL_CERT_DIR")),
    ):
        if value:
            made[name] = value
    return made


@contextmanager
def _started(
    command: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # the last of it says why there is no answer
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _read_lines(process: subprocess.Popen[bytes], watch: Watch, hub: str) -> Iterator[bytes]:
    """Whatever it prints, line by line. Raises HubError when there is no time left."""
    if process.stdout is None:
        raise AssertionError("its stdout is a pipe")
    fd, kept = process.stdout.fileno(), bytearray()
    while True:
        if (left := watch.left_s) <= 0:
            raise HubError(
                f"{hub} is too slow: nothing new for too long",
                hint="run the command again; it goes on where it stopped",
            )
        if not select.select([fd], [], [], left)[0]:
            continue
        piece = os.read(fd, 1 << 16)
        kept += piece
        *lines, rest = kept.split(b"\n")
        yield from (bytes(line) for line in lines)
        kept = bytearray(rest)
        if not piece or len(kept) > _LONGEST:
            return


def _parse(line: bytes) -> dict[str, Node]:
    try:
        return read_json(line, limit=_LONGEST, fractions=True)
    except DocumentError as error:
        raise HubError(f"the hub's answer cannot be read: {error.message}") from error
