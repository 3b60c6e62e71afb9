"""The next version of a manifest, and what it changes: ``localai manifest renew``, ``remove``,
``revoke``, and what puts entries in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.cli.arguments import ApprovedBy, InManifest, Reason, ReviewDays, Ticket
from localai.errors import Exit, UsageError
from localai.terminal import show_path

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.gguf.facts import GgufFile
    from localai.manifest.draft import Draft
    from localai.manifest.schema import Entry, Manifest

Id = Annotated[str, typer.Argument(metavar="ENTRY", help="an entry's identifier")]


def renew(
    entry: Id,
    manifest: InManifest = None,
    by: ApprovedBy = None,
    ticket: Ticket = None,
    review_days: ReviewDays = 365,
) -> int:
    """Approve an entry again, from today on. Look at it first: localai manifest review ENTRY."""
    from localai.cli.surroundings import look_around

    return renew_seen(look_around(), entry, manifest, by, ticket, review_days)


def renew_seen(
    around: Surroundings,
    entry: str,
    manifest: str | None,
    by: str | None,
    ticket: str | None,
    review_days: int,
    seen: Entry | None = None,
) -> int:
    """The same for whoever ``seen`` was shown to: raises UsageError if it is another one by now."""
    from localai.manifest.draft import approve_again, draft_of
    from localai.manifest.freshness import check_clock
    from localai.manifest.schema import parse_manifest
    from localai.manifest.write import replace_entries

    approver = by or around.account_name()

    def again(raw: bytes, found: Entry) -> bytes:
        if seen not in (None, found):
            raise UsageError(
                f"{found.id} was changed after it was shown; nothing was written",
                hint=f"localai manifest review {found.id}",
            )
        check_clock(parse_manifest(raw), around.today)
        tell_obstacles(around, draft_of(found))
        renewed = approve_again(
            found, approver, around.today, review_days, ticket=ticket, alone=by is None
        )
        return replace_entries(raw, [renewed])

    return _revise(around, manifest, entry, again)


def tell_obstacles(around: Surroundings, draft: Draft, headers: Sequence[GgufFile] = ()) -> None:
    """Say what this host's rules refuse of it: an officer may write for hosts with others."""
    from localai.cli import screen
    from localai.cli.manifests.editing import find_obstacles

    if denied := find_obstacles(around, draft, headers):
        console.say("under this host's policy no start would be allowed:")
        console.say(screen.answers(denied, console.width()))


def enter(
    around: Surroundings, manifest: str | None, entry: Entry, *, in_place_of: bool = False
) -> int:
    """Put an entry into a manifest. One with its identifier and other files stays and the entry
    gets another identifier, unless it is meant to be ``in_place_of`` that one."""
    from localai.approval import fit_into
    from localai.manifest.freshness import check_clock
    from localai.manifest.write import add_entry

    def put(raw: bytes, listed: Manifest) -> bytes:
        check_clock(listed, around.today)
        return add_entry(raw, entry if in_place_of else fit_into(listed, entry))

    return write_next(around, manifest, put)


def remove(entry: Id, manifest: InManifest = None) -> int:
    """Take an entry out of a manifest, so that what it lists is approved no longer.

    A host that has only the version before goes on until that runs out.
    """
    from localai.cli.surroundings import look_around
    from localai.manifest.write import remove_entry

    return _revise(look_around(), manifest, entry, lambda raw, found: remove_entry(raw, found.id))


def revoke(
    entry: Id,
    reason: Reason,
    manifest: InManifest = None,
    key: Annotated[
        str | None, typer.Option(help="a key of the role revocation; your only one if left out")
    ] = None,
) -> int:
    """Take an entry out of a manifest, and put its files on the signed list of what is revoked.

    Copy that list to every host: there it denies them whatever version of a manifest they have,
    and under whatever identifier.
    """
    from localai.cli.choosing import choose_manifest
    from localai.cli.roots import revoking, rootscreen
    from localai.cli.roots.signers import sign_here
    from localai.cli.surroundings import look_around
    from localai.manifest.load import read_manifest
    from localai.manifest.revocation import names_of_files
    from localai.manifest.write import remove_entry

    around = look_around()
    found = find_entry(read_manifest(choose_manifest(around.places, manifest))[1], entry)
    listed = {(one.kind, one.value): one.on for one in revoking.load_here(around).revoked}
    named = names_of_files(found)
    if all(one in listed for one in named):
        console.say(f"revoked already, on {max(listed[one] for one in named)}")
    else:
        signer = sign_here(around, key)  # it may ask, and nobody waits for an answer
        console.out(rootscreen.show_revocations(*revoking.revoke(around, named, reason, signer)))
    return _revise(around, manifest, entry, lambda raw, listed: remove_entry(raw, listed.id))


def _revise(
    around: Surroundings,
    given: str | None,
    entry_id: str,
    change: Callable[[bytes, Entry], bytes],
) -> int:
    """The next version of a manifest with one of its entries changed. Raises UsageError if there
    is no such entry."""

    def change_it(raw: bytes, manifest: Manifest) -> bytes:
        return change(raw, find_entry(manifest, entry_id))

    return write_next(around, given, change_it)


def write_next(
    around: Surroundings, given: str | None, change: Callable[[bytes, Manifest], bytes]
) -> int:
    """Write the next version of a manifest, and show what it changes and what is to be done.

    The signatures that the manifest had no longer hold. Raises DocumentError if the manifest is
    malformed or would become so.
    """
    from localai.atomicfile import write_whole
    from localai.cli.choosing import choose_manifest
    from localai.cli.manifests import changescreen
    from localai.manifest.change import changing
    from localai.manifest.diff import compare
    from localai.manifest.load import read_manifest
    from localai.manifest.schema import parse_manifest

    path = choose_manifest(around.places, given)
    with changing(path.parent):
        raw, manifest = read_manifest(path)
        changed = change(raw, manifest)
        write_whole(path, changed, mode=0o644)
    old, new = (
        changescreen.Version(parse_manifest(one), sha256(one).hexdigest()) for one in (raw, changed)
    )
    changes = compare(old.manifest, new.manifest)
    console.out(changescreen.show_changes(old, new, changes, console.width()))
    console.say(f"written: {show_path(path)}, which approves nothing until enough have signed")
    console.say("next: localai manifest sign; localai manifest status says who is missing")
    return Exit.DONE


def find_entry(manifest: Manifest, entry_id: str) -> Entry:
    """The entry of this identifier. Raises UsageError, with the nearest one, if there is none."""
    known = {entry.id: entry for entry in manifest.entries}
    if entry_id in known:
        return known[entry_id]
    near = get_close_matches(entry_id, known, n=1)
    raise UsageError(
        f"there is no entry {entry_id!r} in {manifest.name}",
        hint=f"did you mean {near[0]}?" if near else f"localai manifest show {manifest.name}",
    )
