"""Provenance: kept as it was, tied to the files, and never more than that."""

from __future__ import annotations

from datetime import date

import pytest

from localai.errors import DocumentError
from localai.manifest.diff import Effect, compare
from localai.manifest.provenance import Form, Provenance, add_provenance, tie_to
from localai.manifest.schema import ArtifactFile, Entry, Manifest, parse_manifest
from localai.manifest.write import replace_entries, write_manifest

ON = date(2026, 1, 1)


def signed(entry: Entry, key: str = "5", bundle: str = "6") -> Provenance:
    tie = tie_to(file.sha256 for file in entry.files)
    return Provenance(Form.OMS, "Model: one", key * 64, bundle * 64, tie, ON)


def with_provenance(manifest: Manifest, *provenance: Provenance) -> Manifest:
    (entry,) = manifest.entries
    return manifest._replace(entries=(entry._replace(provenance=provenance),))


def test_it_survives(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    told = with_provenance(manifest, signed(entry), signed(entry, "7"))
    raw = write_manifest(told)
    assert parse_manifest(raw) == told
    assert parse_manifest(replace_entries(raw, told.entries)).entries == told.entries


def test_it_does_not_pass_to_other_files(manifest: Manifest) -> None:
    """Whoever changes what an entry lists has to take out what somebody said of other bytes."""
    (entry,) = manifest.entries
    told = with_provenance(manifest, signed(entry))
    other = told.entries[0]._replace(files=(ArtifactFile("model-one.gguf", 100, "9" * 64),))
    with pytest.raises(DocumentError, match="provenance: of other files"):
        write_manifest(told._replace(entries=(other,)))
    write_manifest(told._replace(entries=(other._replace(provenance=()),)))


def test_the_tie_is_of_all_files_in_order() -> None:
    assert tie_to(["1" * 64, "2" * 64]) != tie_to(["2" * 64, "1" * 64])
    assert tie_to(["1" * 64]) != tie_to(["1" * 64, "2" * 64])


def test_a_key_says_one_thing(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    first, other, again = signed(entry), signed(entry, "7"), signed(entry, bundle="8")
    assert add_provenance(add_provenance((first,), other), again) == (other, again)


def test_a_signer_is_told_what_came_and_went(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    told = with_provenance(manifest, signed(entry))
    what = (
        f"the provenance oms, Model: one signed by the key {'5' * 64}, bundle {'6' * 64}, "
        "checked on 2026-01-01"
    )
    (came,) = compare(manifest, told._replace(version=4))
    (went,) = compare(told, manifest._replace(version=4))
    assert (came.effect, came.what) == (Effect.STRONGER, what)
    assert (went.effect, went.what) == (Effect.WEAKER, what)
