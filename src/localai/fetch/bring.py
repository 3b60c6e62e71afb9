"""Bring files from a hub into quarantine: room first, then the bytes, then their digests.

The process that speaks to the hub is believed in nothing: its files are measured here, and held
against what the hub said before a byte of them came.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from localai.document import Node
from localai.errors import DocumentError, HubError
from localai.fetch.courier import Courier
from localai.fetch.errand import Errand, Piece
from localai.fetch.listing import EXACT, Listing, Remote, parse_listing
from localai.findings import Finding, Verdict
from localai.hashing import Progress, report_nothing
from localai.hubs import Hub, parse_address
from localai.manifest.draft import measure_file
from localai.manifest.schema import ArtifactFile, Source
from localai.reference import Reference
from localai.sealing import open_regular
from localai.store.arrival import admit, arriving, check_room
from localai.store.held import Held, list_held
from localai.store.origin import Origin
from localai.store.steps import acting, refuse_name

CHECK = "fetch"
_WHY_HOSTS = "a hub is asked, and files are taken, only where the policy says so"
_WHY_BYTES = "what arrives must be what the hub listed, at one exact revision"


class Order(NamedTuple):
    """What is to be brought: ``files`` of the repository, to be known as ``artifact``."""

    hub: Hub
    reference: Reference
    listing: Listing
    files: tuple[Remote, ...]
    artifact: str

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def folder(self) -> str:
        """Where in the repository they lie; all parts of a set lie in one place."""
        return self.files[0].path.rpartition("/")[0]


class Elsewhere(NamedTuple):
    """The hub sends the files from a host that nobody named."""

    origin: str

    @property
    def can_be_named(self) -> bool:
        """False for an address to which something would go unencrypted, or that is none."""
        try:
            return parse_address(self.origin) == self.origin
        except DocumentError:
            return False


def look(courier: Courier, hub: Hub, reference: Reference, token: str) -> Listing | Finding:
    """Ask what lies in a repository, at one exact revision. Raises HubError."""
    said = courier.run(_errand(hub, reference, reference.revision, token))
    if "listing" in said:
        listing = parse_listing(said["listing"])
        if EXACT.fullmatch(reference.revision) and listing.revision != reference.revision:
            evidence = f"{listing.revision} in the place of {reference.revision}"
            return _refuse(
                "another revision", evidence, _WHY_BYTES, f"ask those who run {hub.name}"
            )
        return listing
    refused = _judge(said, hub)
    return find_elsewhere(refused, hub) if isinstance(refused, Elsewhere) else refused


def bring(
    store: Path,
    order: Order,
    courier: Courier,
    *,
    token: str,
    today: date,
    progress: Progress = report_nothing,
) -> Held | Finding | Elsewhere:
    """Bring the files and take them into quarantine. What a break leaves is gone on with.

    Raises UsageError if the identifier is none or taken, HubError, StateError.
    """
    listed = [(file.name, file.sha256) for file in order.files if file.sha256]
    if finding := _find_other(store, order, listed):
        return finding
    refuse_name(store, order.artifact)
    with arriving(store, f"fetch.{order.artifact}") as place:
        wanted = [*order.files, *filter(None, [order.listing.card])]
        pieces = [_piece(place, file) for file in wanted]
        _make_room(place, pieces)
        errand = _errand(order.hub, order.reference, order.listing.revision, token)
        said = courier.run(errand._replace(pieces=tuple(pieces)), progress)
        if "brought" not in said:
            refused = _judge(said, order.hub)
            if isinstance(refused, Finding):
                shutil.rmtree(place)  # no byte of it is worth going on with
            return refused
        measured = _measure(pieces)
        for file, piece, found in zip(wanted, pieces, measured, strict=True):
            if finding := _compare(file, Path(piece.part), found):
                shutil.rmtree(place)
                return finding
        files = measured[: len(order.files)]
        if finding := _find_other(store, order, [(file.name, file.sha256) for file in files]):
            return finding
        origin = _make_origin(order, files, measured[len(files) :], today)
        parts = [Path(piece.part) for piece in pieces[: len(files)]]
        held = admit(store, order.artifact, origin, parts)
        shutil.rmtree(place)
        return held


def find_elsewhere(where: Elsewhere, hub: Hub) -> Finding:
    """A host that nobody named refuses, unless somebody names it now."""
    remedy = (
        f"if {hub.name} means to send its files from there: --host {where.origin}, or, in an "
        "administrator's policy, hosts"
        if where.can_be_named
        else f"ask those who run {hub.name}; no policy can name such an address"
    )
    return _refuse("another host", f"{hub.url} sends to {where.origin}", _WHY_HOSTS, remedy)


def _errand(hub: Hub, reference: Reference, revision: str, token: str) -> Errand:
    return Errand(
        hub.url, hub.origins, reference.repository, reference.dataset, revision, token=token
    )


def _judge(said: dict[str, Node], hub: Hub) -> Finding | Elsewhere:
    """What came instead of an answer. Raises HubError."""
    if "elsewhere" in said:
        return Elsewhere(str(said["elsewhere"]))
    if isinstance(refused := said.get("refused"), dict):
        remedy = f"ask those who run {hub.name}; nothing was kept"
        return _refuse(str(refused["summary"]), str(refused["evidence"]), _WHY_BYTES, remedy)
    error = said.get("error")
    if not isinstance(error, dict):
        raise HubError(f"the process that speaks to the hub says {[*said]}")
    raise HubError(str(error["message"]), hint=str(error["hint"]))


def _find_other(
    store: Path, order: Order, files: Sequence[tuple[str, str | None]]
) -> Finding | None:
    """Other bytes under the same revision: it names its content, so one of the two is false."""
    place = _name_place(_make_source(order), order.folder)
    for held in list_held(store):
        if held.origin is None or _name_place(held.origin.source, held.origin.folder) != place:
            continue
        arrived = {file.name: file.sha256 for file in held.origin.files}
        for name, sha256 in files:
            if arrived.get(name, sha256) != sha256:
                evidence = f"{name}: {sha256}; on {held.origin.arrived} it was {arrived[name]}"
                remedy = f"ask those who run {order.hub.name}; localai store show {held.id}"
                return _refuse("changed under one revision", evidence, _WHY_BYTES, remedy)
    return None


def _piece(place: Path, file: Remote) -> Piece:
    """A part is called by its digest: what a changed file left is never gone on with."""
    return Piece(file.path, file.size, file.digest, str(place / f"{file.digest}.part"))


def _make_room(place: Path, pieces: Sequence[Piece]) -> None:
    """Take away parts of something else, and what has a name in the store already, which nothing
    may write to; then see that there is room. Raises StateError."""
    parts = {Path(piece.part) for piece in pieces}
    with acting(f"clear {place}"):
        for path in place.iterdir():
            if path not in parts or not path.lstat().st_mode & stat.S_IWUSR:
                path.unlink()
        there = sum(path.stat().st_size for path in parts if path.exists())
    check_room(place, sum(piece.size for piece in pieces) - there)


def _measure(pieces: Sequence[Piece]) -> list[ArtifactFile]:
    measured = []
    for piece in pieces:
        opened = open_regular(Path(piece.part))
        try:
            name = piece.path.rpartition("/")[2]
            measured.append(measure_file(opened.fd, name, opened.size))
        finally:
            os.close(opened.fd)
    return measured


def _compare(file: Remote, part: Path, found: ArtifactFile) -> Finding | None:
    digest = found.sha256 if file.sha256 else _identify(part)
    if (found.size, digest) == (file.size, file.digest):
        return None
    listed = f"the hub listed {file.size}, {file.digest}"
    evidence = f"{file.path}: {found.size} bytes, {digest}; {listed}"
    return _refuse("wrong digest", evidence, _WHY_BYTES, "nothing was kept; run the command again")


def _identify(path: Path) -> str:
    """Git's identifier of a file's content. Source: gitformat-pack(5), gitglossary(7), blob."""
    found = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        for piece in iter(partial(file.read, 1 << 20), b""):
            found.update(piece)
    return found.hexdigest()


def _name_place(source: Source, folder: str) -> tuple[str | None, ...]:
    """Where files lie, and nothing that a hub may say otherwise next time."""
    return source.hub, source.repository, source.revision, folder


def _make_source(order: Order) -> Source:
    listing, reference = order.listing, order.reference
    return Source(listing.publisher, reference.place, listing.revision, hub=order.hub.name)


def _make_origin(
    order: Order, files: Sequence[ArtifactFile], card: Sequence[ArtifactFile], today: date
) -> Origin:
    return Origin(
        _make_source(order)._replace(bases=order.listing.bases),
        today,
        tuple(files),
        licence=order.listing.licence,
        gated=order.listing.gated,
        card=card[0].sha256 if card else None,
        folder=order.folder,
    )


def _refuse(summary: str, evidence: str, why: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.FAIL, summary, evidence, why, remedy)
