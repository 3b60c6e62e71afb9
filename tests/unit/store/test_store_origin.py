"""Where an artifact came from: what is written is what is read, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from localai.errors import DocumentError
from localai.manifest.schema import ArtifactFile, Source
from localai.store.origin import LIMIT, Origin, parse_origin, write_origin

FILE = ArtifactFile("one.gguf", 12, "a" * 64, "b" * 64)
SOURCE = Source("Example", "example/tiny", "0" * 40, ("example/base",), "hub.example")
WHOLE = Origin(SOURCE, date(2026, 1, 2), (FILE,), "apache-2.0", True, "c" * 64, "q4/small")
BARE = Origin(Source("Example", "example/tiny"), date(2026, 1, 2), (FILE._replace(tree=None),))


@pytest.mark.parametrize("origin", [WHOLE, BARE])
def test_written_and_read(origin: Origin) -> None:
    assert parse_origin(write_origin(origin)) == origin


def spoiled(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(write_origin(WHOLE))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(schema="localai.origin/2"), "localai.origin/1 was expected"),
        (lambda d: d.update(approved=True), "unknown key 'approved'"),
        (lambda d: d.pop("files"), "files: missing"),
        (lambda d: d.update(files=[]), "empty, or two of one name"),
        (lambda d: d["files"].append({**d["files"][0], "name": "ONE.gguf"}), "two of one name"),
        (lambda d: d["files"][0].update(name="../one.gguf"), "holds one of"),
        (lambda d: d["files"][0].update(name=".hidden"), "starts with '.'"),
        (lambda d: d["files"][0].update(name="Origin.json"), "no other file can have that name"),
        (lambda d: d["files"][0].update(size=0), "an integer from 1"),
        (lambda d: d["files"][0].update(sha256="A" * 64), "64 lower-case hexadecimal digits"),
        (lambda d: d["source"].update(publisher="Ex\u202eample"), "U+202E is not allowed"),
        (lambda d: d.update(gated="yes"), "true or false"),
        (lambda d: d.update(folder="a/../b"), "leads elsewhere"),
        (lambda d: d.update(licence="x" * 201), "201 characters"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(change: Callable[[dict[str, Any]], object], problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_origin(spoiled(change))
    assert problem in caught.value.message


def test_its_size_is_capped() -> None:
    with pytest.raises(DocumentError):
        parse_origin(write_origin(WHOLE) + b" " * LIMIT)
