"""The faster reader of manifests: what it reads, the strict reader reads, and reads the same."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from drawn import manifests
from hypothesis import given

from fuzzing.manifest import read_strictly
from localai import document
from localai.document import decode_text
from localai.document.linewise import read_linewise
from localai.document.yamltree import read_tree
from localai.errors import DocumentError
from localai.gguf.facts import GgufFacts
from localai.manifest import schema, written
from localai.manifest.provenance import Form, Provenance, tie_to
from localai.manifest.schema import (
    ENTRIES,
    LIMIT,
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    Source,
    Use,
    parse_manifest,
    read_yaml,
)
from localai.manifest.write import write_manifest
from localai.manifest.written import read_written

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "manifest").glob("*.yaml"))
DAY = date(2026, 1, 1)
FILES = (
    ArtifactFile("one-1-of-2.gguf", 2**50, "1" * 64, "2" * 64),
    ArtifactFile("Größe + (2).gguf", 1, "3" * 64),
)
ADAPTER = Entry(
    "adapter",
    "An adapter",
    Kind.ADAPTER,
    "MIT",
    Source("Example", "example/adapter"),
    (ArtifactFile("adapter.gguf", 5, "9" * 64),),
    GgufFacts("llama", 0),
    Approval("A. Officer", DAY, DAY),
    Use(("evaluation",), ("public",)),
)
FULL = Entry(
    "full",
    'The "full" one: 模型 \\ #1',
    Kind.MODEL,
    "Apache-2.0",
    Source("Example", "example/full", "abc", ("example/base", "a, b"), "hub.example"),
    FILES,
    GgufFacts("llama", 2**31 - 1, "4" * 64),
    Approval("A. Officer", DAY, date(2027, 1, 1), True, "CHG-1"),
    Use(("evaluation", "other"), ("public",), ("it-staff",), ("a person reviews: always",)),
    "Two lines:\nthe second.",
    ("adapter",),
    (Provenance(Form.OMS, "full", "5" * 64, "6" * 64, tie_to(f.sha256 for f in FILES), DAY),),
)
MANIFEST = Manifest("vectors", 3, DAY, date(2026, 4, 1), (ADAPTER, FULL), "For: tests.")
TEXT = write_manifest(MANIFEST).decode()


def agree(text: str) -> Manifest | None:
    """What the faster reader reads, held against what the strict one does."""
    found = read_written(text)
    if found is not None:
        assert found == read_strictly(text.encode())
    return found


@given(manifests())
def test_a_small_one_is_read_line_by_line(manifest: Manifest) -> None:
    """So that a start needs no YAML library."""
    raw = write_manifest(manifest)
    text = decode_text(raw, limit=LIMIT)
    tree = read_linewise(text)
    assert tree is not None
    assert tree == read_tree(text, LIMIT)
    assert read_yaml(raw) == manifest


@given(manifests())
def test_all_that_is_written_is_read(manifest: Manifest) -> None:
    expected = manifest if manifest.entries else None
    assert agree(write_manifest(manifest).decode()) == expected


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        assert value
        for one in value:
            yield from leaves(one)
    else:
        yield value


def test_no_field_is_left_to_the_strict_reader() -> None:
    """A new field of the schema fails here until the faster reader knows it."""
    assert all(leaf or leaf == 0 for leaf in leaves(FULL._replace(files=FILES[:1])))
    assert agree(TEXT) == MANIFEST


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    found = agree(path.read_text())
    assert found or path.stem != "accepted"


COMMENTS = ("", "   ", "# at the edge", "        # further in: than all", '#"', "# - id: x", "# \\")


@pytest.mark.parametrize("comment", COMMENTS)
def test_comments_and_empty_lines_may_stand_anywhere(comment: str) -> None:
    for at in range(TEXT.count("\n")):
        lines = TEXT.splitlines()
        lines.insert(at, comment)
        assert agree("\n".join(lines) + "\n") == MANIFEST


class Flaw(NamedTuple):
    """What of ``TEXT`` is replaced by what."""

    old: str
    new: str


REFUSED = {
    "no such day": Flaw("on: 2026-01-01", "on: 2026-02-30"),
    "year zero": Flaw("on: 2026-01-01", "on: 0000-01-01"),
    "checked on no day": Flaw("checked: 2026-01-01", "checked: 2026-02-29"),
    "review before": Flaw("review-by: 2027-01-01", "review-by: 2025-12-31"),
    "size 0": Flaw("size: 1\n", "size: 0\n"),
    "too large a file": Flaw(f"size: {2**50}", f"size: {2**50 + 1}"),
    "zero first": Flaw("size: 1\n", "size: 01\n"),
    "too many tensors": Flaw(f"tensors: {2**31 - 1}", f"tensors: {2**31}"),
    "a device": Flaw("one-1-of-2.gguf", "nul.gguf"),
    "a name not in form C": Flaw("Größe", "Gro\u0308ße"),
    "same name": Flaw('"Größe + (2).gguf"', "ONE-1-OF-2.gguf"),
    "a dataset with facts": Flaw("kind: adapter", "kind: dataset"),
    "an unknown kind": Flaw("kind: adapter", "kind: adapters"),
    "a model without facts": Flaw(
        f"    gguf:\n      architecture: llama\n      tensors: {2**31 - 1}\n"
        f"      template-sha256: {'4' * 64}\n",
        "",
    ),
    "a purpose twice": Flaw("[evaluation, other]", "[evaluation, evaluation]"),
    "a purpose twice, in quotes": Flaw("[evaluation, other]", '[evaluation, "evaluation"]'),
    "no purpose": Flaw("[evaluation, other]", "[]"),
    "a long text": Flaw("ticket: CHG-1", f"ticket: {'x' * 201}"),
    "a long text in quotes": Flaw("ticket: CHG-1", f'ticket: "{"é" * 201}"'),
    "a long text of escapes": Flaw("ticket: CHG-1", 'ticket: "{}"'.format('\\"' * 201)),
    "a long note": Flaw('"Two lines:\\nthe second."', f'"{"x" * 3999}\\n."'),
    "a long name": Flaw("one-1-of-2.gguf", f"{'x' * 252}.gguf"),
    "an empty text": Flaw("ticket: CHG-1", 'ticket: ""'),
    "a blank text": Flaw("ticket: CHG-1", 'ticket: "  "'),
    "a blank note": Flaw('"Two lines:\\nthe second."', '" \\n "'),
    "no value": Flaw("ticket: CHG-1", "ticket: "),
    "two lines": Flaw("ticket: CHG-1", 'ticket: "a\\nb"'),
    "no text for YAML": Flaw("ticket: CHG-1", 'ticket: "\ufffe"'),
    "no comment for YAML": Flaw("    use:\n", "    # \uffff\n    use:\n"),
    "an identifier twice": Flaw("id: adapter", "id: full"),
    "a digest twice": Flaw("9" * 64, "2" * 64),
    "a companion that is none": Flaw("kind: adapter", "kind: model"),
    "a companion that is not there": Flaw("[adapter]", "[adapters]"),
    "provenance of other files": Flaw("1" * 64, "7" * 64),
    "an unknown form": Flaw("form: oms", "form: gpg"),
    "a capital in a digest": Flaw("9" * 64, "A" * 64),
    "a key too many": Flaw("    use:\n", "    used: x\n    use:\n"),
    "a key twice": Flaw("      ticket: CHG-1\n", "      ticket: CHG-1\n      ticket: CHG-1\n"),
    "a key missing": Flaw("    licence: MIT\n", ""),
    "a tag": Flaw("kind: adapter", "kind: !x adapter"),
    "an anchor": Flaw("kind: adapter", "kind: &x adapter"),
    "a colon": Flaw("ticket: CHG-1", "ticket: CHG: 1"),
    "a second document": Flaw("  - id: full", "---\n  - id: full"),
    "expired before": Flaw("expires: 2026-04-01", "expires: 2025-04-01"),
    "an open quote before": Flaw("entries:\n", 'x: "\nentries:\n'),
    "entries twice": Flaw("entries:\n", "entries: []\nentries:\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_schema_refuses_is_left_to_the_strict_reader(name: str) -> None:
    old, new = REFUSED[name]
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    assert read_written(text) is None
    with pytest.raises(DocumentError):
        read_strictly(text.encode())


OTHER_STYLES = {
    "single quotes": Flaw("ticket: CHG-1", "ticket: 'CHG-1'"),
    "an escape of YAML": Flaw("ticket: CHG-1", 'ticket: "\\x43HG-1"'),
    "a comment behind a value": Flaw("ticket: CHG-1", "ticket: CHG-1  # ours"),
    "a space behind a value": Flaw("ticket: CHG-1", "ticket: CHG-1 "),
    "a value on two lines": Flaw("ticket: CHG-1", "ticket: CHG\n        one"),
    "a value on the next line": Flaw("ticket: CHG-1", "ticket:\n        CHG-1"),
    "a quote over lines": Flaw("ticket: CHG-1", 'ticket: "CHG\n        # 1"'),
    "block text": Flaw('note: "Two lines:\\nthe second."', "note: |\n      Two.\n      # not one"),
    "a list of lines": Flaw("[it-staff]", "\n        - it-staff"),
    "other indentation": Flaw("    use:\n      purposes", "    use:\n       purposes"),
    "a key after the entries": Flaw('note: "For: tests."\n', ""),
    "another order": Flaw("    kind: model\n    licence: Apache-2.0\n", "    kind: model\n"),
}


@pytest.mark.parametrize("name", OTHER_STYLES)
def test_other_styles_are_left_to_the_strict_reader(name: str) -> None:
    text = TEXT.replace(*OTHER_STYLES[name], 1)
    assert text != TEXT
    if name == "a key after the entries":
        text += "note: after\n"
    if name == "another order":
        text += "    licence: Apache-2.0\n"
    if name == "other indentation":
        text = text.replace("\n      data", "\n       data")
    assert read_written(text) is None


def test_a_reader_that_forgets_a_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above can fail."""
    text = TEXT.replace(*REFUSED["a device"], 1)
    monkeypatch.setattr(written, "find_name_problem", lambda _: None)
    with pytest.raises(DocumentError, match="device"):
        agree(text)


def many(count: int) -> bytes:
    """A manifest of so many entries."""
    head, begin, rest = TEXT.partition("  - id")
    one = begin + rest.partition(begin)[0]
    numbers = range(count)
    ids = (one.replace("id: adapter", f"id: adapter-{number}") for number in numbers)
    each = (
        text.replace("9" * 64, f"{number:064x}") for number, text in zip(numbers, ids, strict=True)
    )
    return (head + "".join(each)).encode()


def test_there_is_a_most_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "ENTRIES", 3)
    assert agree(many(3).decode())
    assert read_written(many(4).decode()) is None
    with pytest.raises(DocumentError, match=f"{ENTRIES + 1} items: at most {ENTRIES} are allowed"):
        parse_manifest(
            TEXT.partition("entries:")[0].encode() + b"entries: [" + b"{}," * (ENTRIES + 1) + b"]"
        )


def read_with_room(most: int, monkeypatch: pytest.MonkeyPatch) -> Manifest | None:
    """What is read where a document may have so many values."""
    for module in (document, written):
        monkeypatch.setattr(module, "BYTES_A_VALUE", LIMIT / most)
    return agree(TEXT)


def test_what_holds_too_many_values_is_left_to_the_strict_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = [read_with_room(most, monkeypatch) is not None for most in range(50, 350)]
    assert not read[0]
    assert read[-1]


def test_a_reader_that_does_not_count_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_A_LINE", 1)
    with pytest.raises(DocumentError, match="values that are allowed"):
        for most in range(50, 350):
            read_with_room(most, monkeypatch)


def test_a_large_manifest_is_read_without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = many(300)
    expected = read_strictly(raw)

    def refuse(_: bytes) -> Manifest:
        raise DocumentError("read as YAML")

    monkeypatch.setattr(schema, "read_yaml", refuse)
    assert parse_manifest(raw) == expected
    with pytest.raises(DocumentError, match="read as YAML"):  # and a small one is not
        parse_manifest(many(1))


def test_of_a_large_manifest_it_is_said_what_is_wrong() -> None:
    before, on, after = many(300).decode().rpartition("on: 2026-01-01")
    with pytest.raises(DocumentError, match="entries 300: approval: on: 2026-13-01: no such day"):
        parse_manifest(f"{before}on: 2026-13-01{after}".encode())
    with pytest.raises(DocumentError, match="line 8: the character U\\+202E is not allowed"):
        parse_manifest(f"{before}{on}{after}".replace("For:", "\u202e").encode())


def test_a_large_manifest_in_another_style_is_read_too() -> None:
    raw = many(300)
    assert parse_manifest(raw.replace(b"llama", b"'llama'", 1)) == read_strictly(raw)


def test_the_garbage_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    for text in (TEXT, TEXT.replace("2026-01-01", "2026-13-01")):
        read_written(text)
        assert gc.isenabled()
    gc.disable()
    try:
        read_written(TEXT)
        assert not gc.isenabled()
    finally:
        gc.enable()
