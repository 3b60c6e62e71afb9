"""``localai manifest audit``: what lies on this host, held against what is approved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from localai.cli import console
from localai.errors import Exit, StateError, UsageError
from localai.terminal import printable, show_path

if TYPE_CHECKING:
    from localai.audit.audit import Audit
    from localai.audit.rules import Rules
    from localai.audit.stores import Folder
    from localai.cli.surroundings import Surroundings


def audit(
    root: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            readable=False,  # then the audit says so, and goes on with the others
            help="a folder to look through; repeatable; the home directory, and what other tools "
            "keep elsewhere, if left out",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print localai.audit/1")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write one page, to read and to print")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write what was found as SARIF 2.1.0")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write a table: RFC 4180, a line a file")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="hash every file, also what an earlier audit hashed")
    ] = False,
) -> int:
    """Hold every model-like file of some folders, other tools' stores included, and the rules
    themselves, against what is approved here. It changes nothing and runs nothing.

    Exit code 0: clean, but for notes (weak spots, duplicates, what runs out soon); 3: findings.
    """
    from localai.cli.manifests import auditscreen
    from localai.cli.surroundings import look_around
    from localai.reports.audit import audit_document

    files = _check_files({"html": html, "sarif": sarif, "csv": csv})
    found = _audit(look_around(), root or [], fresh=fresh)
    if json:
        console.print_json(audit_document(found))
    else:
        console.out(auditscreen.audit(found, console.width()))
    _write(found, files)
    return Exit.DONE if found.clean else Exit.REFUSED


def _audit(around: Surroundings, named: list[Path], *, fresh: bool) -> Audit:
    from localai.audit.audit import Occasion, conclude, to_keep
    from localai.audit.cache import read_cache, write_cache
    from localai.audit.measure import measure
    from localai.audit.stores import find_stores
    from localai.audit.survey import read_listed, survey

    stores = find_stores(around.places.home, Path("/"), around.environ)
    folders = _choose_folders(around, named, stores)
    rules = _read_rules(around)
    known = {} if fresh else read_cache(around.places.state)
    found = survey(folders, _kernel_mounts(), read_listed(rules.manifests), known)
    with console.progress("hashing", found.size) as progress:
        measured = measure(found.tasks, progress)
    kept = to_keep(found, measured, known)
    if kept != known:
        try:
            write_cache(around.places.state, kept, int(around.now.timestamp() * 1e9))
        except StateError as error:
            console.say(f"nothing is kept for the next audit: {printable(error.message)}")
    occasion = Occasion(around.now, around.host_name, folders, stores)
    return conclude(occasion, found, measured, known, rules)


def _choose_folders(
    around: Surroundings, named: list[Path], stores: tuple[Folder, ...]
) -> tuple[Path, ...]:
    """What is named; else the home directory and the stores. Raises UsageError for what is no
    folder."""
    from localai.audit.stores import is_folder

    for folder in named or [around.places.home]:
        if not is_folder(folder):
            raise UsageError(
                f"there is no folder {folder}", hint="name one that exists: --root DIR"
            )
    chosen = named or [around.places.home, *(store.path for store in stores)]
    return tuple(dict.fromkeys(folder.absolute() for folder in chosen))


def _read_rules(around: Surroundings) -> Rules:
    """Everything that decides here what may run; what was seen of it is not remembered."""
    from localai.audit.rules import Rules
    from localai.cli.choosing import all_manifests
    from localai.manifest.floor import read_floors
    from localai.manifest.load import load_revocations, load_trust, verify_files

    places, today = around.places, around.today
    trust = load_trust(places, today)
    seen = read_floors(places.state).revocation
    return Rules(
        trust,
        load_revocations(places, trust, seen),
        verify_files(all_manifests(places), places, today),
        around.read_policy(),
    )


def _kernel_mounts() -> frozenset[Path]:
    """Where the kernel shows itself as files: none of them is anybody's."""
    from localai.audit.walk import KERNEL
    from localai.host.folders import read_mounts

    try:
        mounts = read_mounts(Path("/proc"))
    except OSError:
        return frozenset({Path("/proc"), Path("/sys"), Path("/dev")})
    return frozenset(mount.point for mount in mounts if mount.kind in KERNEL)


def _check_files(given: Mapping[str, Path | None]) -> dict[str, Path]:
    """The files that were asked for. Raises UsageError if one name stands twice."""
    files = {kind: path for kind, path in given.items() if path is not None}
    if len({path.absolute() for path in files.values()}) < len(files):
        raise UsageError("one file cannot hold two reports", hint="give each its own name")
    return files


def _write(found: Audit, files: Mapping[str, Path]) -> None:
    from localai.atomicfile import write_whole

    for kind, path in files.items():
        write_whole(path, _make(kind, found), mode=0o644)
        console.say(f"wrote {show_path(path)}")


def _make(kind: str, found: Audit) -> bytes:
    if kind == "html":
        from localai.reports.audit_page import audit_page

        return audit_page(found)
    if kind == "csv":
        from localai.reports.audit_csv import audit_csv

        return audit_csv(found)
    from localai.reports.audit_sarif import audit_sarif

    return audit_sarif(found)
