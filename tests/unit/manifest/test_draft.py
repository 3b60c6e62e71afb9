"""An entry drafted from files and terms."""

from __future__ import annotations

import os
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

import pytest

from localai.errors import DocumentError
from localai.gguf.facts import GgufFacts, GgufFile, Tensor
from localai.hashing import leaf
from localai.manifest.draft import (
    Draft,
    Stated,
    Unknown,
    answer,
    approve_again,
    complete,
    draft_entry,
    draft_of,
    measure_file,
    name_artifact,
    name_entry,
    name_file,
)
from localai.manifest.schema import Approval, ArtifactFile, Kind, Manifest, Source


def header(tensors: int, **metadata: str) -> GgufFile:
    listed = tuple(Tensor(f"t{n}", (1,), "F32", 0, 4) for n in range(tensors))
    named = {key.replace("__", "."): value for key, value in metadata.items()}
    return GgufFile(3, 100, 32, 0, MappingProxyType(named), listed)


@pytest.fixture
def stated(manifest: Manifest) -> Stated:
    (entry,) = manifest.entries
    return Stated(entry.use, "MIT", entry.source)


FILE = ArtifactFile("My Model (v1).Q4_1.gguf", 5, "1" * 64)


def test_what_the_header_says_is_pinned(stated: Stated) -> None:
    first = header(
        3, general__architecture="llama", general__name="Model", tokenizer__chat_template="{{x}}"
    )
    entry = draft_entry([FILE, FILE], [first, header(4)], stated)
    assert entry.gguf == GgufFacts("llama", 7, sha256(b"{{x}}").hexdigest())
    assert entry.name == "Model"
    assert entry.id == "my-model-v1-.q4_1"
    assert entry.files == (FILE, FILE)


def test_without_a_template_or_a_name(stated: Stated) -> None:
    entry = draft_entry([FILE], [header(1, general__architecture="llama")], stated)
    assert entry.gguf
    assert entry.gguf.template is None
    assert entry.name == FILE.name


def draft(stated: Stated, **said: str) -> Draft:
    """A draft for a file that says these things of itself."""
    return draft_entry([FILE], [header(1, **said)], stated)


def test_what_neither_the_file_nor_anybody_says_is_unknown(stated: Stated) -> None:
    bare = draft(Stated(stated.use))
    assert bare.unknown == (Unknown.LICENCE, Unknown.SOURCE, Unknown.REVISION)
    assert (bare.licence, bare.source) == (None, None)
    said = draft(Stated(stated.use), general__license="mit", general__url="https://hub.example/a/b")
    assert said.unknown == (Unknown.REVISION,)
    assert (said.licence, said.source) == ("mit", Source("a", "https://hub.example/a/b"))
    exact = draft(Stated(stated.use), general__license="mit", general__url="a/b@c0ffee")
    assert exact.unknown == ()


@pytest.mark.parametrize("licence", ["a\nb", "mit\x1b[2J", "x" * 201, " ", "m\u200bit"])
def test_a_licence_that_no_manifest_can_hold_is_unknown(stated: Stated, licence: str) -> None:
    assert Unknown.LICENCE in draft(Stated(stated.use), general__license=licence).unknown


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("adapter", Kind.ADAPTER),
        ("mmproj", Kind.PROJECTOR),
        ("model", Kind.MODEL),
        ("", Kind.MODEL),
    ],
)
def test_what_kind_it_is_the_file_says(stated: Stated, said: str, kind: Kind) -> None:
    assert draft(stated._replace(kind=None), general__type=said).kind is kind
    assert draft(stated._replace(kind=Kind.DRAFT), general__type=said).kind is Kind.DRAFT


def test_a_persons_word_counts_before_the_files(stated: Stated) -> None:
    said = draft(stated, general__license="other", general__url="https://hub.example/a/b")
    assert (said.licence, said.source, said.unknown) == ("MIT", stated.source, ())


def test_answers(stated: Stated) -> None:
    bare = draft(Stated(stated.use))
    assert answer(bare) == bare
    assert answer(bare, "MIT").unknown == (Unknown.SOURCE, Unknown.REVISION)
    whole = answer(bare, "MIT", Source("a", "a/b"))
    assert (whole.unknown, whole.licence, whole.source) == ((), "MIT", Source("a", "a/b"))


def test_only_what_is_known_becomes_an_entry(stated: Stated, manifest: Manifest) -> None:
    (entry,) = manifest.entries
    bare = draft(Stated(stated.use))
    for short in (bare, answer(bare, "MIT"), answer(bare, "", Source("a", "a/b"))):
        with pytest.raises(DocumentError, match="unknown"):
            complete(short, entry.approval)
    with pytest.raises(DocumentError):  # whoever only says that it is known
        complete(bare._replace(unknown=()), entry.approval)
    assert complete(answer(bare, "MIT", Source("a", "a/b")), entry.approval).licence == "MIT"


def test_an_entry_is_its_draft_and_its_approval(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    full = entry._replace(note="a note", companions=("lora",))
    assert complete(draft_of(full), full.approval) == full


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.gguf", "model"),
        ("Model.Q4_1.gguf", "model.q4_1"),
        ("-.gguf", "model"),
        ("Rows 2024.csv", "rows-2024"),
        ("train-00000-of-00003.parquet", "train"),
        ("tiny-00001-of-00002.gguf", "tiny-00001-of-00002"),
        ("notes.md", "notes.md"),
        ("東京.gguf", "model"),
        ("x" * 300 + ".gguf", "x" * 100),
        ("a" * 99 + "--b.gguf", "a" * 99),
    ],
)
def test_identifiers(name: str, expected: str) -> None:
    assert name_entry(name) == expected


def test_measured(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"content")
    fd = os.open(path, os.O_RDONLY)
    try:
        file = measure_file(fd, path.name, 7)
    finally:
        os.close(fd)
    expected = sha256(b"content").hexdigest()
    assert file == ArtifactFile("m.gguf", 7, expected, leaf(b"content").hex())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (b"caf\xe9.gguf", "is not UTF-8"),
        (b"\x1b[2J.gguf", "cannot be seen"),
        ("a\u200bb.gguf".encode(), "cannot be seen"),
        (b"a\nb.gguf", "cannot be seen"),
        (b"nul.gguf", "is the name of a device"),
    ],
)
def test_a_name_that_no_manifest_may_hold(name: bytes, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem) as caught:
        name_file(Path(os.fsdecode(name)))
    assert caught.value.hint == "rename the file"


def test_a_name_is_what_its_bytes_say_in_utf8() -> None:
    assert name_file(Path(os.fsdecode("models/modèle.gguf".encode()))) == "modèle.gguf"


@pytest.mark.parametrize("name", ["a\u202eb", "two\nlines", "\x1b[31m", "  ", "x" * 201])
def test_a_name_that_cannot_be_written_is_seen_before(name: str) -> None:
    wrong = header(1, general__name=name)
    with pytest.raises(DocumentError, match="the file calls itself") as caught:
        name_artifact("", [wrong], "m.gguf")
    assert "--name" in caught.value.hint
    with pytest.raises(DocumentError, match="the name cannot"):
        name_artifact(name, [header(1)], "m.gguf")
    assert name_artifact("Mine", [wrong], "m.gguf") == "Mine"
    assert name_artifact("", [header(1)], "m.gguf") == "m.gguf"


def test_companions_and_safeguards_arrive(stated: Stated) -> None:
    use = stated.use._replace(safeguards=("a person reads every answer",))
    entry = draft_entry([FILE], [header(1)], stated._replace(use=use, companions=("lora",)))
    assert entry.use.safeguards == ("a person reads every answer",)
    assert entry.companions == ("lora",)


def test_approved_again(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    today = date(2026, 5, 1)
    again = approve_again(entry, "B. Officer", today, 30, ticket=None, alone=False)
    assert again.approval == Approval("B. Officer", today, date(2026, 5, 31))
    assert again._replace(approval=entry.approval) == entry
    assert approve_again(entry, "me", today, 1, ticket="T", alone=True).approval.self_approved
