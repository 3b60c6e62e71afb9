"""Steps in the store: forward only by what was measured, and to the end only by a signed entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from bring import bring
from localai.findings import Finding, Verdict
from localai.hashing import leaf
from localai.manifest.floor import Floor
from localai.manifest.lane import Frame, Outside
from localai.manifest.revocation import Kind, Revocations, Revoked
from localai.manifest.schema import ArtifactFile, Entry, parse_manifest
from localai.manifest.verify import Authority, LoadedManifest, Verification
from localai.promotion import Promotion, judge_promotion
from localai.store.held import Held, find_held
from localai.store.state import State
from localai.store.steps import move

ACCEPTED = Path(__file__).parents[1] / "vectors" / "manifest" / "accepted.yaml"
TODAY = date(2026, 2, 1)
ONE, TWO = b"weights, say", b"more of them"
PASSED = Finding("manifest-signature", Verdict.PASS, "version 3")
FRESH = Finding("manifest-freshness", Verdict.PASS, "59 days left")
EXPIRED = Finding("manifest-freshness", Verdict.FAIL, "expired", "yesterday", remedy="renew it")


def lists(*contents: bytes, **changes: object) -> Entry:
    """An entry of files with these contents."""
    files = tuple(
        ArtifactFile(f"{number}.gguf", len(one), sha256(one).hexdigest(), leaf(one).hex())
        for number, one in enumerate(contents)
    )
    entry = parse_manifest(ACCEPTED.read_bytes()).entries[0]
    return entry._replace(files=files, **changes)


def manifest(*entries: Entry, freshness: Finding = FRESH, **changes: object) -> LoadedManifest:
    """A manifest with these entries, whose signatures hold."""
    made = parse_manifest(ACCEPTED.read_bytes())._replace(entries=entries)
    verification = Verification(
        (PASSED, freshness), "0" * 64, Authority.OWN, made, ("officer",), 1,
        Floor(3, "0" * 64, "0" * 64),
    )._replace(**changes)  # fmt: skip
    return LoadedManifest(Path("vectors.yaml"), verification)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def held(store: Path) -> Held:
    return bring(store, "tiny", ("one.gguf", ONE), ("two.gguf", TWO))


def judge(
    held: Held, manifests: Sequence[LoadedManifest], today: date = TODAY, alone: bool = True
) -> Promotion:
    return judge_promotion(held, manifests, today, self_approval=alone)


def test_an_entry_of_exactly_these_files(held: Held, store: Path) -> None:
    for entry in (lists(ONE, TWO), lists(TWO, ONE)):
        judged = judge(held, [manifest(entry)])
        assert (judged.state, judged.finding.verdict) == (State.APPROVED, Verdict.PASS)
    proposed = move(store, held, State.PROPOSED)
    assert judge(proposed, [manifest(lists(ONE, TWO))]).state is State.APPROVED


@pytest.mark.parametrize(
    "entries",
    [(lists(ONE),), (lists(ONE, TWO, b"third"),), (lists(ONE), lists(TWO, id="other"))],
)
def test_an_entry_of_other_files(held: Held, entries: tuple[Entry, ...]) -> None:
    """Of fewer, of more, or of each alone: nobody approved these as one artifact."""
    judged = judge(held, [manifest(*entries)])
    assert judged.state is None
    assert judged.finding.refuses


def test_what_nothing_lists_goes_one_step(held: Held, store: Path) -> None:
    for manifests in ([], [manifest(lists(b"something else"))]):
        judged = judge(held, manifests)
        assert judged.state is State.PROPOSED
        assert judged.finding.refuses
    proposed = move(store, held, State.PROPOSED)
    judged = judge(proposed, [])
    assert judged.state is None
    assert judged.finding.remedy == f"localai approve {proposed.paths[0]}"


def revoked(entry: Entry) -> LoadedManifest:
    line = Revoked(Kind.SHA256, entry.files[0].sha256, TODAY, "poisoned")
    return manifest(entry, revocations=Revocations((line,)))


BOTH = lists(ONE, TWO)
OUTSIDE = Outside(BOTH, "purpose decisions")
LANE = Frame(("evaluation",), ("public",), ("example",), ("MIT",), date(2026, 12, 31))
OWN = BOTH._replace(approval=BOTH.approval._replace(self_approved=True))


@pytest.mark.parametrize(
    ("loaded", "today", "alone", "summary"),
    [
        (manifest(BOTH, freshness=EXPIRED), TODAY, True, "manifest not in force"),
        (revoked(BOTH), TODAY, True, "revoked"),
        (manifest(BOTH), date(2027, 1, 2), True, "review overdue"),
        (manifest(BOTH), date(2025, 12, 31), True, "not approved yet"),
        (manifest(OWN), TODAY, False, "self-approved"),
        (manifest(frame=LANE, outside=(OUTSIDE,)), TODAY, True, "outside the lane"),
    ],
)
def test_what_is_listed_and_does_not_count_takes_no_step(
    held: Held, loaded: LoadedManifest, today: date, alone: bool, summary: str
) -> None:
    judged = judge(held, [loaded], today, alone)
    assert (judged.state, judged.finding.summary) == (None, summary)


def test_its_own_word_counts_for_nothing(held: Held, store: Path) -> None:
    """origin.json names the digests that the entry has; the bytes are others."""
    assert judge(held, [manifest(BOTH)]).state is State.APPROVED
    held.paths[1].chmod(0o600)
    held.paths[1].write_bytes(TWO[::-1])
    held.paths[1].chmod(0o400)
    judged = judge(find_held(store, "tiny"), [manifest(BOTH)])
    assert (judged.state, judged.finding.summary) == (None, "not as it arrived")
    # and neither do bytes that an entry approves, where others arrived
    assert judge(held, [manifest(lists(ONE, TWO[::-1]))]).state is None


def test_a_file_that_nobody_brought_holds_it_back(held: Held) -> None:
    (held.directory / "three.gguf").write_bytes(b"x")
    for manifests in ([], [manifest(BOTH)]):
        judged = judge(held, manifests)
        assert judged.state is None
        assert "three.gguf: nobody brought it" in judged.finding.evidence


def test_without_an_origin_nothing_moves(held: Held, store: Path) -> None:
    (held.directory / "origin.json").unlink()
    judged = judge(find_held(store, "tiny"), [manifest(BOTH)])
    assert judged.state is None
    assert "no origin.json" in judged.finding.evidence
