"""The demo's allowlist: signed, in force for years, and for exactly the model that it names."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from localai.findings import Verdict, refused
from localai.gguf.facts import GgufFacts
from localai.gguf.reader import read_gguf
from localai.manifest.draft import measure_file
from localai.manifest.load import load_manifests, pin_root
from localai.manifest.schema import parse_manifest
from localai.manifest.trust import fingerprint_root
from localai.manifest.verify import Authority, Trust, verify_manifest, verify_root
from localai.manifest.write import write_manifest
from localai.places import Places

DEMO = Path(__file__).parents[3] / "manifests" / "demo"
RAW = (DEMO / "allowlist.yaml").read_bytes()
ENVELOPE = (DEMO / "allowlist.dsse.json").read_bytes()
MANIFEST = parse_manifest(RAW)
TODAY = MANIFEST.issued


@pytest.fixture
def trust() -> Trust:
    raw = (DEMO / "root.json").read_bytes()
    envelope = (DEMO / "root.dsse.json").read_bytes()
    return verify_root(raw, envelope, Authority.OWN, fingerprint_root(raw), TODAY)


def test_it_verifies_for_years(trust: Trust) -> None:
    for day in (TODAY, TODAY + timedelta(days=9 * 365)):
        verification = verify_manifest(RAW, ENVELOPE, trust, today=day, floors={})
        assert verification.findings[1].verdict is Verdict.PASS
        assert verification.entries == MANIFEST.entries


@pytest.mark.parametrize("at", range(0, len(RAW), 97))
def test_one_flipped_bit_anywhere_refuses(trust: Trust, at: int) -> None:
    changed = bytearray(RAW)
    changed[at] ^= 1
    verification = verify_manifest(bytes(changed), ENVELOPE, trust, today=TODAY, floors={})
    assert refused(verification.findings)
    assert not verification.entries


def test_the_entry_is_the_published_model() -> None:
    (entry,) = MANIFEST.entries
    (file,) = entry.files
    assert file.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert file.size == 98_362_432
    assert file.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert file.tree
    assert entry.gguf
    assert (entry.gguf.architecture, entry.gguf.tensors) == ("llama", 272)
    assert entry.gguf.template
    assert entry.licence == "Apache-2.0"
    assert entry.source.revision == "ab810cf68114990406fdf996510dd3d3c6adbdf5"
    assert entry.approval.review_by == MANIFEST.expires


def test_it_is_written_as_localai_writes() -> None:
    assert write_manifest(MANIFEST) == RAW


def test_it_loads_in_a_home_of_its_own(places: Places) -> None:
    pin_root(places, (DEMO / "root.json").read_bytes(), (DEMO / "root.dsse.json").read_bytes())
    places.manifests.mkdir()
    (places.manifests / "allowlist.yaml").write_bytes(RAW)
    (places.manifests / "allowlist.dsse.json").write_bytes(ENVELOPE)
    (loaded,) = load_manifests(places, TODAY)
    assert loaded.entries


def test_no_private_key_lies_beside_it() -> None:
    for path in DEMO.iterdir():
        assert b"PRIVATE" not in path.read_bytes()


def test_the_entry_is_what_the_model_measures(demo_model: Path) -> None:
    (entry,) = MANIFEST.entries
    (file,) = entry.files
    fd = os.open(demo_model, os.O_RDONLY)
    try:
        assert measure_file(fd, file.name, os.fstat(fd).st_size) == file
        header = read_gguf(fd, file.size)
    finally:
        os.close(fd)
    facts = GgufFacts(header.architecture, len(header.tensors), header.template_sha256)
    assert entry.gguf == facts
