"""The kinds of file that localai tells apart."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

# What to do instead.
OWN_GGUF = "look for a .gguf file of the same model at its publisher"
AS_DATA = "export it as JSONL, CSV, Parquet or plain text, on a machine that is meant for it"
AGAIN = "download the file again and compare its SHA-256 with what the publisher states"


class Kind(StrEnum):
    """What is done with a file: each kind has one reader, ``REFUSED`` has none."""

    GGUF = "gguf"
    SAFETENSORS = "safetensors"
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    TEXT = "text"
    REFUSED = "refused"


DATASETS = frozenset({Kind.JSONL, Kind.JSON, Kind.CSV, Kind.PARQUET, Kind.TEXT})
"""What is read to its end, as data."""


class Format(NamedTuple):
    """What a file was recognised as: ``name`` is what people call it. Of a file that is refused,
    ``why`` is the reason and ``remedy`` what to do instead; it is not opened any further."""

    kind: Kind
    name: str
    why: str = ""
    remedy: str = ""
