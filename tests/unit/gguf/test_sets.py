"""Whether files are one whole set, by what they say."""

from __future__ import annotations

import pytest

import gguf_maker as maker
from gguf_reading import read
from localai.gguf.check import check_structure
from localai.gguf.sets import find_belonging


def numbered(parts: maker.Parts, number: int, count: int) -> maker.Parts:
    """The same as part ``number``, from 0, of ``count``."""
    return say(parts, "split.no", maker.U16, number, "split.count", maker.U16, count)


def say(parts: maker.Parts, *said: object) -> maker.Parts:
    """The same with other values: of each a key, a type and a content."""
    entries = list(parts.entries)
    for key, kind, content in zip(said[::3], said[1::3], said[2::3], strict=True):
        assert isinstance(key, str)
        assert isinstance(kind, int)
        entries = [entry for entry in entries if not entry.startswith(maker.string(key))]
        entries.append(maker.entry(key, kind, content))
    return parts._replace(entries=tuple(entries))


FIRST, SECOND = maker.split_parts()
WHOLE = maker.model_parts()
ARCHITECTURE = ("general.architecture", maker.STRING)
WRONG: dict[str, tuple[list[maker.Parts], str]] = {
    "only the first": ([FIRST], "the file is one of 2 parts; found 1"),
    "only the second": ([SECOND], "the file is one of 2 parts; found 1"),
    "one of three missing": (
        [numbered(FIRST, 0, 3), numbered(SECOND, 1, 3)],
        "the file is one of 3 parts; found 2",
    ),
    "three of two": ([FIRST, SECOND, SECOND], "the file is one of 2 parts; found 3"),
    "behind a whole model": ([WHOLE, SECOND], "the file is one of 1 parts; found 2"),
    "the first twice": ([FIRST, FIRST], "the files say that they are parts 1, 1 of 2"),
    "the second twice": ([SECOND, SECOND], "the files say that they are parts 2, 2 of 2"),
    "turned round": ([SECOND, FIRST], "the files say that they are parts 2, 1 of 2"),
    "a whole model as the second": ([FIRST, WHOLE], "file 2 of 2 says that it is no part"),
    "of a set of three": (
        [FIRST, numbered(SECOND, 1, 3)],
        "file 2 of 2 says that it is part 2 of 3",
    ),
    "a number behind the last": (
        [FIRST, numbered(SECOND, 65_535, 2)],
        "file 2 of 2 says that it is part 65536 of 2",
    ),
    "another architecture": (
        [FIRST, say(SECOND, *ARCHITECTURE, "qwen2")],
        "file 2 of 2 and the first differ in 'general.architecture'",
    ),
    "another number of tensors": (
        [FIRST, say(SECOND, "split.tensors.count", maker.I32, 22)],
        "file 2 of 2 and the first differ in 'split.tensors.count'",
    ),
    "a tensor fewer": (
        [FIRST, SECOND._replace(tensors=SECOND.tensors[:-1])],
        "20 tensors in 20 places; expected 21",
    ),
    "one tensor in both": (
        [FIRST, SECOND._replace(tensors=(*SECOND.tensors[:-1], FIRST.tensors[0]))],
        "20 tensors in 21 places; expected 21",
    ),
    "no number of tensors": (
        [
            parts._replace(entries=tuple(e for e in parts.entries if b"split.tensors" not in e))
            for parts in (FIRST, SECOND)
        ],
        "21 tensors in 21 places; expected None",
    ),
    "a number that llama.cpp ends for": (
        [FIRST, say(SECOND, "split.no", maker.U32, 1)],
        "split.no is of type UINT32; expected UINT16",
    ),
    "a count of another type": (
        [say(WHOLE, "split.count", maker.U32, 1)],
        "split.count is of type UINT32; expected UINT16",
    ),
}


@pytest.mark.parametrize("flaw", WRONG)
def test_what_is_no_whole_set_fails(flaw: str) -> None:
    parts, evidence = WRONG[flaw]
    (finding,) = find_belonging([read(part) for part in parts])
    assert finding.evidence == evidence
    assert finding.refuses
    assert "all parts" in finding.remedy
    assert finding in check_structure([read(part) for part in parts])


def test_each_flaw_has_its_own_summary() -> None:
    said = {flaw: find_belonging(list(map(read, WRONG[flaw][0])))[0].summary for flaw in WRONG}
    assert said["only the first"] == said["one of three missing"] == "a part is missing"
    assert said["three of two"] == said["behind a whole model"] == "a part too many"
    assert said["the first twice"] == said["the second twice"] == "a part is there twice"
    assert said["turned round"] == "parts in another order"
    assert said["of a set of three"] == said["a number behind the last"] == "a part of another set"
    assert said["another architecture"] == said["one tensor in both"] == "a part of another model"


def test_a_whole_set_of_any_number_belongs_together() -> None:
    assert not find_belonging([read(WHOLE)])
    assert not find_belonging([read(numbered(WHOLE, 0, 1))])
    assert not find_belonging([read(FIRST), read(SECOND)])
    last = SECOND._replace(tensors=(maker.tensor_info("last", [8], 0, 0),))
    three = [
        say(numbered(part, number, 3), "split.tensors.count", maker.I32, 22)
        for number, part in enumerate((FIRST, SECOND, last))
    ]
    assert not find_belonging([read(part) for part in three])
