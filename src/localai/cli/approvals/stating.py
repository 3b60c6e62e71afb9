"""What a command line says of an artifact, and what is left to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localai.cli import console, inspectscreen
from localai.errors import UsageError
from localai.manifest.draft import Draft, Stated, answer
from localai.manifest.origin import parse_source
from localai.manifest.schema import Kind, Source, Use
from localai.shape import TEXT_LIMIT, is_digest, is_line, is_slug
from localai.store.origin import Origin
from localai.terminal import printable


class Said(NamedTuple):
    """What a command line says of an entry besides its source and licence, as the options have it:
    nothing where nothing was said."""

    entry_id: str = ""
    purposes: Sequence[str] | None = None
    data_classes: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    safeguards: Sequence[str] | None = None
    companions: Sequence[str] | None = None
    note: str | None = None


def state(
    source: str | Source, licence: str, said: Said, *, kind: str = "", name: str = ""
) -> Stated:
    """A command line's words. The narrowest use is meant where none is said, and the kind that the
    file says where that is empty.

    Raises UsageError for a kind that does not exist, and for what no manifest may hold.
    """
    _check(said, licence)
    if kind and kind not in set(Kind):
        raise UsageError(
            f"no such kind: {kind}", hint="model, adapter, projector, draft or dataset"
        )
    return Stated(
        use=Use(
            tuple(said.purposes or ("evaluation",)),
            tuple(said.data_classes or ("public",)),
            tuple(said.groups or ()),
            tuple(said.safeguards or ()),
        ),
        licence=licence.strip(),
        source=read_source_text(source) if isinstance(source, str) else source,
        name=name,
        id=said.entry_id,
        kind=Kind(kind) if kind else None,
        note=said.note,
        companions=tuple(said.companions or ()),
    )


def amend(draft: Draft, source: str, licence: str, said: Said) -> Draft:
    """A draft with what an approver says in the place of what was proposed. Raises UsageError for
    what no manifest may hold."""
    _check(said, licence)
    use = draft.use
    amended = draft._replace(
        id=said.entry_id or draft.id,
        use=Use(
            tuple(said.purposes or use.purposes),
            tuple(said.data_classes or use.data_classes),
            tuple(said.groups or use.groups),
            tuple(said.safeguards or use.safeguards),
        ),
        note=said.note or draft.note,
        companions=tuple(said.companions or draft.companions),
    )
    return answer(amended, licence.strip(), read_source_text(source))


def _check(said: Said, licence: str) -> None:
    """Better now than when everything was hashed."""
    if said.entry_id and not is_slug(said.entry_id):
        raise UsageError(
            f"--id {said.entry_id!r} is no identifier",
            hint="lower-case letters, digits, '.', '_' and '-', 100 at most",
        )
    lists = (said.purposes, said.data_classes, said.groups, said.safeguards, said.companions)
    for text in (*([licence] if licence else []), *(one for some in lists for one in some or ())):
        if not is_line(text):
            raise UsageError(
                f"{text[:60]!r} cannot stand in a manifest",
                hint=f"printable characters on one line, {TEXT_LIMIT} at most",
            )


def read_source_text(text: str) -> Source | None:
    """None if nothing is said. Raises UsageError."""
    return parse_source(text) if text.strip() else None


def read_digests(given: Sequence[str]) -> tuple[str, ...]:
    """SHA-256 digests as people copy them from a hub's page. Raises UsageError."""
    digests = tuple(one.strip().lower() for one in given)
    if wrong := [one for one in digests if not is_digest(one)]:
        raise UsageError(
            f"{wrong[0][:80]!r} is no SHA-256",
            hint="64 hexadecimal digits, as the hub's page shows them",
        )
    return digests


def tell_origin(origin: Origin) -> None:
    """Say what counts where nothing else is said: the word of whoever gave the files."""
    source = origin.source
    licence = origin.licence or "no licence"
    console.say(printable(f"it came from {source.place}, {licence}"))


def ask_source(said: str) -> Source:
    """Ask where an artifact is from; ``said`` is a stranger's word for it. Raises UsageError."""
    question = "where is it from (publisher/repository)"
    answer = console.ask(question, printable(inspectscreen.cut(said)), option="--source")
    if source := read_source_text(answer):
        return source
    raise _nothing_said()


def ask_licence(said: str) -> str:
    """Ask for the licence, in the same way."""
    question = "under which licence (SPDX)"
    answer = console.ask(question, printable(inspectscreen.cut(said)), option="--licence")
    if licence := answer.strip():
        return licence
    raise _nothing_said()


def _nothing_said() -> UsageError:
    return UsageError("an entry needs a source and a licence", hint="--source TEXT --licence TEXT")
