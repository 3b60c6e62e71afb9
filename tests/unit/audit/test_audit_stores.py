"""Other tools' stores are found where they keep them, and named by what stands in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localai.audit.stores import Named, find_stores, name_stored, read_ollama_names

DIGEST = "a" * 64


@pytest.mark.parametrize(
    ("tool", "folder"),
    [
        ("Ollama", ".ollama/models"),
        ("Hugging Face", ".cache/huggingface/hub"),
        ("LM Studio", ".lmstudio/models"),
        ("LM Studio", ".cache/lm-studio/models"),
        ("llamafile", ".llamafile"),
        ("llama.cpp", ".cache/llama.cpp"),
    ],
)
def test_a_store_in_the_home_directory(tmp_path: Path, tool: str, folder: str) -> None:
    assert find_stores(tmp_path, tmp_path / "root", {}) == ()
    (tmp_path / folder).mkdir(parents=True)
    (found,) = find_stores(tmp_path, tmp_path / "root", {})
    assert found == (tool, tmp_path / folder)


@pytest.mark.parametrize(
    ("variable", "below", "tool"),
    [
        ("OLLAMA_MODELS", "", "Ollama"),
        ("HF_HOME", "hub", "Hugging Face"),
        ("HF_HUB_CACHE", "", "Hugging Face"),
        ("LLAMA_CACHE", "", "llama.cpp"),
    ],
)
def test_a_store_that_was_moved(tmp_path: Path, variable: str, below: str, tool: str) -> None:
    moved = tmp_path / "moved"
    (moved / below).mkdir(parents=True)
    root = tmp_path / "root"
    assert find_stores(tmp_path, root, {variable: str(moved)}) == ((tool, moved / below),)
    assert find_stores(tmp_path, root, {variable: "moved"}) == ()


def test_the_store_of_ollamas_service(tmp_path: Path) -> None:
    service = tmp_path / "usr/share/ollama/.ollama/models"
    service.mkdir(parents=True)
    assert find_stores(tmp_path / "home", tmp_path, {}) == (("Ollama", service),)


def ollama(top: Path, place: str, raw: bytes) -> Path:
    manifest = top / "manifests" / place
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_bytes(raw)
    return top / "blobs"


def layers(*digests: object) -> bytes:
    listed = [{"mediaType": "x", "digest": digest, "size": 1} for digest in digests]
    return json.dumps({"schemaVersion": 2, "layers": listed}).encode()


def test_what_ollama_calls_its_files(tmp_path: Path) -> None:
    blobs = ollama(tmp_path, "registry.example/library/tiny/q4", layers(f"sha256:{DIGEST}"))
    ollama(tmp_path, "registry.example/somebody/other/latest", layers(f"sha256:{'b' * 64}"))
    names = read_ollama_names(blobs)
    assert names == {DIGEST: "tiny:q4", "b" * 64: "somebody/other:latest"}
    path = blobs / f"sha256-{DIGEST}"
    assert name_stored(path, names, ()) == Named("Ollama", "tiny:q4", DIGEST)
    assert name_stored(path, {}, ()) == Named("Ollama", "", DIGEST)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"layers": {}}',
        b'{"layers": [1, null]}',
        layers(3),
        layers("x"),
    ],
)
def test_a_manifest_of_ollamas_that_is_malformed_names_nothing(tmp_path: Path, raw: bytes) -> None:
    assert read_ollama_names(ollama(tmp_path, "r/library/tiny/q4", raw)) == {}


def test_what_hugging_face_says_of_a_file(tmp_path: Path) -> None:
    model = tmp_path / "models--Example--tiny"
    assert name_stored(model / "blobs" / DIGEST, {}, ()) == Named(
        "Hugging Face", "Example/tiny", DIGEST
    )
    snapshot = model / "snapshots" / "1" / "a.gguf"
    assert name_stored(snapshot, {}, ()) == Named("Hugging Face", "Example/tiny")


def test_a_digest_is_believed_to_be_one_only_in_a_folder_of_blobs(tmp_path: Path) -> None:
    assert name_stored(tmp_path / f"sha256-{DIGEST}", {}, ()) == Named()


def test_by_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".lmstudio/models").mkdir(parents=True)
    stores = find_stores(tmp_path, tmp_path / "root", {})
    inside = tmp_path / ".lmstudio/models/a/b.gguf"
    assert name_stored(inside, {}, stores) == Named("LM Studio")
    assert name_stored(tmp_path / "b.gguf", {}, stores) == Named()
    assert name_stored(tmp_path / "b.llamafile", {}, stores) == Named("llamafile")


def test_a_store_that_may_not_be_looked_for_may_be_there(tmp_path: Path) -> None:
    """Its name is longer than the system takes: as with a folder of somebody else's, nobody can say
    that it is not there."""
    moved = tmp_path / ("x" * 300)
    assert find_stores(tmp_path, tmp_path / "root", {"OLLAMA_MODELS": str(moved)}) == (
        ("Ollama", moved),
    )
