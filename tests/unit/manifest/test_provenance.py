"""Provenance: kept as it was, tied to the files, and never more than that."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pytest

from localai.errors import DocumentError
from localai.manifest.diff import Effect, compare
from localai.manifest.provenance import Form, Provenance, add_provenance, tie_to
from localai.manifest.schema import ArtifactFile, Entry, Manifest, parse_manifest
from localai.manifest.write import add_entry, replace_entries, write_manifest

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


def test_approving_the_same_files_again_keeps_it(manifest: Manifest) -> None:
    (entry,) = manifest.entries
    raw = write_manifest(with_provenance(manifest, signed(entry)))
    (again,) = parse_manifest(add_entry(raw, entry)).entries
    assert again.provenance == (signed(entry),)
    other = entry._replace(files=(entry.files[0]._replace(sha256="9" * 64),))
    assert parse_manifest(add_entry(raw, other)).entries == (other,)


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


SOURCE = Path(__file__).resolve().parents[3] / "src" / "localai"
SHOWING = ("cli/", "reports/")
KEEPING = {"manifest/write.py"}


def readers(root: Path) -> set[str]:
    """The modules in which something takes ``.provenance`` of a value."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "provenance"
    }


def test_nothing_that_decides_reads_it(tmp_path: Path) -> None:
    """Neither a gate, nor what verifies a manifest: it would be one more way to approve."""
    found = {path for path in readers(SOURCE) if not path.startswith(SHOWING)}
    assert found == KEEPING
    (tmp_path / "gate.py").write_text("def judge(entry): return bool(entry.provenance)")
    assert readers(tmp_path) == {"gate.py"}
