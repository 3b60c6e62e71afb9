"""Opening an artifact: one file or a whole split set, and never half of one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.artifact import Manner, OpenArtifact, measure_resources, open_artifact
from localai.errors import DocumentError
from localai.findings import refused
from localai.gguf import cursor
from localai.gguf.memory import inference_bytes
from localai.gguf.sets import name_parts
from localai.hardware import FreeMemory
from localai.identification import hash_artifacts
from localai.manifest.schema import ArtifactFile, Entry
from localai.manifest.verify import LoadedManifest
from localai.sealing import RESERVE

FIRST, SECOND = "tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """The first file of a set."""
    for name, content in zip((FIRST, SECOND), maker.make_split(), strict=True):
        (tmp_path / name).write_bytes(content)
    return tmp_path / FIRST


@pytest.fixture
def opened(split: Path) -> Iterator[OpenArtifact]:
    artifact = open_artifact(split)
    yield artifact
    artifact.close()


def problem_of(path: Path) -> tuple[str, str]:
    """What is wrong with an artifact that cannot be opened, and what to do."""
    artifact = open_artifact(path)
    artifact.close()
    assert not artifact.headers
    return artifact.artifact.problem, artifact.artifact.remedy


def test_one_file(tiny_model: Path) -> None:
    artifact = open_artifact(tiny_model)
    assert artifact.sizes == [tiny_model.stat().st_size]
    assert (artifact.artifact.name, artifact.artifact.problem) == ("Tiny Test", "")
    assert not refused(artifact.artifact.format)
    artifact.close()


def test_a_set(opened: OpenArtifact, split: Path) -> None:
    assert [file.path.name for file in opened.files] == [FIRST, SECOND]
    assert opened.artifact.size == sum(opened.sizes)
    assert opened.artifact.name == "Tiny Test"
    (finding,) = opened.artifact.format
    assert finding.evidence.endswith("21 tensors, context 512, 2 files")


def test_closing_leaves_no_descriptor(split: Path) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = descriptors()
    artifact = open_artifact(split)
    assert descriptors() == before + 2
    artifact.close()
    artifact.close()
    assert descriptors() == before


@pytest.mark.parametrize(
    ("name", "problem", "remedy"),
    [
        (SECOND, "is not the first part", FIRST),
        ("m-00000-of-00002.gguf", "is not the first part", "m-00001-of-00002.gguf"),
        ("m-00003-of-00002.gguf", "is not the first part", "m-00001-of-00002.gguf"),
        ("m-00001-of-00000.gguf", "one of 0 parts", "--merge"),
        ("m-00001-of-00041.gguf", "one of 41 parts; expected 1 to 40", "--merge"),
    ],
)
def test_names_that_begin_no_set(name: str, problem: str, remedy: str) -> None:
    with pytest.raises(DocumentError, match=problem) as caught:
        name_parts(Path("models") / name)
    assert remedy in caught.value.hint


def test_names_of_a_set_and_of_none() -> None:
    assert name_parts(Path("a/m-00001-of-00003.gguf")) == [
        Path(f"a/m-0000{number}-of-00003.gguf") for number in (1, 2, 3)
    ]
    for name in ("m.gguf", "m-1-of-2.gguf", "m-00001-of-00002.bin", "m-000001-of-000002.gguf"):
        assert name_parts(Path(name)) == [Path(name)]


def test_a_missing_part(split: Path) -> None:
    split.with_name(SECOND).unlink()
    problem, remedy = problem_of(split)
    assert problem == f"1 of 2 parts are missing: {SECOND}"
    assert str(split.parent) in remedy


def test_a_part_that_is_a_link(split: Path) -> None:
    second = split.with_name(SECOND)
    second.rename(second.with_name("elsewhere"))
    second.symlink_to("elsewhere")
    problem, remedy = problem_of(split)
    assert "is a link" in problem
    assert "elsewhere" in remedy


def test_a_part_under_another_name(split: Path) -> None:
    """Alone it is no model, whatever it is called."""
    artifact = open_artifact(split.rename(split.with_name("whole.gguf")))
    artifact.close()
    (finding,) = [one for one in artifact.artifact.format if one.refuses]
    assert finding.summary == "a part is missing"
    assert "all parts" in finding.remedy


def test_the_parts_share_the_memory_that_headers_may_take(
    split: Path, opened: OpenArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (header.memory for header in opened.headers)
    assert 0 < second < first
    monkeypatch.setattr(cursor, "MAX_KEPT", first + second - 1)
    artifact = open_artifact(split)
    artifact.close()
    (finding,) = [one for one in artifact.artifact.format if one.refuses]
    assert "bytes of memory" in finding.evidence
    assert SECOND in finding.evidence


def test_a_part_that_is_no_gguf_is_named(split: Path) -> None:
    split.with_name(SECOND).write_bytes(b"PK\x03\x04" + bytes(100))
    artifact = open_artifact(split)
    artifact.close()
    (finding,) = artifact.artifact.format
    assert finding.refuses
    assert f"{SECOND}: not a GGUF file" in finding.evidence


def approve(loaded: LoadedManifest, entry: Entry, opened: OpenArtifact) -> LoadedManifest:
    """A manifest whose only entry lists these files."""
    files = []
    for file in opened.files:
        digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
        files.append(ArtifactFile(file.path.name, file.size, digest))
    assert loaded.verification.manifest
    approved = entry._replace(id="split", files=tuple(files))
    manifest = loaded.verification.manifest._replace(entries=(approved,))
    return loaded._replace(verification=loaded.verification._replace(manifest=manifest))


def test_every_part_is_hashed_and_the_entry_found(
    opened: OpenArtifact, loaded: LoadedManifest, entry: Entry
) -> None:
    manifest = approve(loaded, entry, opened)
    done = list[int]()
    hash_artifacts([opened], [manifest], done.append)
    found = opened.artifact
    assert found.entry is manifest.entries[0]
    assert found.digests == tuple(f"sha256:{file.sha256}" for file in found.entry.files)
    assert not found.sealed
    assert done == sorted(done)
    assert done[-1] == found.size


def test_one_changed_part_is_enough(
    opened: OpenArtifact, loaded: LoadedManifest, entry: Entry
) -> None:
    manifest = approve(loaded, entry, opened)
    content = bytearray(opened.files[1].path.read_bytes())
    content[-1] ^= 1
    opened.files[1].path.write_bytes(content)
    hash_artifacts([opened], [manifest])
    assert opened.artifact.entry is None
    assert len(opened.artifact.digests) == 2


def test_a_file_that_shrinks_is_a_problem(opened: OpenArtifact) -> None:
    os.truncate(opened.files[1].path, opened.files[1].size - 1)
    hash_artifacts([opened], [])
    assert opened.artifact.problem
    assert not opened.artifact.digests


@pytest.mark.parametrize(("context", "beside"), [(512, "reserve"), (1 << 20, "inference")])
def test_the_memory_that_a_set_needs(opened: OpenArtifact, context: int, beside: str) -> None:
    """Never less than what the copy leaves free: it would stop after the gate had passed."""
    resources, manner = measure_resources([opened], context)
    inference = inference_bytes(opened.headers, context, repack=True)
    assert (inference > RESERVE) == (beside == "inference")
    assert resources.needed == opened.artifact.size + max(inference, RESERVE)
    assert manner == (resources.needed <= resources.free, False)


@pytest.fixture
def large(tiny_model: Path) -> OpenArtifact:
    """A model that says of itself that it has three more tensors of 1 GiB that can be repacked."""
    opened = open_artifact(tiny_model)
    opened.close()
    (header,) = opened.headers
    more = [
        header.tensors[0]._replace(name=f"blk.0.{number}", type="Q4_0", size=1 << 30)
        for number in range(3)
    ]
    opened.headers = [header._replace(tensors=(*header.tensors, *more))]
    return opened


def test_the_best_manner_for_which_there_is_room(
    large: OpenArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(free: int, gpu_layers: int = -1) -> Manner:
        monkeypatch.setattr("localai.artifact.find_free_memory", lambda: FreeMemory(free, "a test"))
        resources, manner = measure_resources([large], 1 << 20, gpu_layers)
        wanted = inference_bytes(large.headers, 1 << 20, **manner._asdict())
        assert resources.needed == wanted
        return manner

    mapped = inference_bytes(large.headers, 1 << 20, repack=False)
    let_go = inference_bytes(large.headers, 1 << 20, repack=False, let_go=True)
    assert mapped + (1 << 30) < let_go < mapped + (2 << 30)
    assert measure(mapped + (3 << 30)) == Manner(repack=True, let_go=True)
    assert measure(let_go) == Manner(repack=False, let_go=True)
    assert measure(let_go - 1) == measure(0) == Manner(repack=False, let_go=False)
    assert measure(1 << 40, gpu_layers=maker.LAYERS) == Manner(repack=True, let_go=False)
    large.read_only = True
    assert measure(1 << 40) == Manner(repack=True, let_go=False)
