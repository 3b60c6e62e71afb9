"""What the tests that follow the TUF conformance suite have in common: keys, roots, a host."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from office import TODAY, VECTORS, seal

from localai.manifest.envelope import MANIFEST_TYPE, ROOT_TYPE
from localai.manifest.floor import Floor
from localai.manifest.rotation import SignedRoot, Step, walk
from localai.manifest.signature import Algorithm, PrivateKey, generate_key
from localai.manifest.trust import Role, RoleKey, Root, fingerprint_root, parse_root, write_root
from localai.manifest.verify import Authority, Trust, Verification, verify_manifest, verify_root

RAW = (VECTORS / "accepted.yaml").read_bytes()  # version 3, 2026-01-01 to 2026-04-01
KEYS = tuple(generate_key(Algorithm.ED25519) for _ in range(10))
EXPIRES = date(2030, 1, 1)


class Version(NamedTuple):
    """One root of a case: which keys the role root has, how many must sign, and which did."""

    keys: Sequence[int]
    threshold: int
    signers: Sequence[int]


def role(keys: Sequence[int], threshold: int) -> Role:
    return Role(threshold, tuple(RoleKey(f"key-{one}", KEYS[one].public) for one in keys))


def make_root(number: int, version: Version, **changes: Any) -> SignedRoot:
    manifest = role([9], 1)
    root = Root(
        number, date(2026, 1, 1), EXPIRES, role(version.keys, version.threshold), manifest
    )._replace(**changes)
    raw = write_root(root)
    return SignedRoot(raw, seal(ROOT_TYPE, raw, [KEYS[one] for one in version.signers]))


def follow(roots: Sequence[SignedRoot]) -> tuple[bytes, tuple[Step, ...]]:
    """The bytes of the root that a host ends with, which began with the first."""
    first, *others = roots
    steps = walk(parse_root(first.raw), first.raw, others)
    accepted = [step.signed.raw for step in steps if not step.problem]
    return (accepted or [first.raw])[-1], steps


def trust_in(signed: SignedRoot, today: date = TODAY) -> Trust:
    pin = fingerprint_root(signed.raw)
    return verify_root(signed.raw, signed.envelope, Authority.OWN, pin, today)


def verify(
    trust: Trust,
    keys: Sequence[PrivateKey],
    raw: bytes = RAW,
    today: date = TODAY,
    floors: dict[str, Floor] | None = None,
) -> Verification:
    envelope = seal(MANIFEST_TYPE, raw, keys)
    return verify_manifest(raw, envelope, trust, today=today, floors=floors or {})


def with_manifest_role(keys: Sequence[int], threshold: int) -> Trust:
    return trust_in(make_root(1, Version([1], 1, [1]), manifest=role(keys, threshold)))


ONE = Version([1], 1, [1])
FIVE = Version(range(5), 3, [0, 2, 4])
OTHER_FIVE = [0, 1, 3, 4, 5]
