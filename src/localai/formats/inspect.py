"""Look at a file that is no GGUF, by the reader of its kind. Nothing of it is run."""

from __future__ import annotations

from localai.formats.contents import Contents
from localai.formats.finding import refuse
from localai.formats.format import Format, Kind


def inspect(fd: int, size: int, found: Format) -> Contents:
    """Facts and findings about the ``size`` bytes behind ``fd``, recognised as ``found``.

    Whatever is wrong with them is a finding. A dataset is read to its end, in pieces: time grows
    with its size, memory does not.
    """
    if found.kind is Kind.SAFETENSORS:
        from localai.formats.safetensors import inspect_safetensors

        return inspect_safetensors(fd, size)
    if found.kind is Kind.PARQUET:
        from localai.formats.datasets.parquet.inspect import inspect_parquet

        return inspect_parquet(fd, size)
    if found.kind is Kind.JSONL:
        from localai.formats.datasets.jsonl import inspect_jsonl

        return inspect_jsonl(fd, size)
    if found.kind is Kind.JSON:
        from localai.formats.datasets.text import inspect_json

        return inspect_json(fd, size)
    if found.kind is Kind.CSV:
        from localai.formats.datasets.csv import inspect_csv

        return inspect_csv(fd, size)
    if found.kind is Kind.TEXT:
        from localai.formats.datasets.text import inspect_text

        return inspect_text(fd, size)
    return Contents((), (refuse(found),))
