"""``localai verify``: say whether files are approved and intact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.errors import Exit


def command(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="files to look for in the manifests")
    ],
    json: Annotated[bool, typer.Option("--json", help="print localai.verification/1")] = False,
) -> int:
    """Say whether files are approved and intact.

    Both digests of each file are computed and compared. Exit code 0: all of them are approved
    and intact; 3: at least one is not.
    """
    from localai.cli import trustscreen
    from localai.cli.naming import find_files
    from localai.cli.surroundings import look_around
    from localai.intact import check_file
    from localai.manifest.load import load_manifests

    around = look_around()
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
    if json:
        console.print_json(trustscreen.verification_document(checked))
    else:
        console.out("\n".join(trustscreen.show_checked(one) for one in checked))
    return Exit.REFUSED if any(one.finding.refuses for one in checked) else Exit.DONE
