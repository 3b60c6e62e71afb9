"""``localai manifest diff`` and ``status``: what changed, who is missing, what runs out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.cli.arguments import Manifests
from localai.errors import DocumentError, Exit

if TYPE_CHECKING:
    from localai.cli.manifests.changescreen import Stand, Version
    from localai.cli.surroundings import Surroundings
    from localai.manifest.trust import Role, Root
    from localai.manifest.verify import LoadedManifest
    from localai.policy import Waiver


def diff(
    old: Annotated[str, typer.Argument(help="a manifest's name or file: the older one")],
    new: Annotated[str, typer.Argument(help="the newer one")],
    json: Annotated[bool, typer.Option("--json", help="print localai.manifest-diff/1")] = False,
) -> int:
    """Say what changed between two manifests, and what follows: what is allowed now, what no
    longer, what is weaker, what stronger. Their signatures are not looked at."""
    from localai.cli.manifests import changescreen
    from localai.cli.surroundings import look_around
    from localai.manifest.diff import compare

    around = look_around()
    before, after = _read(around, old), _read(around, new)
    changes = compare(before.manifest, after.manifest)
    if json:
        console.print_json(changescreen.changes_document(before, after, changes))
    else:
        console.out(changescreen.show_changes(before, after, changes, console.width()))
    return Exit.DONE


def status(
    manifests: Manifests = None,
    json: Annotated[bool, typer.Option("--json", help="print localai.manifest-status/1")] = False,
) -> int:
    """Say who signed, who is missing, and what runs out within 90 days.

    Exit code 0: all manifests are in force; 3: at least one is not.
    """
    from localai.cli.choosing import list_manifests
    from localai.cli.manifests import changescreen
    from localai.cli.surroundings import look_around
    from localai.findings import refused
    from localai.manifest.load import find_roles, load_trust, verify_files
    from localai.manifest.standing import find_endings

    around = look_around()
    paths = list_manifests(around.places, manifests or [])
    trust = load_trust(around.places, around.today)
    roles = find_roles(around.places, trust)
    found = verify_files(paths, around.places, around.today)
    stands = [_stand(one, roles) for one in found]
    read = [one.path for one in found if one.sha256]
    ends = _ends(read, trust.root, around.read_policy().policy.waivers)
    endings = find_endings(ends, around.today)
    if json:
        console.print_json(changescreen.status_document(stands, endings))
    else:
        console.out(changescreen.show_status(stands, endings, console.width()))
    return Exit.REFUSED if any(refused(one.verification.findings) for one in stands) else Exit.DONE


def _read(around: Surroundings, given: str) -> Version:
    from localai.cli.choosing import choose_manifest
    from localai.cli.manifests.changescreen import Version
    from localai.manifest.load import read_manifest

    raw, manifest = read_manifest(choose_manifest(around.places, given))
    return Version(manifest, sha256(raw).hexdigest())


def _stand(loaded: LoadedManifest, roles: Sequence[Role]) -> Stand:
    from localai.cli.manifests.changescreen import Stand
    from localai.manifest import envelope, schema
    from localai.manifest.standing import find_nearest
    from localai.smallfile import read_small

    path, verification = loaded
    if not roles or not verification.sha256:
        return Stand(path, verification, None)
    raw = read_small(path, limit=schema.LIMIT) or b""
    signatures = read_small(envelope.envelope_beside(path), limit=envelope.LIMIT)
    return Stand(path, verification, find_nearest(raw, signatures, roles))


def _ends(
    paths: Sequence[Path], root: Root | None, waivers: Sequence[Waiver]
) -> Iterator[tuple[str, date]]:
    """Everything that runs out. A manifest that cannot be read has no end; its finding says so."""
    from localai.manifest.load import read_manifest
    from localai.manifest.standing import ends_of

    if root is not None:
        yield "root of trust", root.expires
        if root.lane:
            yield "lane", root.lane.frame.until
    for path in paths:
        try:
            yield from ends_of(read_manifest(path)[1])
        except DocumentError:
            continue
    for waiver in waivers:
        yield f"waiver of {waiver.check}, approved by {waiver.approver}", waiver.until
