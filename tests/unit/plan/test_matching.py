"""Which entry approves some bytes, and which manifest's word counts."""

from __future__ import annotations

from pathlib import Path

from localai.findings import Verdict
from localai.manifest.schema import Entry
from localai.manifest.verify import LoadedManifest
from localai.plan.facts import Facts
from localai.plan.matching import (
    Match,
    agree,
    candidates,
    find_match,
    find_matches,
    find_namesake,
    in_force,
    judge_manifests,
)

SIGNATURE, FRESHNESS = "manifest-signature", "manifest-freshness"


def expire(loaded: LoadedManifest) -> LoadedManifest:
    signature, freshness = loaded.findings
    gone = freshness._replace(verdict=Verdict.FAIL, summary="expired", remedy="renew it")
    return loaded._replace(verification=loaded.verification._replace(findings=(signature, gone)))


def distrust(loaded: LoadedManifest) -> LoadedManifest:
    """What verification makes of a manifest that nobody signed."""
    signature, freshness = loaded.findings
    findings = (
        signature._replace(verdict=Verdict.FAIL, summary="unsigned", evidence="no signature"),
        freshness._replace(verdict=Verdict.NOT_CHECKED, summary="not looked at"),
    )
    verification = loaded.verification._replace(findings=findings, manifest=None)
    return loaded._replace(path=Path("stranger.yaml"), verification=verification)


def test_only_files_of_the_size_are_candidates(loaded: LoadedManifest, entry: Entry) -> None:
    (file,) = entry.files
    (found,) = candidates([loaded], file.size)
    assert (found.manifest, found.entry, found.file) == (loaded, entry, file)
    assert candidates([loaded], file.size + 1) == ()


def test_a_manifest_that_is_not_signed_has_no_candidates(
    loaded: LoadedManifest, entry: Entry
) -> None:
    assert candidates([distrust(loaded)], entry.files[0].size) == ()


def test_manifests_in_force_come_first(loaded: LoadedManifest, entry: Entry) -> None:
    found = candidates([expire(loaded), loaded], entry.files[0].size)
    assert [in_force(match.manifest) for match in found] == [True, False]


def test_digests_decide(loaded: LoadedManifest, entry: Entry) -> None:
    (file,) = entry.files
    found = candidates([loaded], file.size)
    assert find_match(found, sha256=file.sha256)
    assert find_match(found, tree=file.tree)
    assert find_match(found, sha256=file.sha256, tree=file.tree)
    assert not find_match(found)
    assert not find_match(found, sha256="0" * 64)
    assert not find_match(found, sha256=file.sha256, tree="0" * 64)
    assert not find_match(found, sha256=file.tree, tree=file.sha256)


def test_an_entry_without_a_tree_digest_is_found_by_its_sha256_only(
    loaded: LoadedManifest, entry: Entry
) -> None:
    (file,) = entry.files
    (match,) = candidates([loaded], file.size)
    bare = match._replace(file=file._replace(tree=None))
    assert find_match([bare], sha256=file.sha256, tree="0" * 64)
    assert not find_match([bare], tree="0" * 64)


def test_one_manifest_in_force_will_do_and_the_others_are_named(good: Facts) -> None:
    (loaded,) = good.manifests
    facts = good._replace(manifests=(distrust(loaded), loaded), artifact=None)
    signature = judge_manifests(facts, SIGNATURE)
    assert signature.verdict is Verdict.NOTE
    assert "not in force: stranger" in signature.evidence
    assert judge_manifests(facts, FRESHNESS).verdict is Verdict.PASS


def test_the_manifest_of_the_entry_speaks(good: Facts) -> None:
    """Another manifest in force does not help an entry whose own has expired."""
    (loaded,) = good.manifests
    manifest = loaded.verification.manifest
    assert manifest
    verification = loaded.verification._replace(manifest=manifest._replace(name="other"))
    other = loaded._replace(verification=verification)
    facts = good._replace(manifests=(expire(loaded), other))
    assert judge_manifests(facts, FRESHNESS).summary == "expired"


def test_where_none_is_in_force_all_say_what_is_wrong(good: Facts) -> None:
    (loaded,) = good.manifests
    facts = good._replace(manifests=(distrust(loaded), expire(loaded)), artifact=None)
    assert judge_manifests(facts, SIGNATURE).verdict is Verdict.FAIL
    assert judge_manifests(facts, FRESHNESS).refuses


def as_set(loaded: LoadedManifest, *digests: str, id: str = "set") -> LoadedManifest:
    """A manifest with one entry, whose files have these digests."""
    assert loaded.verification.manifest
    (entry,) = loaded.verification.manifest.entries
    (file,) = entry.files
    files = tuple(
        file._replace(name=f"{id}-{n}.gguf", sha256=digest, tree=None)
        for n, digest in enumerate(digests)
    )
    manifest = loaded.verification.manifest._replace(entries=(entry._replace(id=id, files=files),))
    return loaded._replace(verification=loaded.verification._replace(manifest=manifest))


def judge_set(manifests: list[LoadedManifest], *digests: str) -> Match | None:
    size = manifests[0].entries[0].files[0].size
    return agree([find_matches(candidates(manifests, size), sha256=one) for one in digests])


A, B, C = "a" * 64, "b" * 64, "c" * 64


def test_a_set_is_all_files_of_one_entry(loaded: LoadedManifest) -> None:
    manifests = [as_set(loaded, A, B)]
    assert judge_set(manifests, A, B)
    for wrong in [(A,), (B,), (A, A), (A, C), (A, B, B), (A, B, C)]:
        assert judge_set(manifests, *wrong) is None, wrong
    assert agree([]) is None


def test_a_part_may_be_in_two_sets(loaded: LoadedManifest) -> None:
    manifests = [as_set(loaded, A, B, id="one"), as_set(loaded, A, C, id="two")]
    for last, name in ((B, "one"), (C, "two")):
        match = judge_set(manifests, A, last)
        assert match
        assert match.entry.id == name


def test_entries_of_one_name_in_two_manifests_make_no_set(loaded: LoadedManifest) -> None:
    """One of the two may have expired: each part would be approved by another manifest."""
    manifests = [as_set(loaded, A, B), expire(as_set(loaded, A, C))]
    match = judge_set(manifests, A, C)
    assert match
    assert not in_force(match.manifest)
    assert judge_set(manifests, B, C) is None


def test_only_manifests_in_force_know_a_namesake(loaded: LoadedManifest) -> None:
    assert find_namesake([loaded], "tiny.gguf")
    assert find_namesake([loaded], "other.gguf") is None
    assert find_namesake([expire(loaded), distrust(loaded)], "tiny.gguf") is None
