"""Facts and findings about a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Contents, Fact
from localai.formats.datasets.parquet.cells import Cells
from localai.formats.datasets.parquet.effort import BOMB, Effort
from localai.formats.datasets.parquet.footer import CODECS, ParquetFile, read_parquet
from localai.formats.datasets.parquet.schema import Role
from localai.formats.datasets.parquet.search import UNREAD
from localai.formats.datasets.parquet.thrift import MAX_VALUES, TooMuchError
from localai.formats.finding import DATASET, note, unsound
from localai.formats.format import AGAIN
from localai.terminal import printable

SHOWN_COLUMNS = 16
_SHOWN_CELLS = 4  # columns that one finding names
_AS_TEXT = "export it as JSONL or CSV, and look at that"
_WITHOUT = "write the file without them, or have somebody look at what they are"


def inspect_parquet(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of Parquet behind ``fd``."""
    try:
        file = read_parquet(fd, size)
    except DocumentError as error:
        return Contents((), (unsound(DATASET, "Parquet", error),))
    except TooMuchError:
        evidence = f"a footer of more than {MAX_VALUES} values"
        return Contents((), (_not_checked("too much to look at", evidence),))
    return Contents(_tell(file), (*_look(fd, size, file), *_judge(file)))


def _tell(file: ParquetFile) -> tuple[Fact, ...]:
    columns = ", ".join(printable(column[:80]) for column in file.columns[:SHOWN_COLUMNS])
    keys = tuple(printable(key[:80]) for key in file.metadata[:SHOWN_COLUMNS])
    used = sorted({chunk.codec for chunk in file.chunks})
    return (
        Fact("rows", file.rows),
        Fact("columns", len(file.columns), f"{len(file.columns)}: {columns}"),
        Fact("row groups", len(file.groups)),
        Fact("compression", tuple(CODECS[number] for number in used)),
        Fact("made by", printable(file.created_by[:80]), "" if file.created_by else "not stated"),
        Fact("metadata", keys, "" if keys else "none"),
    )


def _look(fd: int, size: int, file: ParquetFile) -> list[Finding]:
    """Look at the cells of each column."""
    effort = Effort(size)
    flaws, unread, signs = list[str](), list[str](), dict[str, list[str]]()
    for place, column in enumerate(file.leaves):
        cells = Cells(fd, column, effort)
        cells.look(file.groups, place)
        name = printable(column.path)
        if cells.flaw:
            flaws.append(f"{name}: {cells.flaw}")
        if cells.unread:
            unread.append(f"{name}: {cells.unread}")
        for label, sign in zip(cells.names, cells.signs, strict=True):
            if sign.count:
                signs.setdefault(label, []).append(f"{name}, {sign}")
    binary = signs.pop(UNREAD, [])
    findings = [note(DATASET, label, _list(seen)) for label, seen in signs.items()]
    if binary:
        evidence = f"neither text nor JSON: {_list(binary)}"
        findings.insert(0, _not_checked(UNREAD, evidence, _WITHOUT))
    if unread:
        findings.insert(0, _not_checked("columns not read", _list(unread)))
    if flaws:
        return [unsound(DATASET, "Parquet", DocumentError(_list(flaws), hint=AGAIN)), *findings]
    if unread or binary:
        return findings
    texts = sum(column.role is not Role.NUMBERS for column in file.leaves)
    evidence = f"{file.rows} rows; {texts} of {len(file.leaves)} columns are text, searched"
    return [Finding(DATASET, Verdict.PASS, "read", evidence), *findings]


def _list(columns: Sequence[str]) -> str:
    more = len(columns) - _SHOWN_CELLS
    shown = "; ".join(columns[:_SHOWN_CELLS])
    return f"{shown}; and {more} more column{'s' * (more > 1)}" if more > 0 else shown


def _judge(file: ParquetFile) -> list[Finding]:
    """What the footer alone says."""
    findings = []
    chunks = file.chunks
    if outside := next((chunk.elsewhere for chunk in chunks if chunk.elsewhere), ""):
        why = "whoever opens it would read another file of this machine"
        evidence = printable(outside[:80])
        findings.append(
            Finding(DATASET, Verdict.FAIL, "names another file", evidence, why, _AS_TEXT)
        )
    packed = sum(chunk.packed for chunk in chunks)
    unpacked = sum(chunk.unpacked for chunk in chunks)
    if unpacked > BOMB * max(packed, 1 << 20):
        findings.append(note(DATASET, "unpacks to more", f"{packed} bytes to {unpacked}"))
    if hidden := [name for name in (*file.columns, *file.metadata) if not name.isprintable()]:
        evidence = f"{len(hidden)} names, first {hidden[0][:80]!r}"
        findings.append(note(DATASET, "hidden characters", evidence))
    return findings


def _not_checked(summary: str, evidence: str, remedy: str = _AS_TEXT) -> Finding:
    return Finding(DATASET, Verdict.NOT_CHECKED, summary, evidence, remedy=remedy)
