"""How somebody checks a manifest's signatures without localai: commands, or one envelope."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote

from localai.cli.screen import join
from localai.cli.surroundings import Surroundings
from localai.manifest.algorithm import Proof, Scheme
from localai.manifest.envelope import (
    LIMIT,
    MANIFEST_TYPE,
    Envelope,
    Signature,
    encode_for_signing,
    envelope_beside,
    parse_envelope,
    write_self_contained,
)
from localai.manifest.load import load_trust, read_manifest
from localai.manifest.signature import prove
from localai.manifest.trust import RoleKey
from localai.smallfile import read_small

_PSS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:auto"
_DIGEST = (
    "openssl dgst -{hash} -verify {name}.der -keyform DER {options}-signature {name}.sig payload"
)
_VERIFY = {
    Scheme.ECDSA_SHA256: _DIGEST.replace("{hash}", "sha256").replace("{options}", ""),
    Scheme.ECDSA_SHA384: _DIGEST.replace("{hash}", "sha384").replace("{options}", ""),
    Scheme.RSA_PKCS1: _DIGEST.replace("{hash}", "sha256").replace("{options}", ""),
    Scheme.RSA_PSS: _DIGEST.replace("{hash}", "sha256").replace("{options}", f"{_PSS} "),
    Scheme.ED25519: "openssl pkeyutl -verify -pubin -inkey {name}.der -keyform DER -rawin "
    "-in payload -sigfile {name}.sig",
}


def show_by_hand(path: Path, around: Surroundings) -> str:
    """A script for a shell, to be read or to be run. It writes into the current directory: the
    payload, and for each signer whose signature holds a key and a signature.

    Raises DocumentError if the manifest or its envelope is malformed.
    """
    raw, _ = read_manifest(path)
    threshold, proofs = prove_all(path, raw, around)
    return join(_lines(path, proofs, threshold))


def prove_all(
    path: Path, raw: bytes, around: Surroundings
) -> tuple[int, list[tuple[RoleKey, Proof]]]:
    """How many must sign the manifest ``raw``, and the keys that may and did, each with its
    signature: those of the role manifest, or of the lane where enough of that signed."""
    root = load_trust(around.places, around.today).root
    envelope = read_small(envelope_beside(path), limit=LIMIT)
    if root is None or envelope is None:
        return root.manifest.threshold if root else 1, []
    message = encode_for_signing(MANIFEST_TYPE, raw)
    signatures = parse_envelope(envelope).signatures
    all_proofs = []
    for role in (root.manifest, *([root.lane.role] if root.lane else ())):
        found = ((key, prove(message, signatures, key.public)) for key in role.keys)
        all_proofs.append((role.threshold, [(key, proof) for key, proof in found if proof]))
    enough = (one for one in all_proofs if len(one[1]) >= one[0])
    return next(enough, all_proofs[0])


def write_dsse(path: Path, around: Surroundings) -> bytes:
    """The manifest and all signatures of it that hold, as one envelope for any verifier of DSSE."""
    raw, _ = read_manifest(path)
    signatures = tuple(
        Signature(key.public.fingerprint, proof.value)
        for key, proof in prove_all(path, raw, around)[1]
    )
    return write_self_contained(Envelope(MANIFEST_TYPE, signatures), raw)


def _lines(path: Path, proofs: Sequence[tuple[RoleKey, Proof]], threshold: int) -> Iterator[str]:
    kind, file = MANIFEST_TYPE, quote(str(path))
    yield f"# {threshold} or more different keys must have signed; each answer must be OK."
    yield f"printf 'DSSEv1 {len(kind)} {kind} %d ' \"$(wc -c < {file})\" > payload"
    yield f"cat {file} >> payload"
    for number, (key, proof) in enumerate(proofs, 1):
        name = f"signer{number}"
        yield ""
        yield f"# {key.name}: is this the SHA-256 of the key that they told you? Then, is it OK?"
        yield f"echo {b64encode(key.public.spki).decode()} | openssl base64 -d -A > {name}.der"
        yield f"openssl dgst -sha256 {name}.der"
        yield f"echo {b64encode(proof.value).decode()} | openssl base64 -d -A > {name}.sig"
        yield _VERIFY[proof.scheme].replace("{name}", name)
