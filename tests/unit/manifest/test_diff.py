"""What changed between two manifests: every field is told, with the right consequence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import pytest

from localai.manifest.diff import Change, Effect, compare
from localai.manifest.schema import ArtifactFile, Entry, Kind, Manifest

ALLOWED, DENIED, WEAKER = Effect.ALLOWED, Effect.DENIED, Effect.WEAKER
STRONGER, OTHER = Effect.STRONGER, Effect.OTHER


def told(old: Manifest, new: Manifest) -> list[tuple[Effect, str]]:
    return [(change.effect, change.what) for change in compare(old, new)]


def with_entry(manifest: Manifest, entry: Entry) -> Manifest:
    """The next version, with its first entry in another form."""
    entries = (entry, *manifest.entries[1:])
    return manifest._replace(version=manifest.version + 1, entries=entries)


def test_nothing_changed(manifest: Manifest) -> None:
    assert compare(manifest, manifest) == ()
    assert compare(manifest, manifest._replace(version=manifest.version + 1)) == ()


def other(value: Any) -> Any:
    """Another value of the same type."""
    if value is None:
        return "other"
    if isinstance(value, StrEnum):
        return Kind.ADAPTER
    if isinstance(value, bool):
        return not value
    if isinstance(value, date):
        return value + timedelta(1)
    if isinstance(value, tuple) and not hasattr(value, "_asdict"):
        return (*value, "other") if not value or isinstance(value[0], str) else value[:0]
    return value + 1 if isinstance(value, int) else f"{value}x"


def variants(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """``value`` with each of its fields changed in turn, however deep, and the field's path."""
    for name, inner in value._asdict().items():
        where = f"{path}.{name}" if path else name
        if hasattr(inner, "_asdict"):
            for deep, changed in variants(inner, where):
                yield deep, value._replace(**{name: changed})
        elif isinstance(inner, tuple) and inner and hasattr(inner[0], "_asdict"):
            for deep, changed in variants(inner[0], where):
                yield deep, value._replace(**{name: (changed, *inner[1:])})
        else:
            yield where, value._replace(**{name: other(inner)})


def test_no_field_changes_in_silence(manifest: Manifest) -> None:
    """Also one that the schema gains tomorrow."""
    seen = []
    for path, changed in variants(manifest):
        seen.append(path)
        if path == "version":
            continue  # both are in the headline; a lower one is a change, below
        assert compare(manifest, changed), path
    assert {"entries.files.tree", "entries.approval.ticket", "entries.use.groups"} <= {*seen}


def test_an_entry_comes_and_goes(manifest: Manifest) -> None:
    empty = manifest._replace(version=manifest.version + 1, entries=())
    (gone,) = compare(manifest, empty)
    grant = "Model One (model) for evaluation, with public data, by every account, until 2027-01-01"
    assert gone == Change(DENIED, "model-one", grant)
    come = compare(empty._replace(version=1), manifest)
    assert come[0] == Change(ALLOWED, "model-one", grant)


def test_a_new_entry_is_told_with_the_digests_that_a_start_goes_by(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    one, two = (
        ArtifactFile(f"{name}.gguf", 1, name * 64, tree)
        for name, tree in (("a", None), ("b", "c" * 64))
    )
    empty = manifest._replace(version=1, entries=())
    new = with_entry(manifest, entry._replace(files=(one, two)))
    assert told(empty, new)[1:3] == [
        (ALLOWED, f"the file a.gguf, sha256 {'a' * 64}"),
        (
            ALLOWED,
            f"the file b.gguf, sha256 {'b' * 64}, or whatever has the tree digest {'c' * 64}",
        ),
    ]


def test_a_new_entry_says_all_that_it_says(manifest: Manifest) -> None:
    """Whoever signs it reads it here; of a file the digest says the size as well."""
    (entry,) = manifest.entries
    empty = manifest._replace(version=1, entries=())
    usual, seen = compare(empty, manifest), []
    for path, changed in variants(entry):
        seen.append(path)
        if path != "files.size":
            assert compare(empty, with_entry(manifest, changed)) != usual, path
    assert {"licence", "source.repository", "companions", "use.safeguards"} <= {*seen}
    alone = entry._replace(approval=entry.approval._replace(self_approved=True))
    what = "A. Officer approves it for themselves"
    assert (WEAKER, what) in told(empty, with_entry(manifest, alone))
    for said in ("licence: Apache-2.0", "approval by: A. Officer"):
        assert (ALLOWED, said) in told(empty, manifest)


def test_another_kind_is_another_use(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    new = with_entry(manifest, entry._replace(kind=Kind.ADAPTER))
    assert told(manifest, new) == [(ALLOWED, "its use as adapter, was as model")]


def test_another_identifier_for_the_same_files_is_the_same_entry(manifest: Manifest) -> None:
    new = with_entry(manifest, manifest.entries[0]._replace(id="renamed"))
    assert told(manifest, new) == [(OTHER, "identifier: model-one -> renamed, the same files")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"purposes": ("evaluation", "grading")}, (ALLOWED, "the purpose grading")),
        ({"purposes": ("a", "b")}, {"purposes": ("b",)}, (DENIED, "the purpose a")),
        ({}, {"data_classes": ("public", "internal")}, (ALLOWED, "internal data")),
        ({"groups": ("it",)}, {}, (ALLOWED, "use by every account, was by it")),
        ({}, {"groups": ("it",)}, (DENIED, "use by accounts outside of it")),
        ({"groups": ("it",)}, {"groups": ("it", "hr")}, (ALLOWED, "use by the group hr")),
        ({"groups": ("it", "hr")}, {"groups": ("it",)}, (DENIED, "use by the group hr")),
        ({"safeguards": ("a", "b")}, {"safeguards": ("a",)}, (WEAKER, "the safeguard b")),
        ({}, {"safeguards": ("a",)}, (STRONGER, "the safeguard a")),
    ],
)
def test_use(
    manifest: Manifest, old: dict[str, Any], new: dict[str, Any], expected: tuple[Effect, str]
) -> None:
    (entry,) = manifest.entries
    before = with_entry(manifest, entry._replace(use=entry.use._replace(**old)))
    after = with_entry(before, entry._replace(use=entry.use._replace(**new)))
    assert told(before, after) == [expected]


def test_the_order_of_what_it_was_made_from_is_told(manifest: Manifest) -> None:
    """The nearest stands first."""
    (entry, *_) = manifest.entries
    one, two = (
        with_entry(manifest, entry._replace(source=entry.source._replace(bases=bases)))
        for bases in (("near", "far"), ("far", "near"))
    )
    assert (OTHER, "source bases: near, far -> far, near") in told(one, two)


def test_the_order_of_a_list_means_nothing(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    one, two = (
        with_entry(manifest, entry._replace(use=entry.use._replace(purposes=purposes)))
        for purposes in (("a", "b"), ("b", "a"))
    )
    assert compare(one, two._replace(version=one.version + 1)) == ()


def test_time_is_permission(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    later = entry.approval._replace(review_by=date(2028, 1, 1))
    new = with_entry(manifest, entry._replace(approval=later))
    assert told(manifest, new) == [(ALLOWED, "its use until 2028-01-01, was until 2027-01-01")]
    shorter = manifest._replace(version=9, expires=date(2026, 2, 2))
    assert told(manifest, shorter) == [(DENIED, "all of it until 2026-02-02, was until 2026-04-01")]


def test_what_makes_it_weaker_and_stronger(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    for field, changed, what in (
        ("source", {"revision": None}, "source revision: abc -> none"),
        ("approval", {"self_approved": True}, "A. Officer approves it for themselves"),
    ):
        part = getattr(entry, field)._replace(**changed)
        new = with_entry(manifest, entry._replace(**{field: part}))
        assert told(manifest, new) == [(WEAKER, what)]
        assert [effect for effect, _ in told(new, new._replace(entries=manifest.entries))][1:] == [
            STRONGER
        ]


def test_another_tree_digest_lets_other_bytes_run(manifest: Manifest) -> None:
    """A start goes by it, so beside the right sha256 it must not pass for a detail."""
    (entry,) = manifest.entries
    (file,) = entry.files
    slipped = with_entry(manifest, entry._replace(files=(file._replace(tree="4" * 64),)))
    ((effect, what),) = told(manifest, slipped)
    assert effect is ALLOWED
    assert f"tree digest {'4' * 64}" in what
    dropped = with_entry(manifest, entry._replace(files=(file._replace(tree=None),)))
    assert told(manifest, dropped) == [(OTHER, "model-one.gguf has no tree digest any more")]


def test_other_files(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    new = with_entry(manifest, entry._replace(files=(ArtifactFile("b.gguf", 7, "5" * 64),)))
    assert told(manifest, new) == [
        (ALLOWED, f"the file b.gguf, sha256 {'5' * 64}"),
        (DENIED, f"the file model-one.gguf, sha256 {'1' * 64}"),
    ]


def test_versions(manifest: Manifest) -> None:
    older = manifest._replace(version=2)
    assert told(manifest, older) == [(DENIED, "version 2 after 3: hosts that saw 3 refuse it")]
    twice = manifest._replace(note="another")
    assert (DENIED, "two contents of version 3: hosts that saw the other one refuse it") in told(
        manifest, twice
    )
    renamed = manifest._replace(name="other", version=1)
    ((effect, what),) = told(manifest, renamed)
    assert effect is WEAKER and "vectors -> other" in what


def test_gone_with_its_template(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    assert entry.gguf
    bare = entry._replace(gguf=entry.gguf._replace(template=None))
    assert told(manifest, with_entry(manifest, bare)) == [
        (WEAKER, f"gguf template: {entry.gguf.template} -> none")
    ]
