"""An audit from folders to findings: each state of a file, and each rule that is worth a remark."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from localai.audit.audit import Audit, Occasion, conclude, to_keep
from localai.audit.cache import Key, Known
from localai.audit.files import State
from localai.audit.measure import measure
from localai.audit.rules import Rules, Topic
from localai.audit.survey import LISTED, read_listed, survey
from localai.findings import Finding, Verdict
from localai.hashing import leaf
from localai.manifest.lane import Frame
from localai.manifest.revocation import NOTHING, Kind, Revocations, Revoked
from localai.manifest.schema import ArtifactFile, Entry
from localai.manifest.signature import PublicKey
from localai.manifest.trust import Lane, Role, RoleKey, Root
from localai.manifest.verify import Authority, LoadedManifest, Trust
from localai.policy import LoadedPolicy, Policy, Waiver

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
WEIGHTS = b"GGUF" + bytes(range(200))
ANNA, BEN = (RoleKey(name, PublicKey(name.encode())) for name in ("anna", "ben"))
ROOT = Root(1, date(2026, 1, 1), date(2027, 1, 1), Role(2, (ANNA, BEN)), Role(2, (ANNA, BEN)))
TRUST = Trust(Authority.ADMINISTRATOR, ROOT, "f" * 64)


def approve(loaded: LoadedManifest, *entries: Entry) -> LoadedManifest:
    """``loaded`` with these entries instead of its own."""
    verification = loaded.verification
    assert verification.manifest
    manifest = verification.manifest._replace(entries=entries)
    return loaded._replace(verification=verification._replace(manifest=manifest))


def lists(entry: Entry, content: bytes = WEIGHTS, *, tree: bool = False) -> Entry:
    digest = sha256(content).hexdigest()
    file = ArtifactFile("tiny.gguf", len(content), digest, leaf(content).hex() if tree else None)
    return entry._replace(files=(file,))


def audit(
    folder: Path,
    *manifests: LoadedManifest,
    revocations: Revocations = NOTHING,
    policy: Policy = Policy(),  # noqa: B008 - immutable
    trust: Trust = TRUST,
    known: dict[Key, Known] | None = None,
) -> Audit:
    known = {} if known is None else known
    rules = Rules(trust, revocations, manifests, LoadedPolicy(policy, True))
    found = survey([folder], (), read_listed(manifests), known)
    measured = measure(found.tasks, lambda done: None)
    result = conclude(Occasion(NOW, "it-7", (folder,), ()), found, measured, known, rules)
    kept = to_keep(found, measured, known)
    known.clear()
    known.update(kept)
    return result


def states(found: Audit) -> dict[str, State]:
    return {file.path.name: file.state for file in found.files}


def said(found: Audit, topic: Topic) -> dict[str, str]:
    return {one.subject: one.finding.summary for one in found.remarks if one.finding.check == topic}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.gguf").write_bytes(WEIGHTS)
    return tmp_path


@pytest.mark.parametrize("tree", [False, True])
def test_approved_and_clean(folder: Path, loaded: LoadedManifest, entry: Entry, tree: bool) -> None:
    found = audit(folder, approve(loaded, lists(entry, tree=tree)))
    assert states(found) == {"tiny.gguf": State.APPROVED}
    assert found.clean and found.hashed == len(WEIGHTS)


def test_unapproved(folder: Path, loaded: LoadedManifest, entry: Entry) -> None:
    (folder / "other").write_bytes(b"GGUF" + bytes(9))
    found = audit(folder, approve(loaded, lists(entry)))
    assert states(found) == {"tiny.gguf": State.APPROVED, "other": State.UNAPPROVED}
    assert not found.clean


def test_altered(folder: Path, loaded: LoadedManifest, entry: Entry) -> None:
    """One bit of what is approved, under its name."""
    (folder / "tiny.gguf").write_bytes(WEIGHTS[:-1] + b"\0")
    found = audit(folder, approve(loaded, lists(entry)))
    assert states(found) == {"tiny.gguf": State.ALTERED} and not found.clean


def test_a_tree_digest_that_a_start_would_go_by_must_agree(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    listed = lists(entry, tree=True)
    (file,) = listed.files
    slipped = listed._replace(files=(file._replace(tree="0" * 64),))
    assert audit(folder, approve(loaded, slipped)).count(State.APPROVED) == 0


def test_a_store_that_has_it_as_something_else(tmp_path: Path, loaded: LoadedManifest) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / f"sha256-{sha256(WEIGHTS).hexdigest()}").write_bytes(WEIGHTS)
    (blobs / f"sha256-{'a' * 64}").write_bytes(WEIGHTS)
    found = audit(tmp_path, loaded)
    assert sorted(file.state for file in found.files) == [State.ALTERED, State.UNAPPROVED]
    assert all(file.named.tool == "Ollama" for file in found.files)


def test_revoked_with_and_without_an_entry(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    line = Revoked(Kind.SHA256, sha256(WEIGHTS).hexdigest(), TODAY, "it leaks")
    gone = Revocations((line,))
    listing = approve(loaded, lists(entry))
    denied = listing._replace(verification=listing.verification._replace(revocations=gone))
    for manifests in ((denied,), (approve(loaded),), ()):
        found = audit(folder, *manifests, revocations=gone)
        assert states(found) == {"tiny.gguf": State.REVOKED}
        assert "it leaks" in found.files[0].finding.evidence


def test_expired_by_its_review_and_by_its_manifest(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    term = entry.approval._replace(review_by=TODAY - timedelta(1))
    late = audit(folder, approve(loaded, lists(entry)._replace(approval=term)))
    assert states(late) == {"tiny.gguf": State.EXPIRED}
    assert [one.finding.verdict for one in late.remarks if "review of" in one.subject] == ["fail"]
    listing = approve(loaded, lists(entry))
    over = Finding("manifest-freshness", Verdict.FAIL, "expired", "it held until then")
    manifest = listing.verification.manifest
    assert manifest
    spoiled = listing.verification._replace(
        findings=(listing.findings[0], over),
        manifest=manifest._replace(expires=TODAY - timedelta(1)),
    )
    assert states(audit(folder, listing._replace(verification=spoiled))) == {
        "tiny.gguf": State.EXPIRED
    }


def test_not_checked_refuses(folder: Path, loaded: LoadedManifest, entry: Entry) -> None:
    """A file that changed between the two looks at it."""
    manifests = (approve(loaded, lists(entry)),)
    found = survey([folder], (), read_listed(manifests), {})
    (folder / "tiny.gguf").write_bytes(WEIGHTS + b"more")
    rules = Rules(TRUST, NOTHING, manifests, LoadedPolicy(Policy(), True))
    measured = measure(found.tasks, lambda done: None)
    result = conclude(Occasion(NOW, "it-7", (folder,), ()), found, measured, {}, rules)
    assert states(result) == {"tiny.gguf": State.NOT_CHECKED} and not result.clean
    assert to_keep(found, measured, {}) == {}


def test_duplicates_are_told_and_links_are_none(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    (folder / "copy").write_bytes(WEIGHTS)
    os.link(folder / "copy", folder / "copy's link")
    found = audit(folder, approve(loaded, lists(entry)))
    assert {file.path.name: file.same_as and file.same_as.name for file in found.files} == {
        "copy": None,
        "copy's link": None,
        "tiny.gguf": "copy",
    }
    assert found.duplicates == 1 and found.clean
    assert found.hashed == 2 * len(WEIGHTS)


def test_a_dataset_is_met_by_its_name(tmp_path: Path, loaded: LoadedManifest, entry: Entry) -> None:
    for name in ("d.csv", "e.csv"):
        (tmp_path / name).write_text("a,b\n")
    file = ArtifactFile("d.csv", 4, sha256(b"a,b\n").hexdigest())
    found = audit(tmp_path, approve(loaded, entry._replace(files=(file,))))
    assert [(one.path.name, one.kind, one.state) for one in found.files] == [
        ("d.csv", LISTED, State.APPROVED)
    ]


def test_what_was_hashed_is_not_read_again_until_it_changes(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    manifest, known = approve(loaded, lists(entry)), dict[Key, Known]()
    assert audit(folder, manifest, known=known).hashed == len(WEIGHTS)
    again = audit(folder, manifest, known=known)
    assert again.hashed == 0 and states(again) == {"tiny.gguf": State.APPROVED}
    # a tree digest was not kept: it is wanted now
    with_tree = approve(loaded, lists(entry, tree=True))
    assert audit(folder, with_tree, known=known).hashed == len(WEIGHTS)
    assert audit(folder, with_tree, known=known).hashed == 0
    other = folder / "new"
    other.write_bytes(WEIGHTS[:-1] + b"\0")
    other.replace(folder / "tiny.gguf")
    assert states(audit(folder, manifest, known=known)) == {"tiny.gguf": State.ALTERED}
    with (folder / "tiny.gguf").open("ab") as file:
        file.write(b"more")
    before = dict(known)
    audit(folder, manifest, known=known)
    assert len(known) == len(before) and known != before, "what it was before is forgotten"
    audit(folder / "nothing here", manifest, known=known)
    assert known


def test_what_was_kept_is_held_against_todays_rules(
    folder: Path, loaded: LoadedManifest, entry: Entry
) -> None:
    """The cache keeps digests, never an answer."""
    known = dict[Key, Known]()
    assert audit(folder, approve(loaded, lists(entry)), known=known).clean
    found = audit(folder, approve(loaded), known=known)
    assert found.hashed == 0 and states(found) == {"tiny.gguf": State.UNAPPROVED}


@pytest.mark.parametrize(
    ("trust", "policy", "revocations", "subject"),
    [
        (TRUST._replace(root=None, problem="root expired"), None, NOTHING, "root of trust"),
        (TRUST, None, Revocations(problem="rolled back"), "revocation list"),
        (TRUST, None, NOTHING, "manifests"),
    ],
)
def test_rules_that_are_not_in_force_refuse(
    tmp_path: Path,
    loaded: LoadedManifest,
    trust: Trust,
    policy: Policy | None,
    revocations: Revocations,
    subject: str,
) -> None:
    manifests = () if subject == "manifests" else (loaded,)
    found = audit(tmp_path, *manifests, trust=trust, revocations=revocations)
    (remark,) = [one for one in found.remarks if one.subject == subject]
    assert remark.finding.refuses and not found.clean
    assert audit(tmp_path, loaded).clean


def test_weak_spots_of_keys(tmp_path: Path, loaded: LoadedManifest) -> None:
    assert said(audit(tmp_path, loaded), Topic.WEAK)["key anna"] == "signs in several roles"
    apart = ROOT._replace(root=Role(1, (ANNA,)), manifest=Role(2, (BEN, BEN)))
    found = audit(tmp_path, loaded, trust=TRUST._replace(root=apart))
    weak = said(found, Topic.WEAK)
    assert weak["role root"] == "threshold 1" and "role manifest" not in weak
    assert "key anna" not in weak
    assert found.clean
    gone = Revocations((Revoked(Kind.KEY, ANNA.public.fingerprint, TODAY, "lost"),))
    weak = said(audit(tmp_path, loaded, trust=TRUST._replace(root=apart), revocations=gone),
                Topic.WEAK)  # fmt: skip
    assert weak["key anna"] == "revoked, and still in the root"


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({"licence": "Unknown"}, "licence unknown"),
        ({"use": ("data_classes", ("public", "restricted"))}, "wide data classes"),
        ({"approval": ("review_by", date(2029, 1, 1))}, "no review within a year"),
        ({"approval": ("self_approved", True)}, "self-approved"),
        ({"source": ("revision", None)}, "no exact revision"),
    ],
)
def test_weak_spots_of_entries(
    tmp_path: Path,
    loaded: LoadedManifest,
    entry: Entry,
    changes: dict[str, tuple[str, object] | str],
    summary: str,
) -> None:
    good = entry._replace(source=entry.source._replace(revision="r1"))
    assert "tiny in allowlist" not in said(audit(tmp_path, approve(loaded, good)), Topic.WEAK)
    for field, change in changes.items():
        if isinstance(change, tuple):
            name, value = change
            change = getattr(good, field)._replace(**{name: value})
        good = good._replace(**{field: change})
    weak = said(audit(tmp_path, approve(loaded, good)), Topic.WEAK)
    assert weak["tiny in allowlist"] == summary


def test_what_runs_out_and_what_is_waived(tmp_path: Path, loaded: LoadedManifest) -> None:
    soon, past = TODAY + timedelta(89), TODAY - timedelta(1)
    policy = Policy(
        waivers=(
            Waiver("licence", "A. Officer", "pilot", soon),
            Waiver("account", "B", "old", past),
        )
    )
    near = TRUST._replace(root=ROOT._replace(expires=TODAY))
    found = audit(tmp_path, loaded, policy=policy, trust=near)
    endings = said(found, Topic.ENDING)
    assert endings["root of trust"] == "its last day"
    assert endings["waiver of licence"] == "89 days left"
    assert said(found, Topic.WAIVER) == {"licence": "in force", "account": "ran out"}
    assert found.clean, "a waiver that ran out waives nothing, and needs nobody"
    assert "root of trust" not in said(audit(tmp_path, loaded), Topic.ENDING)
    frame = Frame(("evaluation",), ("public",), ("example",), ("MIT",), past)
    over = TRUST._replace(root=ROOT._replace(lane=Lane(Role(1, (BEN,)), frame)))
    closed = audit(tmp_path, loaded, trust=over)
    assert said(closed, Topic.ENDING)["lane"] == "over since 1 day" and not closed.clean
    assert [one.subject for one in closed.remarks].count("lane") == 1
    assert "role lane" not in said(closed, Topic.WEAK), "one key is enough within a frame"
