"""Entries of a lane's manifest at a start and for ``verify``: after an officer's, and never outside
of the frame or around the list of what is revoked."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

from localai.findings import Verdict
from localai.intact import check_file
from localai.manifest.lane import Frame, Outside
from localai.manifest.revocation import Kind, Revocations, Revoked
from localai.manifest.schema import ArtifactFile, Entry
from localai.manifest.verify import LoadedManifest
from localai.plan.facts import Facts
from localai.plan.gates.artifact_approved import artifact_approved
from localai.plan.matching import candidates, find_match
from localai.policy import Policy

FRAME = Frame(("evaluation",), ("public",), ("example",), ("MIT",), date(2026, 12, 31))


def in_lane(loaded: LoadedManifest, outside: tuple[Outside, ...] = ()) -> LoadedManifest:
    verification = loaded.verification._replace(frame=FRAME, outside=outside)
    if outside and verification.manifest:
        verification = verification._replace(manifest=verification.manifest._replace(entries=()))
    return loaded._replace(verification=verification)


def revoke(loaded: LoadedManifest, digest: str) -> LoadedManifest:
    lines = (Revoked(Kind.SHA256, digest, date(2026, 2, 20), "poisoned"),)
    return loaded._replace(
        verification=loaded.verification._replace(revocations=Revocations(lines))
    )


def test_an_officers_entry_goes_first(loaded: LoadedManifest, entry: Entry) -> None:
    size = entry.files[0].size
    for both in ([in_lane(loaded), loaded], [loaded, in_lane(loaded)]):
        frames = [match.manifest.verification.frame for match in candidates(both, size)]
        assert frames == [None, FRAME]


def test_the_gate_says_which_limit(good: Facts, loaded: LoadedManifest, entry: Entry) -> None:
    assert good.artifact
    lane = in_lane(loaded, (Outside(entry, "purpose decisions, not one of evaluation"),))
    assert candidates([lane], entry.files[0].size) == ()
    facts = good._replace(artifact=good.artifact._replace(entry=None), manifests=(lane,))
    for digests in (f"sha256:{entry.files[0].sha256}", f"tree-sha256:{entry.files[0].tree}"):
        asked = facts._replace(artifact=good.artifact._replace(entry=None, digests=(digests,)))
        finding = artifact_approved(asked, Policy())
        assert (finding.verdict, finding.summary) == (Verdict.FAIL, "outside the lane")
        assert finding.evidence == "tiny: purpose decisions, not one of evaluation"
        assert finding.remedy
    other = good.artifact._replace(entry=None, digests=(f"sha256:{'0' * 64}",))
    assert artifact_approved(facts._replace(artifact=other), Policy()).summary != "outside the lane"


def test_verify_says_the_same(tmp_path: Path, loaded: LoadedManifest, entry: Entry) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"weights")
    file = ArtifactFile("tiny.gguf", 7, sha256(b"weights").hexdigest())
    lane = in_lane(loaded, (Outside(entry._replace(files=(file,)), "licence GPL"),))
    found = check_file(path, [lane], date(2026, 3, 1), self_approval=True).finding
    assert (found.verdict, found.summary) == (Verdict.FAIL, "outside the lane")
    assert found.evidence == "tiny: licence GPL"


def test_a_revoked_file_does_not_come_back_by_its_tree_digest(
    loaded: LoadedManifest, entry: Entry
) -> None:
    """An entry with another SHA-256 beside the right tree digest: the list does not name it."""
    (file,) = entry.files
    lane = revoke(in_lane(loaded), "c" * 64)
    assert not find_match(candidates([lane], file.size), tree=file.tree)
    assert not find_match(candidates([lane], file.size), sha256="c" * 64, tree=file.tree)
    assert find_match(candidates([lane], file.size), sha256=file.sha256)
    # it is the list and the lane together for which the longer way is gone
    assert find_match(candidates([in_lane(loaded)], file.size), tree=file.tree)
    assert find_match(candidates([revoke(loaded, "c" * 64)], file.size), tree=file.tree)
