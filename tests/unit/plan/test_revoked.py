"""A revoked entry at a start, and for ``verify``: refused, with who took it back and why."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

from localai.findings import Verdict
from localai.hashing import leaf
from localai.intact import check_file
from localai.manifest.revocation import Kind, Revocations, Revoked
from localai.manifest.schema import ArtifactFile, Entry, Manifest
from localai.manifest.verify import LoadedManifest
from localai.plan.facts import Facts
from localai.plan.gates.artifact_approved import artifact_approved
from localai.plan.matching import find_namesake, find_revoked
from localai.policy import Policy

LINES = (
    Revoked(Kind.ENTRY, "tiny", date(2026, 2, 20), "poisoned"),
    Revoked(Kind.SHA256, "a" * 64, date(2026, 2, 20), "poisoned"),
)


def revoke(loaded: LoadedManifest, *lines: Revoked) -> LoadedManifest:
    return loaded._replace(
        verification=loaded.verification._replace(revocations=Revocations(lines))
    )


def test_the_gate_refuses_and_says_why(good: Facts, loaded: LoadedManifest) -> None:
    assert not artifact_approved(good, Policy()).refuses
    for line in LINES:
        finding = artifact_approved(good._replace(manifests=(revoke(loaded, line),)), Policy())
        assert (finding.verdict, finding.summary) == (Verdict.FAIL, "revoked")
        assert finding.evidence == "on 2026-02-20: poisoned"
        assert finding.remedy


def test_another_entrys_line_does_not_matter(good: Facts, loaded: LoadedManifest) -> None:
    other = Revoked(Kind.ENTRY, "other", date(2026, 2, 20), "poisoned")
    assert not artifact_approved(
        good._replace(manifests=(revoke(loaded, other),)), Policy()
    ).refuses


def test_whichever_manifest_read_the_list(entry: Entry, loaded: LoadedManifest) -> None:
    """A manifest that refuses for another reason carries no list; its neighbour does."""
    assert find_revoked((loaded, revoke(loaded, *LINES)), entry) == LINES[0]
    assert find_namesake([revoke(loaded, *LINES)], "tiny.gguf") is None


def test_a_file_that_no_entry_lists_any_more(
    good: Facts, loaded: LoadedManifest, tmp_path: Path
) -> None:
    """By either digest, at a start and for ``verify``; nobody is told to approve it."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"weights")
    digest, tree = sha256(b"weights").hexdigest(), leaf(b"weights").hex()
    assert loaded.verification.manifest and good.artifact
    none = loaded.verification.manifest._replace(entries=())
    bare = loaded._replace(verification=loaded.verification._replace(manifest=none))
    names = (f"sha256:{digest}", f"tree-sha256:{tree}")
    artifact = good.artifact._replace(entry=None, digests=names)
    for kind, value, refused in (
        (Kind.SHA256, digest, True),
        (Kind.TREE, tree, True),
        (Kind.SHA256, tree, False),
        (Kind.ENTRY, digest, False),
    ):
        line = Revoked(kind, value, date(2026, 2, 20), "poisoned")
        found = revoke(bare, line)
        gate = artifact_approved(good._replace(artifact=artifact, manifests=(found,)), Policy())
        checked = check_file(path, [found], date(2026, 3, 1), self_approval=True).finding
        for finding in (gate, checked):
            assert finding.verdict is Verdict.FAIL
            assert (finding.summary == "revoked") == refused
            assert ("localai approve" in finding.remedy) != refused


def test_verify_says_the_same(tmp_path: Path, entry: Entry, loaded: LoadedManifest) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"weights")
    file = ArtifactFile("tiny.gguf", 7, sha256(b"weights").hexdigest())
    manifest = Manifest(
        "one", 1, date(2026, 1, 1), date(2027, 1, 1), (entry._replace(files=(file,)),)
    )
    verification = loaded.verification._replace(manifest=manifest)
    sound = loaded._replace(verification=verification)
    today = date(2026, 3, 1)
    assert check_file(path, [sound], today, self_approval=True).finding.summary == "intact"
    checked = check_file(path, [revoke(sound, LINES[0])], today, self_approval=True)
    assert checked.finding.refuses
    assert checked.finding.summary == "revoked"
    assert checked.finding.evidence == "tiny, on 2026-02-20: poisoned"
