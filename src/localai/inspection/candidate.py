"""A model or a dataset that somebody may approve. What is looked at is what is pinned.

Between the moment in which a person sees what a file is and the one in which its digest is put
into an entry nobody may change it: else one file is shown and another one approved. So it is
copied into sealed memory first, as at a start, and both happen there. What does not fit is looked
at where it lies, if nobody but this account and root may write to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from localai.errors import DocumentError, LocalAIError, StateError
from localai.findings import Finding
from localai.hardware import count_cores, file_size_limit, find_free_memory
from localai.hashing import Progress, count_from, report_nothing
from localai.inspection.data import inspect_data, is_dataset, open_files
from localai.inspection.model import inspect_model
from localai.inspection.proposed import find_refusing
from localai.manifest.draft import kind_of, measure_file, name_file
from localai.manifest.schema import ArtifactFile, Kind
from localai.sandbox import kernel
from localai.sealing import RESERVE, OpenFile, copy_and_hash, make_vessel, seal
from localai.worker.protocol import DEFAULT_CONTEXT


class Candidate:
    """The constructor hides this process for good, so that no other can reach the memory.

    ``kind`` is what it is to be approved as, None for what the file says that it is.
    ``inspection`` is what was found; if it is refused, nothing was copied and nothing can be
    measured.

    Raises DocumentError if the files cannot be read or have names that no entry may hold,
    StateError if they could be changed meanwhile.
    """

    def __init__(
        self, path: Path, progress: Progress = report_nothing, kind: Kind | None = None
    ) -> None:
        self._files = open_files(path)
        self._kind = kind
        with ExitStack() as cleanup:
            cleanup.callback(self.close)
            for file in self._files:
                name_file(file.path)  # better now than after all questions
            if is_dataset(self._files):  # read to its end, so once
                self._hold(progress)
                self.inspection = inspect_data(path, self._files)
            else:
                self.inspection = inspect_model(path, self._files, DEFAULT_CONTEXT)
                # What is refused anyway need not be copied: it may be ten terabytes of nothing.
                if not self.refused:
                    self._hold(progress)
                    self.inspection = inspect_model(path, self._files, DEFAULT_CONTEXT)
            cleanup.pop_all()

    @property
    def refused(self) -> bool:
        """True if a finding forbids to approve it, or says that something was not looked at."""
        return bool(self._refusing)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in it, and that it is not what it is to be approved as."""
        found = self.inspection.findings
        return (*found, *(one for one in self._refusing if one not in found))

    @property
    def _refusing(self) -> tuple[Finding, ...]:
        kind = self._kind or kind_of(self.inspection.headers)
        return find_refusing(self.inspection.findings, kind)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self._files)

    def measure(self, progress: Progress = report_nothing) -> list[ArtifactFile]:
        """Every file with both its digests. Raises DocumentError if one was changed since."""
        measured, before = list[ArtifactFile](), 0
        for file in self._files:
            report = count_from(before, progress)
            measured.append(measure_file(file.fd, name_file(file.path), file.size, report))
            before += file.size
        if [_stamp(file) for file in self._files] != self._before:
            raise DocumentError(
                "the file was changed after it was looked at",
                hint="wait until nothing writes to it, then run the command again",
            )
        return measured

    def _hold(self, progress: Progress) -> None:
        """See to it that nobody changes the files from here on unseen."""
        if _fits(self._files):
            kernel.hide()
            before = 0
            for number, file in enumerate(self._files):
                self._files[number] = _seal(file, count_from(before, progress))
                os.close(file.fd)
                before += file.size
        else:
            _refuse_shared(self._files)
        self._before = [_stamp(file) for file in self._files]

    def close(self) -> None:
        """Close every file. Safe to call twice."""
        for file in self._files:
            os.close(file.fd)
        self._files = []


def _seal(file: OpenFile, progress: Progress) -> OpenFile:
    """A copy that nobody can change; ``file`` stays open."""
    vessel = make_vessel("localai-candidate")
    try:
        copy_and_hash(file, vessel, threads=count_cores(), room=_find_room, report=progress)
        seal(vessel)
    except LocalAIError:
        os.close(vessel)
        raise
    return file._replace(fd=vessel)


def _find_room() -> int:
    return find_free_memory().bytes


def _fits(files: Sequence[OpenFile]) -> bool:
    limit = file_size_limit()
    largest = max(file.size for file in files)
    needed = sum(file.size for file in files) + RESERVE
    return needed <= _find_room() and (limit is None or largest <= limit)


def _refuse_shared(files: Sequence[OpenFile]) -> None:
    for file in files:
        found = os.fstat(file.fd)
        if found.st_uid in (0, os.geteuid()) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            continue
        raise StateError(
            f"{file.path} could be changed by another account while it is looked at, and there is"
            " not enough memory for a copy",
            hint="make it yours alone first: cp it, then chmod 600 the copy",
        )


def _stamp(file: OpenFile) -> tuple[int, int, int]:
    """What changes when a file is written to."""
    found = os.fstat(file.fd)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
