"""What is looked at is what is pinned: whoever changes the file in between changes nothing."""

from __future__ import annotations

import os
import struct
import traceback
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.errors import DocumentError, LocalAIError, StateError
from localai.findings import Finding, Verdict
from localai.inspection import candidate
from localai.inspection.candidate import Candidate
from localai.inspection.proposed import propose
from localai.manifest.draft import Stated
from localai.manifest.proposal import parse_proposal, write_proposal
from localai.manifest.schema import Kind, Use
from localai.sandbox import kernel

# One tensor of safetensors.
HEADER = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(4)
ANOTHER = 61200  # a uid that is not this one's


def apart(work: Callable[[], None]) -> None:
    """Do ``work`` in a child, since a process that looks at a candidate hides for good; fail the
    test if it fails."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def overwrite(path: Path, content: bytes) -> None:
    """Other bytes in the same file, not another file of its name."""
    with path.open("r+b") as file:
        file.write(content)


def lowest_free() -> int:
    """The number that the next descriptor gets: a hidden process may not list those it has."""
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    return free


def no_memory(files: object) -> bool:
    return False


@pytest.fixture
def other(tiny_bytes: bytes) -> bytes:
    """Another model of the same size."""
    content = maker.make_model(seed=2)
    assert len(content) == len(tiny_bytes)
    return content


def refuse(path: Path, error: type[LocalAIError], words: str) -> None:
    with pytest.raises(error, match=words):
        Candidate(path).close()


def test_what_was_copied_is_what_is_shown(
    tiny_model: Path, tiny_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file changes after the first look, before the copy: no finding, no template of what it
    was before may be left."""
    poisoned = maker.make_model(template=maker.TEMPLATE[:-7] + "xxxxxx}")
    assert len(poisoned) == len(tiny_bytes) and poisoned != tiny_bytes
    find_room = candidate._find_room

    def work() -> None:
        def change() -> int:
            overwrite(tiny_model, poisoned)
            return find_room()

        monkeypatch.setattr(candidate, "_find_room", change)
        looked = Candidate(tiny_model)
        shown = [template.source for template in looked.inspection.templates]
        (file,) = looked.measure()
        assert file.sha256 == sha256(poisoned).hexdigest()
        assert shown == [looked.inspection.headers[0].template] != [maker.TEMPLATE]

    apart(work)


def test_what_was_looked_at_is_pinned(tiny_model: Path, tiny_bytes: bytes, other: bytes) -> None:
    def work() -> None:
        looked = Candidate(tiny_model)
        assert not looked.refused
        overwrite(tiny_model, other)
        (file,) = looked.measure()
        assert file.sha256 == sha256(tiny_bytes).hexdigest()
        assert (file.name, file.size) == ("tiny.gguf", len(tiny_bytes))

    apart(work)


def test_without_memory_for_a_copy_a_change_is_noticed(tiny_model: Path, other: bytes) -> None:
    def work() -> None:
        candidate._fits = no_memory
        tiny_model.chmod(0o600)
        looked = Candidate(tiny_model)
        overwrite(tiny_model, other)
        with pytest.raises(DocumentError, match="was changed after it was looked at"):
            looked.measure()

    apart(work)


def test_without_either_another_model_would_be_pinned(tiny_model: Path, other: bytes) -> None:
    def work() -> None:
        candidate._fits = no_memory
        candidate._stamp = lambda file: (0, 0, 0)
        tiny_model.chmod(0o600)
        looked = Candidate(tiny_model)
        overwrite(tiny_model, other)
        assert looked.measure()[0].sha256 == sha256(other).hexdigest()

    apart(work)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_may_write_needs_a_copy(tiny_model: Path, mode: int) -> None:
    def work() -> None:
        tiny_model.chmod(mode)
        Candidate(tiny_model).close()  # there is memory
        candidate._fits = no_memory
        refuse(tiny_model, StateError, "could be changed by another account")

    apart(work)


def test_what_belongs_to_another_needs_a_copy(tiny_model: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a file away")

    def work() -> None:
        candidate._fits = no_memory
        tiny_model.chmod(0o600)
        Candidate(tiny_model).close()
        os.chown(tiny_model, ANOTHER, ANOTHER)
        refuse(tiny_model, StateError, "could be changed by another account")

    apart(work)


def test_what_is_refused_is_not_copied(tmp_path: Path, tiny_bytes: bytes) -> None:
    path = tmp_path / "huge.gguf"
    path.write_bytes(tiny_bytes)
    os.truncate(path, 1 << 40)

    def work() -> None:
        looked = Candidate(path)
        assert looked.refused
        assert kernel.prctl(kernel.PR_GET_DUMPABLE) == 1

    apart(work)


def test_what_was_not_looked_at_is_refused(tiny_model: Path) -> None:
    def work() -> None:
        looked = Candidate(tiny_model)
        unknown = Finding("gguf-tokenizer", Verdict.NOT_CHECKED, "too many tokens")
        looked.inspection = looked.inspection._replace(findings=(unknown,))
        assert looked.refused

    apart(work)


def test_an_adapter_is_approved_as_one(tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    unloadable = maker.make_model(metadata={"general.type": "adapter"})
    path.write_bytes(maker.make_adapter())
    kinds = ((Kind.MODEL, True), (Kind.DRAFT, True), (Kind.ADAPTER, False))

    def work() -> None:
        for kind, refused in kinds:
            looked = Candidate(path, kind=kind)
            assert looked.refused is refused
            looked.close()
        path.write_bytes(unloadable)
        assert Candidate(path, kind=Kind.ADAPTER).refused

    apart(work)


@pytest.mark.parametrize("memory", [True, False])
def test_a_dataset_in_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: bool
) -> None:
    """All of it is one artifact, and what was looked at is what is measured."""
    if not memory:
        monkeypatch.setattr(candidate, "_fits", no_memory)
    paths = [tmp_path / f"rows-0000{number}-of-00002.csv" for number in (0, 1)]
    contents = b"a,b\n1,2\n", b'a,b\n3,=HYPERLINK("x")\n5,6\n'
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
        path.chmod(0o600)

    def work() -> None:
        looked = Candidate(paths[0])
        assert not looked.refused
        facts = {fact.name: fact.value for fact in looked.inspection.facts}
        assert (facts["rows"], facts["columns"]) == (5, ("2: a, b",))
        evidence = [one.evidence for one in looked.findings if one.summary == "formulas"]
        assert evidence == [f'{paths[1].name}: line 2: =HYPERLINK("x")']
        overwrite(paths[0], b"a,b\n9,9\n")
        if memory:
            digests = [sha256(content).hexdigest() for content in contents]
            assert [file.sha256 for file in looked.measure()] == digests
        else:
            with pytest.raises(DocumentError, match="changed after it was looked at"):
                looked.measure()

    apart(work)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.gguf", b"hello\n" * 9),
        ("rows.json", b"[1, 2]\n"),
        ("zeros.csv", b"a,b\n" + bytes(1 << 20)),
        ("rows.jsonl", b'{"a": "\\u0069", "a": 1}\n'),
        ("m.pkl", b"\x80\x04cos\nsystem\n."),
    ],
)
def test_what_is_no_sound_dataset_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    def work() -> None:
        assert Candidate(path).refused

    apart(work)


def test_what_is_said_of_many_files_is_said_once(tmp_path: Path) -> None:
    """Else nobody could read it, and no proposal would hold it."""
    paths = [tmp_path / f"rows-{number:05}-of-00500.jsonl" for number in range(500)]
    for path in paths:
        path.write_bytes(b'{"a": 1}\n{\n"\xe2\x80\x8b"\n')

    def work() -> None:
        looked = Candidate(paths[0])
        summaries = [one.summary for one in looked.findings]
        assert summaries == ["read", "hidden characters", "no JSON", "no objects"]
        (evidence,) = [one.evidence for one in looked.findings if one.summary == "no JSON"]
        first, *_, eighth, more = evidence.split("; ")
        assert first == f"{paths[0].name}: line 2: {{"
        assert eighth.startswith(paths[7].name) and more == "and in 492 more files"
        stated = Stated(Use(("evaluation",), ("public",)))
        proposal = propose(looked.inspection, looked.measure(), stated, "me", date(2026, 1, 1))
        assert parse_proposal(write_proposal(proposal)).findings == looked.findings

    apart(work)


@pytest.mark.parametrize(
    ("content", "check", "summary"),
    [
        (WEIGHTS, "dataset", "not data"),
        (maker.make_model(), "dataset", "not data"),
        (b"\x80\x04cos\nsystem\n.", "file-type", "refused"),
    ],
    ids=["safetensors", "GGUF", "pickle"],
)
def test_a_dataset_has_no_part_that_is_none(
    tmp_path: Path, content: bytes, check: str, summary: str
) -> None:
    """It would be approved as data, which nobody read, because another file is data."""
    paths = [tmp_path / f"rows-0000{number}-of-00002.jsonl" for number in (0, 1)]
    paths[0].write_bytes(b'{"a": 1}\n')
    paths[1].write_bytes(content)

    def work() -> None:
        looked = Candidate(paths[0])
        assert looked.refused
        (finding,) = [one for one in looked.findings if one.refuses]
        assert (finding.check, finding.summary) == (check, summary)
        assert finding.evidence.startswith(f"{paths[1].name}: ") and finding.remedy

    apart(work)


def test_a_name_that_no_entry_may_hold(tmp_path: Path, tiny_bytes: bytes) -> None:
    path = tmp_path / "con.gguf"
    path.write_bytes(tiny_bytes)
    apart(lambda: refuse(path, DocumentError, "is the name of a device"))


def test_closing_leaves_no_descriptor(tmp_path: Path) -> None:
    paths = [tmp_path / f"tiny-0000{number}-of-00002.gguf" for number in (1, 2)]
    for path, content in zip(paths, maker.make_split(), strict=True):
        path.write_bytes(content)

    def work() -> None:
        before = lowest_free()
        looked = Candidate(paths[0])
        looked.measure()
        looked.close()
        looked.close()
        assert lowest_free() == before

    apart(work)
