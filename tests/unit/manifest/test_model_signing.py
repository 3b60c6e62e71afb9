"""Bundles, held against the library that the format comes from, in both directions."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from bundles import (
    BUNDLES,
    FILES,
    LISTED,
    STATEMENTS,
    sign_payload,
    whole,
    with_bundle,
    with_material,
    with_predicate,
    with_serialization,
    with_statement,
)

from localai.findings import Finding, Verdict
from localai.manifest.algorithm import Algorithm
from localai.manifest.oms import Signed, judge_bundle, judge_file
from localai.manifest.omsbundle import WHOLE, write_bundle
from localai.manifest.signature import PrivateKey, generate_key, write_private_key_unencrypted
from model_signing_peer import ModelSigning

CURVES = (Algorithm.P256, Algorithm.P384)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """FILES in a folder."""
    folder = tmp_path / "model"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def store_public(private: PrivateKey, folder: Path) -> Path:
    path = folder / "key.pub"
    path.write_text(private.public.pem)
    return path


def store_private(private: PrivateKey, folder: Path) -> Path:
    path = folder / "key.pem"
    path.write_text(write_private_key_unencrypted(private))
    return path


def test_what_it_signs_holds_here(model_signing: ModelSigning, model: Path, tmp_path: Path) -> None:
    for algorithm in CURVES:
        private = generate_key(algorithm)
        key = store_private(private, tmp_path)
        raw = model_signing.sign(model, key, tmp_path / "out.sig")
        found = judge_bundle(raw, private.public)
        assert found == Signed("model", dict(LISTED), private.public.fingerprint)
    one = model_signing.sign(model / "a.gguf", key, tmp_path / "one.sig")
    found = judge_bundle(one, private.public)
    assert found == Signed("a.gguf", {WHOLE: LISTED[0][1]}, private.public.fingerprint)
    assert judge_file(found, "a.gguf", LISTED[0][1]).verdict is Verdict.PASS
    inside = ("--ignore-paths", str(model / "sub"))
    part = model_signing.sign(model, key, model / "model.sig", *inside)
    found = judge_bundle(part, private.public)
    assert found == Signed("model", dict(LISTED[:1]), private.public.fingerprint)


def test_what_is_signed_here_holds_there(
    model_signing: ModelSigning, model: Path, tmp_path: Path
) -> None:
    for algorithm in CURVES:
        private = generate_key(algorithm)
        key, bundle = store_public(private, tmp_path), tmp_path / "ours.sig"
        bundle.write_bytes(write_bundle("model", LISTED, private))
        one = tmp_path / "one.sig"
        one.write_bytes(write_bundle("a.gguf", [(WHOLE, LISTED[0][1])], private))
        said = model_signing.judge([(bundle, key, model), (one, key, model / "a.gguf")])
        assert said == ["", ""]
    (model / "a.gguf").write_bytes(b"other")
    said = model_signing.judge([(bundle, key, model), (one, key, model / "a.gguf")])
    assert all("Hash mismatch" in answer for answer in said)


def test_nothing_passes_here_that_it_refuses(
    model_signing: ModelSigning, model: Path, tmp_path: Path
) -> None:
    """And what of the hostile ones it lets pass is known: there localai is the stricter one."""
    private = generate_key()
    cases = {name: with_statement(change, private) for name, (change, *_) in STATEMENTS.items()}
    cases |= {name: with_bundle(change, private) for name, (change, *_) in BUNDLES.items()}
    cases |= {
        "good": write_bundle("model", LISTED, private),
        "links": with_statement(with_serialization(allow_symlinks=True), private),
        "left out": with_statement(with_serialization(ignore_paths=["model.sig"]), private),
        "a card": with_statement(with_predicate(model_card={"title": "x"}), private),
        "no name of a key": with_bundle(with_material(publicKey={}), private),
    }
    document = whole(private)
    payload = b64decode(document["dsseEnvelope"]["payload"])
    twice = payload.replace(b'"subject":', b'"subject": [], "subject":', 1)
    cases["a key twice"] = json.dumps(sign_payload(document, twice, private)).encode()
    key = store_public(private, tmp_path)
    questions = []
    for number, raw in enumerate(cases.values()):
        path = tmp_path / f"{number}.sig"
        path.write_bytes(raw)
        questions.append((path, key, model))
    theirs = dict(zip(cases, model_signing.judge(questions), strict=True))
    ours = {name: isinstance(judge_bundle(raw, private.public), Signed)
            for name, raw in cases.items()}  # fmt: skip
    assert {name for name, good in ours.items() if good} == {
        "good", "links", "left out", "a card", "no name of a key"
    }  # fmt: skip
    assert {name: theirs[name] for name, good in ours.items() if good and theirs[name]} == {}
    assert {name for name, answer in theirs.items() if not answer and not ours[name]} == {
        "a field of a statement that nobody knows",
        "a key twice",
        "a path twice",
        "a second digest over all",
        "a way to hash that nobody knows",
        "two signatures",
        "links that are neither allowed nor not",
    }


def test_what_it_hashes_in_other_ways_is_not_checked(
    model_signing: ModelSigning, model: Path, tmp_path: Path
) -> None:
    """Its library makes these, and its command line does not."""
    private = generate_key()
    key = store_private(private, tmp_path)
    for way, said in (("shards", "sha256 of shards"), ("blake2", "blake2"), ("blake3", "blake3")):
        raw = model_signing.sign_hashed(model, key, tmp_path / "out.sig", way)
        found = judge_bundle(raw, private.public)
        assert isinstance(found, Finding)
        assert found.verdict is Verdict.NOT_CHECKED
        assert said in found.evidence
