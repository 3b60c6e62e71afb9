"""OpenSSF Model Signing (OMS): whether a bundle holds, and what it says of a file.

What passes says who signed a file, and nothing about whether it may be used here. The tests hold
it against model_signing 1.1.1, which is the stricter one in no case that they know.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import NamedTuple

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.manifest.envelope import Signature, encode_for_signing
from localai.manifest.omsbundle import (
    ALGORITHMS,
    PAYLOAD_TYPE,
    WHOLE,
    Bundle,
    Statement,
    digest_all,
    name_key,
    read_bundle,
    read_statement,
)
from localai.manifest.signature import PublicKey, prove

CHECK = "provenance"

_WHY = "what somebody signed is known by digest, and their key by what they tell you themselves"
_ASK = "ask whoever signed it for their public key, and for the bundle of these files"
_AGAIN = "get the model and its bundle again from where they were published"
_ELSEWHERE = "check it with model_signing verify, where that is installed"


class Signed(NamedTuple):
    """A model that the owner of a key signed: its name, the SHA-256 of its files by their paths,
    and the fingerprint of the key."""

    name: str
    files: Mapping[str, str]
    key: str


def judge_bundle(raw: bytes, key: PublicKey) -> Signed | Finding:
    """What the bundle ``raw`` says if ``key`` signed it, else what is wrong with it.

    1. It is not too large, is JSON that can be read in one way only, and has every field that it
       must have and none that is not known.
    2. Nothing in it asks for a check that is not made here.
    3. The key is of a kind that OMS has, and the one that the bundle names, if it names one.
    4. The signature holds over the payload's bytes. Nothing looked into these before.
    5. The payload is a statement about a model, which says how it came to its digests.
    6. Its paths stay inside the model, none stands twice, and none is said to have been left out.
    7. The digest over all is that of the digests of the files.
    """
    try:
        bundle = read_bundle(raw)
        if bundle.unknown:
            return _not_checked(bundle.unknown)
        if wrong := _check_key(bundle, key) or _check_signature(bundle, key):
            return wrong
        statement = read_statement(bundle.payload)
    except DocumentError as error:
        return _fail("malformed bundle", error.message, _AGAIN)
    if statement.unknown:
        return _not_checked(statement.unknown)
    if problem := _find_contradiction(statement):
        return _fail("malformed bundle", problem, _AGAIN)
    return Signed(statement.name, dict(statement.files), key.fingerprint)


def judge_file(signed: Signed, name: str, digest: str) -> Finding:
    """Whether a file of this name and this SHA-256 is one that was signed.

    The name counts unless the model is one file: in the place of this file another one of the
    same model would be signed, too.
    """
    same = [path for path, value in signed.files.items() if value == digest]
    named = [path for path in signed.files if path == WHOLE or PurePosixPath(path).name == name]
    if found := [path for path in same if path in named]:
        path = signed.name if found[0] == WHOLE else f"{found[0]} of {signed.name}"
        return Finding(CHECK, Verdict.PASS, "signed", f"as {path}, by the key {signed.key}")
    if same:
        remedy = f"call it what it was signed as: {PurePosixPath(same[0]).name}"
        return _fail("signed under another name", f"as {same[0]} of {signed.name}", remedy)
    if named:
        evidence = f"sha256 {digest}, and {signed.files[named[0]]} was signed"
        return _fail("not what was signed", evidence, _AGAIN)
    return _fail("not in the bundle", f"{signed.name} was signed without a file {name}", _ASK)


def _check_key(bundle: Bundle, key: PublicKey) -> Finding | None:
    if key.algorithm not in ALGORITHMS:
        evidence = f"{key.algorithm}, and a bundle is signed with {' or '.join(ALGORITHMS)}"
        return _fail("the wrong kind of key", evidence, _ASK)
    if bundle.key and bundle.key != name_key(key):
        evidence = f"one whose PEM has the SHA-256 {bundle.key}, not {name_key(key)}"
        return _fail("signed by another key", evidence, _ASK)
    return None


def _check_signature(bundle: Bundle, key: PublicKey) -> Finding | None:
    message = encode_for_signing(PAYLOAD_TYPE, bundle.payload)
    proof = prove(message, [Signature("", bundle.signature)], key)
    # With r and s side by side it would hold here, and for no other reader of bundles.
    if proof and proof.value == bundle.signature:
        return None
    return _fail("not signed by this key", f"the key {key.fingerprint}", _ASK)


def _find_contradiction(statement: Statement) -> str:
    """What is wrong with a statement whose every field is well-formed; "" if nothing is."""
    paths = [path for path, _ in statement.files]
    if not paths:
        return "it lists no file"
    left_out = {str(PurePosixPath(path)) for path in statement.left_out}
    seen: set[str] = set()
    for path in paths:
        if problem := _find_path_problem(path, seen, left_out):
            return f"the path {path} {problem}"
        seen.add(path)
    if WHOLE in seen and len(seen) > 1:
        return "it lists files inside a model of one file"
    if (found := digest_all(digest for _, digest in statement.files)) != statement.digest:
        return f"its files together have the digest {found}, and it says {statement.digest}"
    return ""


def _find_path_problem(path: str, seen: AbstractSet[str], left_out: AbstractSet[str]) -> str:
    pure = PurePosixPath(path)
    if str(pure) != path or pure.is_absolute() or ".." in pure.parts:
        return "is not one inside the model, written in the usual way"
    if path in seen:
        return "stands twice"
    above = (path[:at] for at, letter in enumerate(path) if letter == "/")
    if any(one in left_out for one in (path, *above, WHOLE)):
        return "is said to have been left out"
    return ""


def _fail(summary: str, evidence: str, remedy: str) -> Finding:
    return Finding(CHECK, Verdict.FAIL, summary, evidence, _WHY, remedy)


def _not_checked(evidence: str) -> Finding:
    return Finding(CHECK, Verdict.NOT_CHECKED, "not checked", evidence, remedy=_ELSEWHERE)
