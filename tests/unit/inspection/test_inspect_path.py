"""Whatever file it is: its facts, its digests, its findings."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.errors import DocumentError
from localai.findings import Verdict
from localai.formats.recognise import recognise
from localai.gguf import cursor, reader
from localai.gguf.inspect import OpenGguf
from localai.gguf.memory import inference_bytes
from localai.hashing import digest_file
from localai.inspection import model
from localai.inspection.document import inspection_document
from localai.inspection.inspect import inspect_path
from localai.inspection.types import Inspection

FIRST, SECOND = "tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"
WALK = "{{ messages.__class__.__mro__ }}"  # out of the data, into Python


def inspect(path: Path, context: int = 4096) -> Inspection:
    return inspect_path(path, context=context)


def facts_of(found: Inspection) -> dict[str, object]:
    return {fact.name: fact.value for fact in found.facts}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_model(tiny_model: Path, tiny_bytes: bytes) -> None:
    found = inspect(tiny_model)
    assert found.path == str(tiny_model)
    assert found.format == "GGUF v3"
    assert facts_of(found).items() >= {
        ("name", "Tiny Test"),
        ("architecture", "llama"),
        ("quantisation", "F32"),
        ("context", maker.CONTEXT),
        ("licence", "apache-2.0"),
    }
    assert not found.failures
    (file,) = found.files
    assert (file.name, file.size) == ("tiny.gguf", len(tiny_bytes))
    assert file.sha256 == hashlib.sha256(tiny_bytes).hexdigest()
    with tiny_model.open("rb") as opened:
        assert file.tree == digest_file(opened.fileno(), len(tiny_bytes)).tree


def test_memory_is_for_the_context_asked_for(tiny_model: Path) -> None:
    small, large = inspect(tiny_model, 512), inspect(tiny_model, 65_536)
    for found, context in ((small, 512), (large, 65_536)):
        beside = inference_bytes(found.headers, context, repack=True)
        assert facts_of(found)["memory"] == tiny_model.stat().st_size + beside
    assert facts_of(small)["memory"] != facts_of(large)["memory"]


def test_a_set_is_one_model(tmp_path: Path) -> None:
    first, second = maker.make_split()
    parts = [write(tmp_path / FIRST, first), write(tmp_path / SECOND, second)]
    reported: list[int] = []
    found = inspect_path(parts[0], context=512, progress=reported.append)
    assert [file.name for file in found.files] == [FIRST, SECOND]
    assert all(
        file.sha256 == hashlib.sha256(part.read_bytes()).hexdigest()
        for file, part in zip(found.files, parts, strict=True)
    )
    assert len(found.headers) == 2
    whole = inspect(write(tmp_path / "tiny.gguf", maker.make_model()))
    assert facts_of(found)["parameters"] == facts_of(whole)["parameters"]
    assert reported == sorted(reported)
    assert reported[-1] == sum(part.stat().st_size for part in parts)


def test_the_parts_share_the_memory_that_headers_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = maker.make_split()
    path = write(tmp_path / FIRST, first)
    write(tmp_path / SECOND, second)
    most = sum(header.memory for header in inspect(path).headers)
    monkeypatch.setattr(cursor, "MAX_KEPT", most - 1)
    (finding,) = inspect(path).failures
    assert SECOND in finding.evidence
    assert "bytes of memory" in finding.evidence


def test_a_set_with_a_part_missing_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / FIRST, maker.make_split()[0])
    with pytest.raises(DocumentError, match="1 of 2 parts are missing"):
        inspect(path)


def test_what_the_reader_refuses(tmp_path: Path, tiny_bytes: bytes) -> None:
    found = inspect(write(tmp_path / "short.gguf", tiny_bytes[:3000]))
    (finding,) = found.failures
    assert finding.summary == "not a sound GGUF file"
    assert "truncated" in finding.evidence and "SHA-256" in finding.remedy
    assert (found.headers, found.facts, found.templates) == ((), (), ())


@pytest.mark.parametrize(
    ("begin", "check"), [(None, "gguf-layout"), (b"PK\x03\x04", "file-type"), (b"", "file-type")]
)
def test_ten_terabytes_of_nothing_are_not_hashed(
    tmp_path: Path, tiny_bytes: bytes, begin: bytes | None, check: str
) -> None:
    path = write(tmp_path / "huge.gguf", tiny_bytes if begin is None else begin)
    try:
        os.truncate(path, 10 << 40)
    except OSError:  # this file system has a limit of its own
        os.truncate(path, 1 << 40)
    found = inspect(path)
    assert {finding.check for finding in found.failures} == {check}
    assert found.unhashed
    assert found.files[0].sha256 is None


def test_a_hostile_template_is_hashed_all_the_same(tmp_path: Path) -> None:
    """Somebody may want to look it up."""
    found = inspect(write(tmp_path / "walk.gguf", maker.make_model(template=WALK)))
    assert {finding.check for finding in found.failures} == {"chat-template"}
    assert found.files[0].sha256
    assert not found.unhashed


def test_every_chat_template_is_found(tmp_path: Path) -> None:
    second = {"tokenizer.chat_template.tool_use": "{{ tools }}"}
    found = inspect(write(tmp_path / "two.gguf", maker.make_model(metadata=second)))
    assert [(template.key, template.source) for template in found.templates] == [
        ("tokenizer.chat_template", maker.TEMPLATE),
        ("tokenizer.chat_template.tool_use", "{{ tools }}"),
    ]
    for template in found.templates:
        assert template.sha256 == hashlib.sha256(template.source.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "form", "check"),
    [
        ("data.jsonl", b'{"a": 1}\n{"a": 2}\n', "JSONL", ""),
        ("data.csv", b"a,b\n1,2\n3,4\n", "CSV", ""),
        ("notes.txt", b"A word in time.\n", "plain text", ""),
        ("model.bin", pickle.dumps([*range(99)], 4), "pickle", "file-type"),
        ("model.gguf", pickle.dumps([*range(99)], 4), "pickle", "file-type"),
    ],
)
def test_other_files(tmp_path: Path, name: str, content: bytes, form: str, check: str) -> None:
    found = inspect(write(tmp_path / name, content))
    assert form in found.format
    assert {finding.check for finding in found.failures} == ({check} if check else set())
    assert found.files[0].sha256 == hashlib.sha256(content).hexdigest()
    assert found.headers == ()


def test_a_disk_that_fails(tiny_model: Path, tmp_path: Path) -> None:
    """As one does on which nothing can be read: what could be opened is no bug of ours."""
    with tiny_model.open("rb") as good, tiny_model.open("ab") as deaf:
        header = reader.read_gguf(good.fileno(), tiny_model.stat().st_size)
        with pytest.raises(DocumentError, match="cannot read the file: Bad file descriptor"):
            model._judge([OpenGguf(deaf.fileno(), header)])
        with pytest.raises(DocumentError, match="cannot read the file: Bad file descriptor"):
            recognise(deaf.fileno(), 100, "data.csv")


def test_nothing_stays_open(tmp_path: Path, tiny_model: Path, tiny_bytes: bytes) -> None:
    short = write(tmp_path / "short.gguf", tiny_bytes[:3000])
    before = open_descriptors()
    inspect(tiny_model)
    inspect(short)
    assert open_descriptors() == before


def test_without_digests_nothing_is_hashed(tiny_model: Path) -> None:
    found = inspect_path(tiny_model, context=512, hashed=False)
    assert (found.files[0].sha256, found.files[0].tree) == (None, None)
    assert found.templates and found.headers


def test_the_document(tmp_path: Path, tiny_model: Path) -> None:
    document = inspection_document(inspect(tiny_model), 0)
    assert json.loads(json.dumps(document)) == document
    assert list(document) == [
        "schema",
        "path",
        "format",
        "facts",
        "files",
        "templates",
        "findings",
        "exit_code",
    ]
    assert document["schema"] == "localai.inspection/1"
    facts, files, findings = document["facts"], document["files"], document["findings"]
    assert isinstance(facts, dict) and facts["architecture"] == "llama"
    assert isinstance(files, list) and set(files[0]) == {"name", "size", "sha256", "tree_sha256"}
    assert isinstance(findings, list)
    assert set(findings[0]) >= {"check", "verdict", "summary", "evidence", "remedy"}
    refused = inspect(write(tmp_path / "none.gguf", b"GGUF"))
    assert inspection_document(refused, 3)["exit_code"] == 3
    assert refused.failures[0].verdict is Verdict.FAIL
