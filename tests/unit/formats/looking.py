"""Look at bytes as at a file."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import NamedTuple

from localai.findings import Verdict
from localai.formats.contents import Contents
from localai.formats.format import Format, Kind
from localai.formats.inspect import inspect
from localai.formats.recognise import recognise


class Look(NamedTuple):
    """What is said of some bytes."""

    format: Format
    contents: Contents

    @property
    def kind(self) -> Kind:
        return self.format.kind

    @property
    def facts(self) -> dict[str, object]:
        return {fact.name: fact.value for fact in self.contents.facts}

    @property
    def said(self) -> dict[str, str]:
        """The evidence of every finding by its summary."""
        return {finding.summary: finding.evidence for finding in self.contents.findings}

    @property
    def notes(self) -> dict[str, str]:
        return self.having(Verdict.NOTE)

    @property
    def failed(self) -> dict[str, str]:
        return self.having(Verdict.FAIL)

    def having(self, verdict: Verdict) -> dict[str, str]:
        """The evidence of the findings of one verdict, by their summaries."""
        listed = self.contents.findings
        return {one.summary: one.evidence for one in listed if one.verdict is verdict}


def look(data: bytes, name: str) -> Look:
    """Recognise and inspect ``data`` as a file of that name."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return look_at(file.fileno(), len(data), name)


def look_at(fd: int, size: int, name: str) -> Look:
    """Recognise and inspect an open file."""
    found = recognise(fd, size, name)
    assert os.fstat(fd).st_size == size
    return Look(found, inspect(fd, size, found))


_MEASURE = """
import os, sys
from localai.formats.inspect import inspect
from localai.formats.recognise import recognise
{first}
size = os.fstat(0).st_size
inspect(0, size, recognise(0, size, sys.argv[1]))
status = open("/proc/self/status").read()  # getrusage would count the parent's memory too
print(int(status.split("VmHWM:")[1].split()[0]) << 10)
"""


def measure_peak(data: bytes | Iterable[bytes], name: str, first: str = "", grow: int = 0) -> int:
    """The most bytes of memory that a process of its own had while it looked at ``data`` and
    ``grow`` zeros behind; ``first`` is what it does before."""
    with tempfile.TemporaryFile() as file:
        file.writelines([data] if isinstance(data, bytes) else data)
        file.flush()
        file.truncate(file.tell() + grow)
        command = [sys.executable, "-c", _MEASURE.format(first=first), name]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=True)
    return int(done.stdout)
