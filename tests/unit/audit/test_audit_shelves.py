"""An audit looks at few entries for each file, and comes to the answer that all of them give."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from itertools import product
from pathlib import Path

from localai.audit.shelves import Shelves
from localai.hashing import Digests
from localai.intact import Checked, judge_digests
from localai.manifest.schema import ArtifactFile, Entry
from localai.manifest.verify import Authority, LoadedManifest, refuse_unread

TODAY = date(2026, 3, 1)
NAMES, SIZES = ("a.gguf", "b.gguf", "c.gguf", "d.gguf"), (5, 6, 7)


def digest(what: object) -> str:
    return sha256(str(what).encode()).hexdigest()


def shelve(loaded: LoadedManifest, entry: Entry) -> LoadedManifest:
    """An entry with each of two names and two sizes, and one of two files."""
    pairs = [*product(NAMES[:2], SIZES[:2])]
    files = [
        ArtifactFile(name, size, digest((name, size)), digest(("tree", name, size)))
        for name, size in pairs
    ]
    entries = [entry._replace(id=f"one-{n}", files=(file,)) for n, file in enumerate(files)]
    two = (ArtifactFile("a.gguf", 6, digest("first")), ArtifactFile("c.gguf", 5, digest("second")))
    verification = loaded.verification
    assert verification.manifest
    manifest = verification.manifest._replace(entries=(*entries, entry._replace(files=two)))
    return loaded._replace(verification=verification._replace(manifest=manifest))


def told(checked: Checked) -> object:
    match = checked.match
    return checked.finding, match and (match.entry, match.file, match.manifest.name)


def test_every_file_gets_the_same_answer(loaded: LoadedManifest, entry: Entry) -> None:
    unread = LoadedManifest(Path("x.yaml"), refuse_unread("gone", "", Authority.OWN))
    manifests = (loaded, unread, shelve(loaded, entry))
    shelves, summaries = Shelves(manifests), set()
    known = [*product(NAMES, SIZES), "first", "second", "foreign"]
    for name, size, what in product(NAMES, SIZES, known):
        found = Digests(size, digest(what), digest(("tree", *what)) if len(what) == 2 else None)
        few, whole = (
            judge_digests(Path(name), found, asked, TODAY, self_approval=True)
            for asked in (shelves.take(size, name), manifests)
        )
        assert told(few) == told(whole)
        summaries.add(whole.finding.summary)
    assert summaries == {"intact", "changed", "not in the manifest"}


def test_most_entries_are_left_where_they_are(loaded: LoadedManifest, entry: Entry) -> None:
    shelves = Shelves([shelve(loaded, entry)])

    def count(size: int, name: str) -> int:
        (taken,) = shelves.take(size, name)
        assert taken.verification.manifest
        return len(taken.verification.manifest.entries)

    assert [count(5, "x"), count(9, "b.gguf"), count(5, "b.gguf"), count(9, "x")] == [3, 2, 4, 0]
