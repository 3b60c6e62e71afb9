"""verify: approved and intact, or what is wrong with a file."""

from __future__ import annotations

import os
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from localai.findings import Finding, Verdict
from localai.hashing import leaf
from localai.intact import Checked, check_file
from localai.manifest.floor import Floor
from localai.manifest.schema import ArtifactFile, Manifest, parse_manifest
from localai.manifest.verify import Authority, LoadedManifest, Verification

VECTORS = Path(__file__).parents[1] / "vectors" / "manifest"
TODAY = date(2026, 2, 1)
CONTENT = b"GGUF and so on"
PASSED = (
    Finding("manifest-signature", Verdict.PASS, "version 3"),
    Finding("manifest-freshness", Verdict.PASS, "59 days left"),
)
EXPIRED = (
    PASSED[0],
    Finding("manifest-freshness", Verdict.FAIL, "expired", "it held until then", remedy="renew"),
)


def lists(content: bytes, **changes: str | None) -> Manifest:
    """A manifest that lists a file with this content."""
    manifest = parse_manifest((VECTORS / "accepted.yaml").read_bytes())
    digests = {"sha256": sha256(content).hexdigest(), "tree": leaf(content).hex(), **changes}
    file = ArtifactFile("model-one.gguf", len(content), **digests)  # type: ignore[arg-type]
    return manifest._replace(entries=(manifest.entries[0]._replace(files=(file,)),))


def loaded(
    manifest: Manifest, findings: tuple[Finding, Finding] = PASSED
) -> tuple[LoadedManifest, ...]:
    floor = Floor(3, "0" * 64, "0" * 64)
    verification = Verification(findings, "0" * 64, Authority.OWN, manifest, ("officer",), 1, floor)
    return (LoadedManifest(Path("vectors.yaml"), verification),)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model-one.gguf"
    path.write_bytes(CONTENT)
    return path


def check(
    path: Path,
    manifests: tuple[LoadedManifest, ...],
    today: date = TODAY,
    self_approval: bool = True,
) -> Checked:
    return check_file(path, manifests, today, self_approval=self_approval)


def test_intact(path: Path) -> None:
    checked = check(path, loaded(lists(CONTENT)))
    assert (checked.finding.verdict, checked.finding.summary) == (Verdict.PASS, "intact")
    assert checked.match
    assert checked.match.entry.id == "model-one"


def test_a_renamed_file_is_still_what_was_approved(path: Path) -> None:
    renamed = path.rename(path.with_name("other.gguf"))
    assert check(renamed, loaded(lists(CONTENT))).finding.summary == "intact"


@pytest.mark.parametrize("at", range(len(CONTENT)))
def test_one_flipped_bit(path: Path, at: int) -> None:
    flipped = bytearray(CONTENT)
    flipped[at] ^= 1
    path.write_bytes(flipped)
    finding = check(path, loaded(lists(CONTENT))).finding
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "changed")
    assert "example/model-one at revision abc" in finding.remedy


def test_both_digests_must_agree(path: Path) -> None:
    """An entry whose digests are of two different files fits neither."""
    for wrong in ({"tree": "0" * 64}, {"sha256": "0" * 64}):
        finding = check(path, loaded(lists(CONTENT, **wrong))).finding
        assert finding.verdict is Verdict.FAIL


def test_an_entry_without_a_tree_digest(path: Path) -> None:
    assert check(path, loaded(lists(CONTENT, tree=None))).finding.summary == "intact"


def test_not_listed(path: Path) -> None:
    renamed = path.rename(path.with_name("other.gguf"))
    finding = check(renamed, loaded(lists(b"something else"))).finding
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "not in the manifest")
    assert finding.remedy == f"localai approve {renamed}"
    assert check(renamed, ()).finding.verdict is Verdict.FAIL


def test_a_manifest_that_is_not_in_force_approves_nothing(path: Path) -> None:
    finding = check(path, loaded(lists(CONTENT), EXPIRED)).finding
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "manifest not in force")
    assert "expired" in finding.evidence
    assert finding.remedy == "renew"


def test_the_review_runs_out(path: Path) -> None:
    manifests = loaded(lists(CONTENT))  # from 2026-01-01, review by 2027-01-01
    assert check(path, manifests, date(2027, 1, 1)).finding.summary == "intact"
    assert check(path, manifests, date(2027, 1, 2)).finding.summary == "review overdue"
    assert check(path, manifests, date(2025, 12, 31)).finding.summary == "not approved yet"


def test_self_approved(path: Path) -> None:
    manifest = lists(CONTENT)
    (entry,) = manifest.entries
    own = entry._replace(approval=entry.approval._replace(self_approved=True))
    manifests = loaded(manifest._replace(entries=(own,)))
    assert check(path, manifests).finding.verdict is Verdict.NOTE
    denied = check(path, manifests, self_approval=False).finding
    assert (denied.verdict, denied.summary) == (Verdict.FAIL, "self-approved")


def test_what_cannot_be_read_is_not_approved(path: Path) -> None:
    link = path.with_name("link.gguf")
    link.symlink_to(path)
    fifo = path.with_name("fifo.gguf")
    os.mkfifo(fifo)
    empty = path.with_name("empty.gguf")
    empty.touch()
    for wrong in (link, fifo, empty, path.parent, path.with_name("missing"), Path("/dev/null")):
        checked = check(wrong, loaded(lists(CONTENT)))
        assert (checked.finding.verdict, checked.finding.summary) == (Verdict.FAIL, "unreadable")
        assert checked.digests is None
    assert str(path) in check(link, ()).finding.remedy
