"""Any file but a GGUF model: its facts and its findings, those of a dataset in several files as
one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from localai.artifact import open_parts
from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.datasets.parts import name_parts
from localai.formats.finding import DATASET
from localai.formats.format import DATASETS, Format, Kind
from localai.formats.inspect import inspect
from localai.formats.recognise import recognise, recognise_dataset
from localai.inspection.model import list_files
from localai.inspection.types import Inspection
from localai.sealing import OpenFile

_NO_DATA = Finding(
    DATASET,
    Verdict.FAIL,
    "not data",
    "",
    "every file of a dataset is read to its end, as data",
    "look for the file that belongs there at the publisher",
)
_SHOWN_FILES = 8  # of those of which the same is to be said
_SUMS = frozenset({"lines", "rows", "row groups"})


def open_files(path: Path) -> list[OpenFile]:
    """Open ``path`` and all other files of the split model or the dataset that it begins.

    Raises DocumentError as :func:`localai.artifact.open_parts` does.
    """
    parts = name_parts(path, os.path.lexists)
    return open_parts(path, parts if len(parts) > 1 else ())


def is_dataset(files: Sequence[OpenFile]) -> bool:
    """True if the first file is data. Raises DocumentError if it cannot be read."""
    first = files[0]
    return recognise_dataset(first.fd, first.size, first.path.name) is not None


def inspect_data(path: Path, files: Sequence[OpenFile]) -> Inspection:
    """What there is to say about ``files``, first part first. Nothing is hashed here."""
    kinds = [recognise(file.fd, file.size, file.path.name) for file in files]
    look = inspect if len(files) == 1 else _inspect_part
    found = [look(file.fd, file.size, kind) for file, kind in zip(files, kinds, strict=True)]
    names = ", ".join(dict.fromkeys(kind.name for kind in kinds))
    whole = found[0] if len(files) == 1 else _join(files, found)
    return Inspection(str(path), names, list_files(files), *whole)


def _inspect_part(fd: int, size: int, kind: Format) -> Contents:
    """The same for one of several, which are approved as data because the first is."""
    if kind.kind in (*DATASETS, Kind.REFUSED):
        return inspect(fd, size, kind)
    return Contents((), (_NO_DATA._replace(evidence=kind.name),))


def _join(files: Sequence[OpenFile], found: Sequence[Contents]) -> Contents:
    facts: dict[str, list[Fact]] = {}
    for fact in (fact for one in found for fact in one.facts):
        facts.setdefault(fact.name, []).append(fact)
    said: dict[Finding, list[str]] = {}
    for file, one in zip(files, found, strict=True):
        for finding in one.findings:
            where = f"{file.path.name}: {finding.evidence}"
            said.setdefault(finding._replace(evidence=""), []).append(where)
    findings = (one._replace(evidence=_join_evidence(where)) for one, where in said.items())
    return Contents(tuple(_join_facts(facts)), tuple(findings))


def _join_evidence(said: Sequence[str]) -> str:
    more = len(said) - _SHOWN_FILES
    return "; ".join((*said[:_SHOWN_FILES], *([f"and in {more} more files"] if more > 0 else [])))


def _join_facts(facts: dict[str, list[Fact]]) -> Iterator[Fact]:
    for name, said in facts.items():
        if name in _SUMS:
            yield Fact(name, sum(fact.value for fact in said if isinstance(fact.value, int)))
        else:
            yield Fact(name, tuple(dict.fromkeys(fact.text for fact in said)))
