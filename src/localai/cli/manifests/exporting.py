"""``localai manifest export``: the approved-systems list, to publish or for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.cli.arguments import Manifests
from localai.errors import Exit, UsageError
from localai.terminal import show_path

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.manifest.verify import LoadedManifest
    from localai.reports.approved import ApprovedList, Listed


def export(
    manifests: Manifests = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write a table: RFC 4180, a line a file")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write one page, to publish and to print")
    ] = None,
    cyclonedx: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write a bill of materials: CycloneDX 1.6, JSON"),
    ] = None,
    dsse: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write one manifest with its signatures, as DSSE"),
    ] = None,
    oms: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="sign one entry's files as OpenSSF Model Signing does"),
    ] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="ID", help="with --oms: which; the only one if left out")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="with --oms: a key's name or file; your only one if left out"),
    ] = None,
) -> int:
    """Write what is approved today, from manifests that are in force.

    Exit code 3: a manifest is not in force, and nothing was written.
    """
    from localai.atomicfile import write_whole
    from localai.cli.surroundings import look_around

    given = {"csv": csv, "html": html, "cyclonedx": cyclonedx, "dsse": dsse, "oms": oms}
    files = _check_files(given)
    if (entry or key) and oms is None:
        raise UsageError("--entry and --key go with --oms", hint="--oms FILE")
    around = look_around()
    found = _find_in_force(around, manifests or [])
    if found is None:
        return Exit.REFUSED
    if dsse is not None and len(found) > 1:
        raise UsageError("an envelope holds one manifest", hint="name the one that you mean")
    approved = _list(around, found)
    made = {kind: _make(kind, approved, around) for kind in files if kind != "oms"}
    if oms is not None:
        made["oms"] = _sign_files(approved, entry, key, around)
    for kind, path in files.items():
        write_whole(path, made[kind], mode=0o644)
        console.say(
            f"wrote {show_path(path)}: {1 if kind == 'oms' else len(approved.listed)} approved"
        )
    return Exit.DONE


def _find_in_force(around: Surroundings, named: Sequence[str]) -> tuple[LoadedManifest, ...] | None:
    """The manifests; None if one of them is not in force, and then what is wrong was said."""
    from localai.cli.choosing import list_manifests
    from localai.cli.manifests.manifestscreen import show_verification
    from localai.findings import refused
    from localai.manifest.load import verify_files

    found = verify_files(list_manifests(around.places, named), around.places, around.today)
    idle = [one for one in found if refused(one.findings)]
    for one in idle:
        console.say(show_verification(one.path, one.verification, console.width()))
    if idle:
        console.say("nothing was written: what is not in force approves nothing")
    return None if idle else found


def _list(around: Surroundings, found: Sequence[LoadedManifest]) -> ApprovedList:
    from localai.reports.approved import list_approved
    from localai.terminal import printable

    policy = around.read_policy().policy
    approved = list_approved(found, around.now, self_approval=policy.self_approval)
    for left_out in approved.left_out:
        console.say(printable(f"left out: {left_out.entry}, {left_out.why}"))
    return approved


def _check_files(given: Mapping[str, Path | None]) -> dict[str, Path]:
    """The files that were asked for. Raises UsageError if there is none, or one name twice."""
    files = {kind: path for kind, path in given.items() if path is not None}
    if not files:
        raise UsageError(
            "nothing to write",
            hint="--csv FILE, --html FILE, --cyclonedx FILE, --dsse FILE or --oms FILE",
        )
    if len({path.absolute() for path in files.values()}) < len(files):
        raise UsageError("one file cannot hold two reports", hint="give each its own name")
    return files


def _make(kind: str, approved: ApprovedList, around: Surroundings) -> bytes:
    if kind == "dsse":
        from localai.cli.manifests.byhand import write_dsse

        return write_dsse(approved.manifests[0].path, around)
    if kind == "csv":
        from localai.reports.approved_csv import approved_csv

        return approved_csv(approved)
    if kind == "html":
        from localai.reports.approved_page import approved_page

        return approved_page(approved)
    from localai.reports.approved_cyclonedx import approved_cyclonedx

    return approved_cyclonedx(approved)


def _sign_files(
    approved: ApprovedList, entry_id: str | None, key: str | None, around: Surroundings
) -> bytes:
    """A bundle of OpenSSF Model Signing over the files of one approved entry, by a key that signed
    the manifest: whoever has not approved the files does not vouch for them elsewhere."""
    from localai.cli.choosing import choose_key
    from localai.cli.manifests.byhand import prove_all
    from localai.manifest.load import read_manifest
    from localai.manifest.omsbundle import WHOLE, write_bundle

    listed = _choose(approved, entry_id)
    files = [(file.name, file.sha256) for file in listed.entry.files]
    private = choose_key(around.places, key)
    path = listed.manifest.path
    signers = [signer.public for signer, _ in prove_all(path, read_manifest(path)[0], around)[1]]
    if private.public not in signers:
        raise UsageError(
            f"this key did not sign {listed.manifest.name}: it does not vouch for its files",
            hint="--key NAME of one that did; localai manifest verify says which did",
        )
    if len(files) > 1:
        return write_bundle(listed.entry.id, files, private)
    ((name, digest),) = files
    return write_bundle(name, [(WHOLE, digest)], private)


def _choose(approved: ApprovedList, entry_id: str | None) -> Listed:
    """The entry that is meant. Raises UsageError if it is not approved, or not clear."""
    found = [one for one in approved.listed if entry_id in (None, one.entry.id)]
    if len(found) == 1:
        return found[0]
    if not found:
        what = f"no entry {entry_id} is approved today" if entry_id else "nothing is approved today"
        raise UsageError(what, hint="localai manifest show")
    several = ", ".join(f"{one.entry.id} in {one.manifest.name}" for one in found)
    raise UsageError(f"there are several: {several}", hint="name the manifest, and --entry ID")
