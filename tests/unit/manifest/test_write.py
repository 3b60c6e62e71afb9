"""Writing a manifest and reading it back gives the same manifest."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from drawn import manifests
from hypothesis import given

from localai.errors import DocumentError, StateError
from localai.manifest.schema import (
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    parse_manifest,
)
from localai.manifest.write import (
    add_entry,
    remove_entry,
    renew,
    replace_entries,
    write_manifest,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "manifest"


@given(manifests())
def test_reading_what_was_written_gives_the_same(manifest: Manifest) -> None:
    assert parse_manifest(write_manifest(manifest)) == manifest


@pytest.mark.parametrize("path", sorted(VECTORS.glob("accepted*.yaml")), ids=lambda p: p.stem)
def test_vectors_survive(path: Path) -> None:
    manifest = parse_manifest(path.read_bytes())
    assert parse_manifest(write_manifest(manifest)) == manifest


def test_it_reads_like_prose() -> None:
    raw = (VECTORS / "accepted.yaml").read_bytes()
    body = raw.split(b"\n", 1)[1].decode()
    assert write_manifest(parse_manifest(raw)).decode().endswith(body)


def test_nothing_is_written_that_could_not_be_read() -> None:
    manifest = parse_manifest((VECTORS / "accepted.yaml").read_bytes())
    with pytest.raises(DocumentError, match="U\\+202E"):
        write_manifest(manifest._replace(note="a\u202eb"))
    with pytest.raises(DocumentError, match="lies before"):
        write_manifest(manifest._replace(expires=date(2020, 1, 1)))
    with pytest.raises(DocumentError, match="the id model-one stands twice"):
        write_manifest(manifest._replace(entries=manifest.entries * 2))


def new_entry() -> Entry:
    (entry,) = parse_manifest((VECTORS / "accepted.yaml").read_bytes()).entries
    file = ArtifactFile("other.gguf", 5, "a" * 64)
    return entry._replace(id="other", files=(file,))


def test_adding_keeps_comments_and_raises_the_version() -> None:
    raw = (VECTORS / "accepted.yaml").read_bytes() + b"    # the last word\n"
    added = add_entry(raw, new_entry())
    before, after = parse_manifest(raw), parse_manifest(added)
    assert after.version == before.version + 1
    assert after.entries == (*before.entries, new_entry())
    assert b"# the last word" in added
    assert added.startswith(b"# expect: accepted")


def test_adding_to_an_empty_manifest() -> None:
    raw = (VECTORS / "accepted-no-entries.yaml").read_bytes()
    added = add_entry(raw, new_entry())
    assert parse_manifest(added).entries == (new_entry(),)
    assert added.startswith(b"# expect: accepted")


def test_adding_to_a_manifest_in_another_layout() -> None:
    flow = b"""{schema: localai.manifest/1, name: x, version: 7, issued: 2026-01-01,
    expires: 2026-02-01, entries: []}"""
    after = parse_manifest(add_entry(flow, new_entry()))
    assert (after.version, after.entries) == (8, (new_entry(),))


def test_adding_an_entry_again_replaces_it() -> None:
    raw = (VECTORS / "accepted-two-entries.yaml").read_bytes()
    again = parse_manifest(raw).entries[0]._replace(licence="MIT")
    after = parse_manifest(add_entry(raw, again))
    assert [entry.id for entry in after.entries] == ["model-two", "model-one"]
    assert after.entries[1].licence == "MIT"


def test_adding_a_file_that_is_listed_is_refused() -> None:
    raw = (VECTORS / "accepted.yaml").read_bytes()
    (entry,) = parse_manifest(raw).entries
    with pytest.raises(DocumentError, match="stands twice"):
        add_entry(raw, entry._replace(id="another"))


def test_renewing_keeps_comments_and_entries() -> None:
    raw = (VECTORS / "accepted.yaml").read_bytes()
    renewed = renew(raw, date(2026, 5, 1), 30)
    before, after = parse_manifest(raw), parse_manifest(renewed)
    assert after == before._replace(version=4, issued=date(2026, 5, 1), expires=date(2026, 5, 31))
    assert renewed.startswith(b"# expect: accepted")
    assert renewed.count(b"\n") == raw.count(b"\n")


def test_renewing_another_layout() -> None:
    flow = b"""{schema: localai.manifest/1, name: x, version: 7, issued: 2026-01-01,
    expires: 2026-02-01, entries: []}"""
    after = parse_manifest(renew(flow, date(2026, 5, 1), 1))
    assert (after.version, after.expires) == (8, date(2026, 5, 2))


@pytest.mark.parametrize("day", [date(2024, 5, 1), date(2025, 12, 30)])
def test_with_a_clock_that_is_behind_nothing_is_renewed(day: date) -> None:
    """Else it would be over by the time the clock is right. A signer's day may begin earlier."""
    raw = write_manifest(Manifest("own", 1, date(2026, 1, 1), date(2027, 1, 1), ()))
    with pytest.raises(StateError, match="issued on 2026-01-01, and this host says") as refused:
        renew(raw, day, 90)
    assert "clock" in refused.value.hint
    assert parse_manifest(renew(raw, date(2025, 12, 31), 90)).version == 2


def test_what_is_no_text_is_not_written() -> None:
    """Words from a command line in another encoding come as lone surrogates."""
    manifest = Manifest("own", 1, date(2026, 1, 1), date(2027, 1, 1), (), note="caf\udce9")
    with pytest.raises(DocumentError, match="would not be UTF-8"):
        write_manifest(manifest)


def two_entries() -> tuple[bytes, Entry, Entry]:
    """A manifest of two with comments, in localai's own layout, and its entries."""
    one = parse_manifest((VECTORS / "accepted.yaml").read_bytes())
    (first,) = one.entries
    second = first._replace(
        id="model-two", files=(ArtifactFile("two.gguf", 5, "6" * 64),), note="a\nb"
    )
    raw = write_manifest(one._replace(entries=(first, second)))
    text = raw.decode().replace("  - id: model-two", "  # on the second\n  - id: model-two")
    return f"# ours\n{text}# the end\n".encode(), first, second


def test_an_entry_is_replaced_where_it_stands() -> None:
    raw, first, second = two_entries()
    for entry in (first, second):
        new = entry._replace(licence="MIT")
        written = replace_entries(raw, [new])
        after = parse_manifest(written)
        assert after.version == parse_manifest(raw).version + 1
        assert [new if one.id == new.id else one for one in (first, second)] == [*after.entries]
        for comment in (b"# ours\n", b"  # on the second\n", b"# the end\n"):
            assert comment in written


def test_an_entry_is_removed_and_comments_stay() -> None:
    raw, first, second = two_entries()
    for gone, kept in ((first, second), (second, first)):
        written = remove_entry(raw, gone.id)
        assert parse_manifest(written).entries == (kept,)
        assert written.startswith(b"# ours\n") and written.endswith(b"# the end\n")
    empty = remove_entry(written, first.id)
    assert parse_manifest(empty).entries == ()
    assert b"# ours\n" in empty


def test_entries_in_another_layout_are_replaced_and_removed_too() -> None:
    raw, first, second = two_entries()
    text = raw.decode().replace("  - id: model-two\n    name:", "  - name:")
    text = text.replace(
        "    kind: model\n    licence", "    kind: model\n    id: model-two\n    licence"
    )
    other = text.replace("    kind: model\n    id: model-two\n", "    kind: model\n", 1).encode()
    assert parse_manifest(other) == parse_manifest(raw)
    assert parse_manifest(remove_entry(other, "model-two")).entries == (first,)
    new = second._replace(name="New")
    assert parse_manifest(replace_entries(other, [new])).entries == (first, new)


def test_nothing_goes_with_what_was_removed() -> None:
    raw, first, second = two_entries()
    adapter = second._replace(kind=Kind.ADAPTER)
    model = first._replace(companions=(adapter.id,))
    manifest = parse_manifest(raw)._replace(entries=(model, adapter))
    after = parse_manifest(remove_entry(write_manifest(manifest), adapter.id))
    assert after.entries == (first,)
