"""Is what is in the store what arrived, and nobody else's doing? Every byte is hashed anew."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.custody import is_being_written
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.hashing import Digests, Progress, count_from, digest_file, report_nothing
from localai.manifest.schema import ArtifactFile
from localai.sealing import open_regular
from localai.shape import is_slug
from localai.store.access import find_keepers, list_states
from localai.store.held import Held, list_children, list_held
from localai.store.origin import NAME
from localai.store.state import INCOMING, State
from localai.store.steps import LOCK

CHECK = "store"
_WHY = "what is in the store lies there as it arrived, and only this account and root change it"
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Measured(NamedTuple):
    """The digests of an artifact's files, in order, None for one that cannot be read, and what is
    wrong with any of it, a line each."""

    digests: tuple[Digests | None, ...]
    problems: tuple[str, ...]


class Checked(NamedTuple):
    """The answer about an artifact, or about a directory of the store (``state`` is None)."""

    subject: str
    state: State | None
    finding: Finding


def measure(held: Held, progress: Progress = report_nothing) -> Measured:
    """Hash an artifact's files and hold them, and what lies around them, against what arrived.

    ``progress`` is called with the bytes hashed so far.
    """
    if held.origin is None:
        return Measured((), (held.problem,))
    digests, problems, done = list[Digests | None](), list(_find_alien(held)), 0
    for file, path in zip(held.origin.files, held.paths, strict=True):
        try:
            found = _digest(path, count_from(done, progress))
        except DocumentError as error:
            found = None
            problems.append(error.message)
        if found and _differs(found, file):
            problems.append(f"{file.name} was changed: sha256 {found.sha256}, not {file.sha256}")
        digests.append(found)
        done += file.size
    return Measured(tuple(digests), tuple(problems))


def check_held(held: Held, progress: Progress = report_nothing) -> Checked:
    """One artifact."""
    problems = measure(held, progress).problems
    arrived = f"as it arrived on {held.origin.arrived}" if held.origin else ""
    return Checked(held.id, held.state, _judge(problems, arrived, _find_remedy(held)))


def check_store(store: Path) -> tuple[Checked, ...]:
    """The directories of the store themselves, and what lies in them that is no artifact.

    Raises StateError if one of them cannot be read.
    """
    held = [(one.directory.parent, one.id) for one in list_held(store)]
    if not store.exists():
        return ()
    ids = [artifact for _, artifact in held]
    twice = [f"{one} stands in two states" for one in sorted(set(ids)) if ids.count(one) > 1]
    strays = [*_find_strays(store, {*State, INCOMING, f"{LOCK}.lock"}), *twice]
    keepers = find_keepers(store)
    checked = [_check_directory(Path(os.path.realpath(store)), keepers, strays)]
    states = list_states(store)
    closed = () if len(states) < len(State) else (INCOMING,)
    for directory in (store / name for name in (*states, *closed)):
        if os.path.lexists(directory):
            known = {artifact for parent, artifact in held if parent == directory}
            strays = [] if directory.name == INCOMING else list(_find_strays(directory, known))
            checked.append(_check_directory(directory, keepers, strays))
    return tuple(checked)


def _find_strays(directory: Path, known: Collection[str]) -> Iterator[str]:
    names = (path.name for path in list_children(directory))
    return (f"{name}: nobody brought it" for name in names if name not in known)


def _check_directory(directory: Path, keepers: Collection[int], strays: Sequence[str]) -> Checked:
    problems = [*_judge_owner(directory, keepers), *strays]
    return Checked(str(directory), None, _judge(problems, "", _look_at(directory)))


def _judge(problems: Sequence[str], evidence: str, remedy: str) -> Finding:
    if not problems:
        return Finding(CHECK, Verdict.PASS, "intact", evidence)
    return Finding(CHECK, Verdict.FAIL, "not as it arrived", "; ".join(problems), _WHY, remedy)


def _find_alien(held: Held) -> Iterator[str]:
    """What somebody else owns, may write, or put there."""
    keepers = find_keepers(held.store)
    yield from _judge_owner(held.directory, keepers)
    files = {file.name for file in held.origin.files} if held.origin else set()
    for path in list_children(held.directory):
        if path.name not in files | {NAME}:
            yield f"{path.name}: nobody brought it"
            continue
        found = path.lstat()
        yield from _judge_owner(path, keepers)
        if stat.S_ISREG(found.st_mode) and found.st_mode & _WRITE:
            yield f"{path.name} can be written to: mode {found.st_mode & 0o777:04o}"


def _judge_owner(path: Path, keepers: Collection[int]) -> Iterator[str]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        yield f"{path.name} is a link"
    elif found.st_uid not in keepers:
        yield f"{path.name} belongs to uid {found.st_uid}"
    elif stat.S_ISDIR(found.st_mode) and found.st_mode & _OTHERS:
        yield f"{path.name} can be written to by others: mode {found.st_mode & 0o777:04o}"


def name_removal(held: Held) -> str:
    """How to be rid of it. With its store: in another one its name may be that of a sound one."""
    store = quote(str(held.store))
    return f"localai store --store {store} remove {quote(held.id)}, and bring it again"


def _find_remedy(held: Held) -> str:
    if is_slug(held.id):
        return f"look at {quote(str(held.directory))}; {name_removal(held)}"
    return _look_at(held.directory.parent)  # localai brings nothing under such a name


def _look_at(directory: Path) -> str:
    """For names that somebody else gave: they may look like an option, or hold a line break."""
    return f"look at it: ls -lab {quote(str(directory))}; remove by hand what is not to be there"


def _digest(path: Path, progress: Progress) -> Digests:
    opened = open_regular(path)
    try:
        # Where the file is another's, or the file system gives no lease, nobody can say: a start
        # copies such a file, and does not rely on this.
        with suppress(OSError):
            if is_being_written(opened.fd):
                raise DocumentError(f"{path.name} is open for writing somewhere")
        return digest_file(opened.fd, opened.size, progress=progress)
    finally:
        os.close(opened.fd)


def is_at_rest(fd: int, keepers: Collection[int]) -> bool:
    """Whether an open file is one of these accounts', nobody may write to it, and nobody does:
    False where that cannot be told."""
    found = os.fstat(fd)
    if found.st_uid not in keepers or found.st_mode & _WRITE:
        return False
    try:
        return not is_being_written(fd)
    except OSError:
        return False


def _differs(found: Digests, file: ArtifactFile) -> bool:
    tree = file.tree or found.tree
    return (found.size, found.sha256, found.tree) != (file.size, file.sha256, tree)
