"""``localai verify``: say whether files are approved and intact, and who signed them before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.errors import Exit, UsageError

if TYPE_CHECKING:
    from localai.cli.surroundings import Surroundings
    from localai.intact import Checked


def command(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="files to look for in the manifests")
    ],
    json: Annotated[bool, typer.Option("--json", help="print localai.verification/1")] = False,
    oms: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="a bundle of OpenSSF Model Signing about the files"),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="with --oms: the public key of who signed the bundle"),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="with --oms: write it into the entry of the files")
    ] = False,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="with --keep: which manifest; the only one if left out"),
    ] = None,
) -> int:
    """Say whether files are approved and intact.

    Both digests of each file are computed and compared. Exit code 0: all of them are approved
    and intact; 3: at least one is not. With --oms also: whether the owner of the key signed them.
    That says where they are from, and approves nothing.
    """
    from localai.cli.manifests import manifestscreen, provenance
    from localai.cli.surroundings import look_around

    _check_options(oms, key, keep=keep, json=json, manifest=manifest)
    around = look_around()
    bundle = provenance.read_bundle(oms, key) if oms and key else None
    checked = _check(files, around)
    if json:
        console.print_json(manifestscreen.verification_document(checked, bundle))
    else:
        console.out("\n".join(manifestscreen.show_checked(one, bundle) for one in checked))
    if bundle and keep:
        return provenance.keep(around, manifest, bundle, checked)
    findings = [one.finding for one in checked]
    findings += [bundle.judge(one) for one in checked] if bundle else []
    return Exit.REFUSED if any(finding.refuses for finding in findings) else Exit.DONE


def _check_options(
    oms: Path | None, key: Path | None, *, keep: bool, json: bool, manifest: str | None
) -> None:
    """Raises UsageError for options that say nothing without each other, or do not go together."""
    if (oms is None) is not (key is None):
        raise UsageError("--oms and --key go together", hint="--oms model.sig --key signer.pub")
    if keep and oms is None:
        raise UsageError("--keep has nothing to keep", hint="--oms FILE --key FILE --keep")
    if manifest and not keep:
        raise UsageError("--manifest goes with --keep", hint="verify looks into every manifest")
    if keep and json:
        raise UsageError("--json and --keep print two things", hint="run the command twice")


def _check(files: list[Path], around: Surroundings) -> list[Checked]:
    from localai.cli.stores.naming import find_files
    from localai.intact import check_file
    from localai.manifest.load import load_manifests

    manifests = load_manifests(around.places, around.today)
    policy = around.read_policy().policy
    checked = []
    for path in (path for given in files for path in find_files(given)):
        with console.progress(path.name, console.size_of(path)) as progress:
            checked.append(
                check_file(
                    path,
                    manifests,
                    around.today,
                    self_approval=policy.self_approval,
                    progress=progress,
                )
            )
    return checked
