"""How fast a dataset is looked at, without its digests.

    .venv/bin/python benchmarks/datasets.py [--runs N]

Megabytes a second of a dataset of 32 MB that lies in memory, one core. The peer only reads the
same rows with Python's own parsers, and looks for nothing. Parquet is measured where pyarrow is
installed, which writes it as it does by default and is its peer; megabytes are those of the texts.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable

import measuring

from localai.formats.inspect import inspect
from localai.formats.recognise import CSV, JSONL, PARQUET, TEXT, Format

SIZE = 32 << 20  # bytes
ROW = 60  # words
WORDS = (
    "the of and to in is that it was for on are with as his they be at one have this from or had by"
    " but some what there we can out other were all your when up use word how said an each she"
    " history people instruction previous prompt rules context answer question"
)
PARSERS: dict[Format, Callable[[Iterable[str]], object]] = {
    JSONL: lambda lines: [json.loads(line) for line in lines],
    CSV: lambda lines: [len(row) for row in csv.reader(lines)],
    TEXT: lambda lines: [len(line) for line in lines],
}


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=False)
    for form in PARSERS:
        data = make(form)
        medians = measuring.alternate(
            asked.runs, lambda form=form, data=data: look(form, data),
            lambda form=form, data=data: parse(form, data))  # fmt: skip
        measuring.show("MB/s", [f"localai inspect, {form.name}", "Python's own parser"], medians)
        print()
    if importlib.util.find_spec("pyarrow"):
        data, size = make_parquet()
        medians = measuring.alternate(
            asked.runs, lambda: look(PARQUET, data, size), lambda: read_parquet(data, size)
        )
        measuring.show("MB/s", ["localai inspect, Parquet", "pyarrow"], medians)
    else:
        print("Parquet is not measured: pyarrow is not installed")


def make_parquet() -> tuple[bytes, int]:
    """Rows of chance in a file of pyarrow's; and how many bytes their texts have."""
    import pyarrow
    from pyarrow import parquet

    rows = [json.loads(line) for line in make(JSONL).splitlines()]
    columns = {field: [row[field] for row in rows] for field in ("instruction", "output")}
    found = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), found)
    return found.getvalue(), sum(len(text) for texts in columns.values() for text in texts)


def read_parquet(data: bytes, size: int) -> float:
    """Megabytes a second of pyarrow, on one core."""
    from pyarrow import parquet

    began = time.perf_counter()
    parquet.read_table(io.BytesIO(data), use_threads=False).to_pylist()
    return size / (time.perf_counter() - began) / 1e6


def make(form: Format) -> bytes:
    """Rows of words of chance."""
    chance, words = random.Random(1), WORDS.split()
    rows = []
    size = 0
    while size < SIZE:
        text = " ".join(chance.choices(words, k=ROW))
        answer = text[: chance.randrange(20, 200)]
        shown = {
            JSONL: json.dumps({"instruction": answer, "input": "", "output": text}),
            CSV: f'{size},{-size / 7:.2f},"{answer}, and","{text}",2026-01-01',
            TEXT: text,
        }[form]
        rows.append(shown)
        size += len(shown) + 1
    return "".join(f"{row}\n" for row in rows).encode()


def look(form: Format, data: bytes, size: int = 0) -> float:
    """Megabytes a second of a look at all of it, or at so many of texts in it."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        began = time.perf_counter()
        found = inspect(file.fileno(), os.fstat(file.fileno()).st_size, form)
        took = time.perf_counter() - began
    if len(found.findings) != 1:
        sys.exit(f"the rows have something worth a note: {found.findings}")
    return (size or len(data)) / took / 1e6


def parse(form: Format, data: bytes) -> float:
    """Megabytes a second of the peer."""
    began = time.perf_counter()
    PARSERS[form](io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))
    return len(data) / (time.perf_counter() - began) / 1e6


if __name__ == "__main__":
    main()
