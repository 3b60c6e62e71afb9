"""A model and its adapters: opened, held against one another, hashed, and found in a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.artifact import OpenArtifact, measure_resources, open_artifacts
from localai.findings import refused
from localai.gguf.facts import GgufFacts
from localai.identification import hash_artifacts
from localai.manifest.schema import ArtifactFile, Entry, Kind
from localai.manifest.verify import LoadedManifest
from localai.plan.facts import Use
from localai.plan.request import Adapter, StartRequest


@pytest.fixture
def asked(tiny_model: Path) -> StartRequest:
    path = tiny_model.with_name("style.gguf")
    path.write_bytes(maker.make_adapter())
    return StartRequest(tiny_model, Use(), adapters=(Adapter(path, 0.5),))


@pytest.fixture
def opened(asked: StartRequest) -> Iterator[list[OpenArtifact]]:
    found = open_artifacts(asked)
    yield found
    for one in found:
        one.close()


def listing(loaded: LoadedManifest, name: str, entry: Entry, *files: Path) -> LoadedManifest:
    """A manifest of this name with an entry for each file, the first one's the model's."""
    assert loaded.verification.manifest
    entries = [
        entry._replace(
            id=f"{name}-{number}",
            kind=Kind.ADAPTER if number else Kind.MODEL,
            files=(_measured(path),),
        )
        for number, path in enumerate(files)
    ]
    manifest = loaded.verification.manifest._replace(entries=tuple(entries), name=name)
    verification = loaded.verification._replace(manifest=manifest)
    return LoadedManifest(loaded.path.with_name(f"{name}.yaml"), verification)


def _measured(path: Path) -> ArtifactFile:
    content = path.read_bytes()
    return ArtifactFile(path.name, len(content), hashlib.sha256(content).hexdigest())


def test_an_adapter_is_opened_beside_its_model(opened: list[OpenArtifact]) -> None:
    model, adapter = opened
    assert (model.artifact.kind, adapter.artifact.kind) == ("model", "adapter")
    assert (adapter.artifact.name, adapter.artifact.scale) == ("Tiny Adapter", 0.5)
    assert adapter.artifact.held == GgufFacts("llama", 8)
    assert not refused((*model.artifact.format, *adapter.artifact.format))


def test_an_adapter_of_another_model_is_told(asked: StartRequest) -> None:
    other = maker.make_adapter(metadata={"general.architecture": "qwen2"})
    asked.adapters[0].path.write_bytes(other)
    _, adapter = open_artifacts(asked)
    assert [one.summary for one in adapter.artifact.format if one.refuses] == [
        "for another architecture"
    ]


def test_an_adapter_that_cannot_be_opened_is_its_own_problem(asked: StartRequest) -> None:
    asked.adapters[0].path.unlink()
    model, adapter = open_artifacts(asked)
    assert not model.artifact.problem
    assert "No such file" in adapter.artifact.problem
    hash_artifacts([model, adapter], [])
    assert model.artifact.digests
    assert not adapter.artifact.digests


def test_it_needs_memory_twice(opened: list[OpenArtifact]) -> None:
    """Sealed, and as llama.cpp's copy."""
    model, adapter = opened
    together, _ = measure_resources(opened, 512)
    alone, _ = measure_resources([model], 512)
    assert together.needed - alone.needed == 2 * adapter.artifact.size


def test_each_gets_its_entry(
    opened: list[OpenArtifact], asked: StartRequest, loaded: LoadedManifest, entry: Entry
) -> None:
    manifest = listing(loaded, "own", entry, *asked.paths)
    done = list[int]()
    hash_artifacts(opened, [manifest], done.append)
    assert [one.artifact.entry for one in opened] == list(manifest.entries)
    assert done == sorted(done)
    assert done[-1] == sum(one.artifact.size for one in opened)


def test_the_models_manifest_is_asked_first(
    opened: list[OpenArtifact], asked: StartRequest, loaded: LoadedManifest, entry: Entry
) -> None:
    """Two manifests list the adapter: what binds it to the model stands in the model's."""
    other = listing(loaded, "a-first", entry, asked.adapters[0].path)
    own = listing(loaded, "own", entry, *asked.paths)
    hash_artifacts(opened, [other, own])
    assert [one.artifact.manifest for one in opened] == ["own", "own"]
    hash_artifacts(opened, [other])
    assert [one.artifact.manifest for one in opened] == ["", "a-first"]
