"""The manifest's schema: each vector says what must become of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.gguf.facts import GgufFacts
from localai.manifest.schema import (
    LIMIT,
    Approval,
    ArtifactFile,
    Kind,
    Source,
    Use,
    parse_manifest,
)

DIRECTORY = Path(__file__).parents[2] / "vectors" / "manifest"
VECTORS = sorted(DIRECTORY.glob("*.yaml"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    raw = path.read_bytes()
    header = raw.split(b"\n", 1)[0].decode()
    outcome, _, rest = header.removeprefix("# expect: ").partition(": ")
    if outcome == "accepted":
        assert len(parse_manifest(raw).entries) == int(rest.split()[0])
        return
    assert outcome == "refused"
    with pytest.raises(DocumentError) as caught:
        parse_manifest(raw)
    assert rest in caught.value.message


def test_every_field_arrives() -> None:
    manifest = parse_manifest((DIRECTORY / "accepted.yaml").read_bytes())
    assert (manifest.name, manifest.version) == ("vectors", 3)
    assert (manifest.issued, manifest.expires) == (date(2026, 1, 1), date(2026, 4, 1))
    (entry,) = manifest.entries
    assert (entry.id, entry.name, entry.kind) == ("model-one", "Model One", Kind.MODEL)
    assert entry.licence == "Apache-2.0"
    assert entry.source == Source("Example", "example/model-one", "abc", ("example/base",))
    assert entry.files == (ArtifactFile("model-one.gguf", 100, "1" * 64, "2" * 64),)
    assert entry.gguf == GgufFacts("llama", 12, "3" * 64)
    assert entry.approval == Approval("A. Officer", date(2026, 1, 1), date(2027, 1, 1))
    assert entry.use == Use(("evaluation",), ("public",), ())


def test_an_oversized_manifest_is_not_parsed() -> None:
    raw = (DIRECTORY / "accepted.yaml").read_bytes()
    with pytest.raises(DocumentError, match=f"more than the {LIMIT}"):
        parse_manifest(raw + b"#" * (LIMIT + 1 - len(raw)))
