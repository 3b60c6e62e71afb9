"""What ``localai bundle`` does, and what it says meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from localai.bundle.contents import Contents, Index
from localai.bundle.gathering import gather
from localai.bundle.judging import CHECK, judge, judge_flaw
from localai.bundle.reading import Take, look_at, read_files, read_head
from localai.bundle.source import STDIN, Source, opening
from localai.bundle.taking import check_missing, find_new, receiving, take, take_in
from localai.bundle.writing import write_bundle
from localai.cli import console
from localai.cli.stores.naming import name_of, step_command, use_command
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, Exit, UsageError
from localai.findings import Finding, Verdict, refused
from localai.hardware import show_bytes
from localai.manifest.schema import Kind
from localai.store.held import Held, find_held, list_named
from localai.store.state import State
from localai.terminal import printable, show_path

_APART = "no manifest here lists it: the host that it goes to needs one that does"


class Inspected(NamedTuple):
    """What a bundle holds, None if it is none, and every finding about it on this host."""

    contents: Contents | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> Exit:
        return Exit.REFUSED if refused(self.findings) else Exit.DONE


def create(around: Surroundings, names: Sequence[str], out: Path) -> Exit:
    """Write a bundle with artifacts of the store."""
    if out == STDIN:
        hint = f"localai bundle create {' '.join(map(quote, names))} FILE"
        raise UsageError("a bundle is written to a file, not to stdout", hint=hint)
    found = [_find(around, name) for name in dict.fromkeys(names)]
    gathered = gather(found, around.places, around.today)
    size = sum(one.size for one in gathered.contents.files)
    try:
        with console.progress(show_path(out), size) as progress:
            written = write_bundle(out, gathered.contents, gathered.paths, progress)
    except DocumentError as error:
        why = "what is carried is what arrived"
        remedy = f"localai store verify {' '.join(map(quote, names))}"
        finding = Finding("store", Verdict.FAIL, "not as it arrived", error.message, why, remedy)
        console.print_findings([finding])
        return Exit.REFUSED
    for name in gathered.unlisted:
        console.say(printable(f"{name}: {_APART}"))
    manifests = len(gathered.contents.manifests)
    what = f"{show_bytes(written)}, {_count(len(found), 'artifact')}, "
    console.say(f"wrote {show_path(out)}: {what}{_count(manifests, 'manifest')}")
    return Exit.DONE


def inspect(around: Surroundings, file: Path) -> Inspected:
    """Read all of a bundle, and judge it as an import would."""
    contents, findings, policy = None, tuple[Finding, ...](), around.read_policy().policy
    with opening(file) as source:
        try:
            index, contents = read_head(source)
            judged = judge(
                contents, around.places, around.today, self_approval=policy.self_approval
            )
            findings = judged.findings
            return Inspected(contents, (*findings, _read(source, index, look_at, file)))
        except DocumentError as error:
            return Inspected(contents, (*findings, judge_flaw(error)))


def import_(around: Surroundings, file: Path) -> Exit:
    """Take a bundle in, if it counts here, and once all of it is right."""
    places, today, policy = around.places, around.today, around.read_policy().policy
    with opening(file) as source:
        try:
            index, contents = read_head(source)
            judged = judge(contents, places, today, self_approval=policy.self_approval)
            if refused(judged.findings):
                return _refuse(judged.findings)
            new = find_new(places.store, contents.artifacts)
            files = {one.sha256: one for artifact in new for one in artifact.origin.files}
            with receiving(places.store, index) as directory:
                check_missing(directory, files.values())
                whole = _read(source, index, partial(take, directory, files), file)
                judged = take_in(
                    places, today, contents, directory, new, self_approval=policy.self_approval
                )
        except DocumentError as error:
            return _refuse([judge_flaw(error)])
    if refused(judged.findings):
        return _refuse(judged.findings)
    console.print_findings([*judged.findings, whole])
    for one, kind in zip(contents.artifacts, judged.kinds, strict=True):
        _show_imported(find_held(places.store, one.id), kind, brought=one in new)
    return Exit.DONE


def _find(around: Surroundings, name: str) -> Held:
    """The artifact of this name in this account's store, or in the host's."""
    found = (one for store in around.places.stores for one in list_named(store, name))
    return next(found, None) or find_held(around.places.store, name)


def _read(source: Source, index: Index, take: Take, file: Path) -> Finding:
    size = sum(one.size for one in index.files)
    with console.progress(show_path(file), size) as progress:
        read_files(source, index.files, take, progress)
    evidence = f"{_count(len(index.files), 'file')}, {show_bytes(size)}, hashed"
    return Finding(CHECK, Verdict.PASS, "whole", evidence)


def _refuse(findings: Sequence[Finding]) -> Exit:
    console.print_findings([one for one in findings if one.refuses])
    console.say("not imported")
    return Exit.REFUSED


def _show_imported(held: Held, kind: Kind | None, *, brought: bool) -> None:
    """What is here already stays in its state: somebody may have taken it back."""
    if brought:
        console.say(f"imported: {held.id}")
        console.out(use_command(name_of(held), kind))
    elif held.state is State.APPROVED:
        console.say(printable(f"here already: {held.id}; localai store show {quote(held.id)}"))
    else:
        console.say(f"here already: {held.id}, and not approved: {held.state}")
        console.out(printable(step_command(held, "promote")))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
