"""Where an artifact is from: as a person types it, and as its file says."""

from __future__ import annotations

from urllib.parse import urlsplit

from localai.errors import UsageError
from localai.gguf.facts import GgufFile
from localai.gguf.lineage import find_bases, find_source
from localai.manifest.schema import Source
from localai.reference import HUB, is_reference, parse_reference
from localai.shape import is_line


def parse_source(text: str) -> Source:
    """``publisher/repository@revision``, ``hf:publisher/repository@revision`` or an address, as
    people copy it from a hub.

    Of an address the publisher is the first part of its path where there are two, else the host.
    Raises UsageError for an address that is none.
    """
    text = text.strip()
    if is_reference(text):
        named = parse_reference(text)
        return Source(named.publisher, named.place, named.revision or None, hub=HUB)
    whole, at, revision = text.rpartition("@")
    repository = whole if at else text
    try:
        address = urlsplit(repository)
        host = address.hostname
    except ValueError as error:
        raise UsageError(
            f"{repository!r} is no address: {error}", hint="--source PUBLISHER/REPOSITORY@REVISION"
        ) from error
    steps = [step for step in address.path.split("/") if step]
    if address.netloc and len(steps) < 2:
        publisher = host or repository
    else:
        publisher = steps[0] if steps else repository
    return Source(publisher, repository, revision if at else None)


def read_source(header: GgufFile) -> Source | None:
    """Where a file says that it is from, if a manifest can say the same; nothing proves it."""
    try:
        source = parse_source(find_source(header))
    except UsageError:
        return None
    parts = (source.publisher, source.repository, source.revision or "none")
    return with_bases(source, header) if all(map(is_line, parts)) else None


def with_bases(source: Source | None, header: GgufFile) -> Source | None:
    """The source with what the file says that it was made from, where nobody said so."""
    if source is None or source.bases:
        return source
    return source._replace(bases=tuple(filter(is_line, find_bases(header))))
