"""The cases of the public TUF conformance suite, on files that people carry offline.

Names and outcomes follow theupdateframework/tuf-conformance (its tests by file below). A case is
ported under its own name, in one of the two modules beside this one (cases, rotation); or it asks
for something that a manifest beside a root of trust does not have, and the reason stands below.
Four have another outcome on purpose, and say why: test_custom_fields and
test_deprecated_keyid_hash_algorithms (unknown fields are refused), test_duplicate_sig_keyids (it
counts once) and an empty signature in test_invalid_sig_in_valid_metadata (refused).

What stands for what: their *root* is our root; their *targets*, signed in a role of the root and
with versions that only rise, is our manifest. Their *timestamp* and *snapshot* say which files a
repository holds at a moment; one file that is carried has no such moment (the manifest's expiry
bounds it instead), so a case of theirs is played on the manifest where it makes sense there. A
*client that refreshes* is ``walk`` through the roots and ``verify_manifest`` under the last one.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = [Path(__file__).with_name(f"test_conformance_{name}.py") for name in ("cases", "rotation")]

PORTED_ELSEWHERE = {
    "test_client_downloads_expected_file": "tests/unit/test_intact.py::test_intact",
    "test_repository_substitutes_target_file": "tests/unit/test_intact.py::test_one_flipped_bit",
    "test_multiple_changes_to_target": "tests/unit/test_intact.py::test_one_flipped_bit",
    "test_artifact_length_mismatch": "tests/unit/test_intact.py::test_both_digests_must_agree",
}

NOT_APPLICABLE = {
    # test_basic
    "test_basic_refresh_requests": "nothing is requested from anywhere",
    "test_implicit_refresh": "nothing is requested from anywhere; every start reads all files",
    "test_metadata_bytes_match": "files are read where they lie; walk keeps their exact bytes, "
    "which test_root_rotation compares",
    "test_timestamp_404": "there is no timestamp",
    "test_snapshot_404": "there is no snapshot",
    "test_targets_404": "no file names the manifest that must be there; without any, no start",
    "test_faketime": "it tests their suite",
    "test_basic_metadata_hash_support": "no file lists the hashes of others; the digest of each "
    "version that was seen is kept, which test_timestamp_content_changes plays",
    "test_new_targets_version_mismatch": "no file names the version of another",
    # test_expiration
    "test_timestamp_expired": "there is no timestamp; test_targets_expired plays it",
    "test_snapshot_expired": "there is no snapshot; test_targets_expired plays it",
    "test_delegated_expiration": "a manifest delegates to no other",
    # test_file_download
    "test_client_downloads_expected_file_in_sub_dir": "a file's name is a name, never a path",
    "test_download_with_unknown_hash_algorithm": "a manifest has one algorithm, by the name of "
    "its key; another key is unknown and refused, which test_wrong_hashing_algorithm plays",
    "test_artifact_cache": "there is no cache",
    # test_rollback
    "test_simple_snapshot_rollback": "there is no snapshot",
    "test_snapshot_rollback": "there is no snapshot; test_targets_rollback plays it",
    "test_new_timestamp_version_rollback": "there is no timestamp; test_targets_rollback plays it",
    "test_new_snapshot_version_mismatch": "no file names the version of another",
    "test_new_timestamp_fast_forward_recovery": "there is no timestamp; "
    "test_new_targets_fast_forward_recovery plays it",
    "test_new_snapshot_fast_forward_recovery": "there is no snapshot; "
    "test_new_targets_fast_forward_recovery plays it",
    # test_static_repositories
    "test_static_repository": "repositories in TUF's own format, which is not read here",
    # test_updater_delegation_graphs
    "test_graph_traversal": "a manifest delegates to no other",
    "test_targetfile_search": "a manifest delegates to no other",
}


def test_every_case_is_accounted_for() -> None:
    """What is said to be played elsewhere is there, and nothing stands in two lists."""
    repository = Path(__file__).parents[3]
    text = "".join(path.read_text("utf-8") for path in HERE)
    here = set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))
    assert len(here) > 25
    for case, place in PORTED_ELSEWHERE.items():
        path, _, name = place.partition("::")
        assert f"def {name}(" in (repository / path).read_text("utf-8"), case
    assert not here & PORTED_ELSEWHERE.keys()
    assert not here & NOT_APPLICABLE.keys()
    for reason in NOT_APPLICABLE.values():
        for played in re.findall(r"test_\w+", reason):
            assert played in here | PORTED_ELSEWHERE.keys(), reason
