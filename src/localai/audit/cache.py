"""Digests that an earlier audit computed, so that what did not change is not read again.

A file is the same if device, inode, size and both times are (stat(2)). Whoever sets a clock back
or writes this cache deceives audits of the same account by it, and nothing else: no start, no
verification and no approval reads it, and ``--fresh`` leaves it out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.errors import StateError
from localai.places import make_private
from localai.smallfile import read_small

HEAD = "localai.audit-cache/1"
LIMIT = 64 << 20
"""Bytes that the cache may have: some hundred thousand files."""

SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone before its digest is kept: within one tick of a file
system's clock it could change without changing its times."""

_LINE = re.compile(
    r"(\d{1,20}) (\d{1,20}) (\d{1,20}) (-?\d{1,20}) (-?\d{1,20}) "
    r"([0-9a-f]{64}) ([0-9a-f]{64}|-) ([\x20-\x7e]+)"
)


class Key(NamedTuple):
    """What tells one content of one file from all others; times in nanoseconds."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class Known(NamedTuple):
    """What was found out about a file: the kind of model, its SHA-256, and its tree digest, None
    where that was not needed."""

    kind: str
    sha256: str
    tree: str | None = None


def key_of(status: os.stat_result) -> Key:
    """The key of an open or listed file."""
    return Key(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def read_cache(state: Path) -> dict[Key, Known]:
    """What earlier audits found out; nothing if there is no cache or it is not whole: then all is
    hashed anew."""
    try:
        raw = read_small(cache_file(state), limit=LIMIT) or b""
    except StateError:
        return {}
    head, *lines = raw.decode("ascii", "replace").splitlines() or [""]
    found = [_LINE.fullmatch(line) for line in lines]
    if head != HEAD or not all(found):
        return {}
    return dict(_take(match) for match in found if match)


def write_cache(state: Path, known: Mapping[Key, Known], now_ns: int) -> None:
    """Keep what was found out at ``now_ns`` (since the epoch), but of files that had only just
    changed. What did not fit is left out. Raises StateError."""
    lines, size = [HEAD], len(HEAD) + 1
    for key, one in known.items():
        line = f"{' '.join(map(str, key))} {one.sha256} {one.tree or '-'} {one.kind}"
        settled = max(key.modified, key.changed) + SETTLED_NS < now_ns
        if settled and (size := size + len(line) + 1) <= LIMIT:
            lines.append(line)
    make_private(state)
    write_whole(cache_file(state), ("\n".join(lines) + "\n").encode("ascii", "replace"))


def cache_file(state: Path) -> Path:
    """Where it lies."""
    return state / "audit-cache"


def _take(match: re.Match[str]) -> tuple[Key, Known]:
    tree = None if match[7] == "-" else match[7]
    return Key(*map(int, match.groups()[:5])), Known(match[8], match[6], tree)
