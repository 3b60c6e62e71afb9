"""``localai trust``: make, show and replace the root of trust, and revoke."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.cli.arguments import (
    KeyName,
    KeyOfSignature,
    PrintPayload,
    Reason,
    SignatureFile,
    SignerName,
)
from localai.cli.roots.following import show, update, verify
from localai.cli.roots.lane import lane
from localai.errors import Exit
from localai.terminal import show_path

if TYPE_CHECKING:
    from localai.cli.roots.rotating import Draft
    from localai.cli.roots.signers import Signer
    from localai.cli.surroundings import Surroundings

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make, show and replace the root of trust: whose keys may sign manifests, how many must, "
    "and who may revoke.",
)

Roles = Annotated[
    list[str] | None, typer.Option("--role", help="root, manifest, revocation or lane; repeatable")
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option("--threshold", help="how many keys of a role must sign: manifest=2; repeatable"),
]
Days = Annotated[int, typer.Option(min=1, max=3650, help="how long the next root is to hold")]
Next = Annotated[
    Path | None, typer.Argument(help="a copy of the next root; this host's own if left out")
]
OfRevocation = Annotated[
    bool, typer.Option("--revocation", help="the list of what is revoked instead")
]


@app.command()
def init(
    file: Annotated[
        Path | None, typer.Argument(help="a root.json to pin, with root.dsse.json beside it")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="refuse FILE unless it has this fingerprint")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="without FILE: your own key, by name or path")
    ] = None,
    signer: Annotated[
        list[Path] | None, typer.Option(help="without FILE: somebody else's public key; repeatable")
    ] = None,
    threshold: Annotated[
        int, typer.Option(help="without FILE: how many keys must sign a manifest")
    ] = 1,
) -> int:
    """Pin a root of trust that somebody gave you, or make one of your own and pin that.

    Compare the fingerprint that is printed with the one that your security officer tells you.
    """
    from localai.cli.roots.pinning import found, pin_given
    from localai.cli.surroundings import look_around

    around = look_around()
    if file is None:
        made = found(around, key, signer or [], threshold)
    else:
        made = pin_given(around, file, fingerprint)
    console.say(f"pinned: {show_path(around.places.root)}")
    console.out(made)
    return Exit.DONE


app.command()(show)


@app.command("add-key")
def add_key(
    file: Annotated[Path, typer.Argument(help="a public key")],
    role: Roles = None,
    name: SignerName = None,
    threshold: Thresholds = None,
    days: Days = 3650,
) -> int:
    """Draft the next root of trust with a key more. It counts once enough root keys signed it."""
    from localai.cli.roots.rotating import draft_next, read_key, read_roles, read_thresholds
    from localai.cli.surroundings import look_around
    from localai.manifest.rotation import Change

    key = read_key(file, name)
    added = tuple((one, key) for one in read_roles(role))
    change = Change(added, thresholds=read_thresholds(threshold))
    return _show_draft(draft_next(look_around(), change, days))


@app.command("remove-key")
def remove_key(
    key: Annotated[str, typer.Argument(help="its name or fingerprint")],
    role: Roles = None,
    threshold: Thresholds = None,
    days: Days = 3650,
) -> int:
    """Draft the next root of trust without a key: in the roles named, or in all."""
    from localai.cli.roots.rotating import draft_next, find_roles, read_roles, read_thresholds
    from localai.cli.surroundings import look_around
    from localai.manifest.rotation import Change

    around = look_around()
    roles = read_roles(role) if role else find_roles(around, key)
    removed = tuple((one, key) for one in roles)
    change = Change(removed=removed, thresholds=read_thresholds(threshold))
    return _show_draft(draft_next(around, change, days))


@app.command()
def rotate(
    old: Annotated[
        str | None, typer.Argument(help="a key to replace, by name or fingerprint")
    ] = None,
    new: Annotated[Path | None, typer.Argument(help="the public key that takes its place")] = None,
    role: Roles = None,
    name: SignerName = None,
    threshold: Thresholds = None,
    days: Days = 3650,
) -> int:
    """Draft the next root of trust: a key replaced, other thresholds, or only later dates.

    Whatever the replaced key alone had signed does not count any more once the next root is in
    force, and versions that it signed do not hold back the new keys.
    """
    from localai.cli.roots.rotating import draft_next, plan_rotation, read_thresholds
    from localai.cli.surroundings import look_around

    around = look_around()
    change = plan_rotation(around, old, new, role, name)
    change = change._replace(thresholds=read_thresholds(threshold))
    return _show_draft(draft_next(around, change, days))


@app.command()
def sign(
    file: Next = None,
    key: KeyName = None,
    revocation: OfRevocation = False,
    print_payload: PrintPayload = False,
) -> int:
    """Sign the next root of trust. It must be signed by the threshold of the root before and by
    its own; this host's own comes into force with the last signature that it needs."""
    from localai.cli.roots.revoking import ask_list
    from localai.cli.roots.rotating import ask_next
    from localai.cli.roots.signers import sign_here
    from localai.cli.surroundings import look_around

    around = look_around()
    if print_payload:
        console.out_bytes(ask_list(around) if revocation else ask_next(around, file))
        return Exit.DONE
    return _sign(around, file, sign_here(around, key), revocation=revocation)


@app.command("attach-signature")
def attach_signature(
    signature: SignatureFile,
    file: Next = None,
    key: KeyOfSignature = None,
    revocation: OfRevocation = False,
) -> int:
    """Add a signature that a card, a module or another tool made over the payload."""
    from localai.cli.roots.signers import take_from
    from localai.cli.surroundings import look_around

    return _sign(look_around(), file, take_from(signature, key), revocation=revocation)


app.command()(update)
app.command()(verify)


@app.command()
def revoke(
    reason: Reason,
    sha256: Annotated[str | None, typer.Option(help="a file, by its SHA-256")] = None,
    tree_sha256: Annotated[
        str | None, typer.Option(help="a file, by its tree digest; a start may go by that alone")
    ] = None,
    entry: Annotated[str | None, typer.Option(help="an entry, by its identifier")] = None,
    revoked_key: Annotated[
        str | None,
        typer.Option("--signer", help="a signer of manifests, by name or fingerprint"),
    ] = None,
    key: KeyName = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="only write the list, to be signed elsewhere")
    ] = False,
) -> int:
    """Revoke a file, an entry or a signer's key, whatever manifests say, and sign that.

    The list lies beside the root of trust, as revocation.yaml with revocation.dsse.json: copy
    both to every host. To take something back, edit it, raise its version, and sign it again.
    """
    from localai.cli.roots import revoking, rootscreen
    from localai.cli.roots.signers import sign_here
    from localai.cli.surroundings import look_around

    around = look_around()
    named = [revoking.name_revoked(around, sha256, tree_sha256, entry, revoked_key)]
    signer = None if unsigned else sign_here(around, key)
    console.out(rootscreen.show_revocations(*revoking.revoke(around, named, reason, signer)))
    return Exit.DONE


app.command()(lane)


def _sign(around: Surroundings, file: Path | None, signer: Signer, *, revocation: bool) -> int:
    from localai.cli.roots import revoking, rootscreen
    from localai.cli.roots.rotating import sign_next

    if revocation:
        console.out(rootscreen.show_revocations(*revoking.sign_list(around, signer)))
        return Exit.DONE
    draft = sign_next(around, file, signer)
    console.out(rootscreen.show_draft(draft))
    if draft.in_force:
        console.say(f"for other hosts: localai trust update {show_path(draft.path.parent)}")
    return Exit.DONE


def _show_draft(draft: Draft) -> int:
    from localai.cli.roots.rootscreen import show_draft

    console.out(show_draft(draft))
    console.say("next: localai trust sign, by each who is missing")
    return Exit.DONE
