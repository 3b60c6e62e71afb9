"""Read a bundle: every byte of it is one that must stand there, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from localai.bundle import contents
from localai.bundle.contents import Contents, Index, Member
from localai.bundle.frame import BLOCK, END, make_header, make_padding, read_size
from localai.bundle.source import Source
from localai.bundle.stream import pass_through
from localai.errors import DocumentError
from localai.hashing import Progress, count_from

Take = Callable[[Source, Member, Progress], str]
"""Take the bytes of a member out of the source, to be kept or not, and return their SHA-256;
the progress is called with the bytes of it that are done."""


def read_head(source: Source) -> tuple[Index, Contents]:
    """All but the artifacts, which follow in the source. Raises DocumentError for what is no
    bundle, or not as it was made; StateError."""
    header = source.read(BLOCK)
    size = read_size(header)
    if not 0 < size <= contents.LIMIT or header != make_header(contents.INDEX, size):
        raise DocumentError(
            f"it does not begin with {contents.INDEX}: this is no bundle",
            hint="name a file that localai bundle create wrote",
        )
    raw = source.read(size)
    index = contents.parse_index(raw)
    if contents.write_index(index) != raw:
        raise DocumentError(f"{contents.INDEX} is not in the form in which it is written")
    _expect(source, make_padding(size), contents.INDEX)
    return index, contents.read_contents(index, [_read_small(source, one) for one in index.small])


def read_files(source: Source, files: Sequence[Member], take: Take, progress: Progress) -> None:
    """Hand every file of the artifacts to ``take``, and see that nothing follows.

    ``progress`` is called with the bytes of files done so far. Raises like :func:`read_head`.
    """
    before = 0
    for member in files:
        _expect(source, make_header(member.name, member.size), f"the header of {member.name}")
        found = take(source, member, count_from(before, progress))
        _compare(member, found)
        _expect(source, make_padding(member.size), member.name)
        before += member.size
    _expect(source, END, "the end")
    if source.has_more():
        raise DocumentError("something stands after its end")


def look_at(source: Source, member: Member, progress: Progress) -> str:
    """Take the bytes of a member, and keep nothing."""
    return pass_through(member.size, source.read_into, len, progress)


def _read_small(source: Source, member: Member) -> bytes:
    _expect(source, make_header(member.name, member.size), f"the header of {member.name}")
    raw = source.read(member.size)
    _compare(member, sha256(raw).hexdigest())
    _expect(source, make_padding(member.size), member.name)
    return raw


def _expect(source: Source, expected: bytes, where: str) -> None:
    at = source.done
    if source.read(len(expected)) != expected:
        raise DocumentError(f"byte {at}, {where}: something else stands there")


def _compare(member: Member, found: str) -> None:
    if found != member.sha256:
        raise DocumentError(f"{member.name} has the digest {found}, expected {member.sha256}")
