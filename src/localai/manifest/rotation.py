"""From one root of trust to the next: what a host accepts, and what an officer writes.

Pure: bytes and types in, types out. A host walks from the root that it trusts, one version at a
time: version N+1 counts if the threshold of N's root keys and the threshold of its own signed it.
So keys can be lost, stolen and replaced without anybody going to every host with a fingerprint.

Source: the TUF specification 1.0.33, 5.3.3 to 5.3.9 (update the root role).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from localai.errors import DocumentError
from localai.manifest.envelope import ROOT_TYPE, Envelope, parse_envelope
from localai.manifest.lane import Frame
from localai.manifest.trust import LAST_VERSION, Lane, Role, RoleKey, RoleName, Root, parse_root

MOST_STEPS = 64
"""Roots that one walk may pass (TUF: there is a limit to the number of roots)."""


class SignedRoot(NamedTuple):
    """The bytes of a root and of its envelope; None if nobody signed it yet."""

    raw: bytes
    envelope: bytes | None


class Step(NamedTuple):
    """What came of one root that is to follow another.

    ``root`` is None if it cannot be read. ``problem`` is empty if it may be followed, else it
    says with ``evidence`` why not. ``old`` and ``new`` name the keys whose signatures hold, of
    the role root in the root before and in this one.
    """

    signed: SignedRoot
    root: Root | None
    problem: str = ""
    evidence: str = ""
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def check_step(trusted: Root, signed: SignedRoot) -> Step:
    """Decide whether ``signed`` may take the place of ``trusted``. No date is looked at: a root
    that ran out may still lead to the next (TUF, 5.3.10, looks at the last one only)."""
    # (1) Size and form; who cannot be read cannot be followed.
    try:
        root = parse_root(signed.raw)
    except DocumentError as error:
        return Step(signed, None, "root malformed", error.message)
    try:
        envelope = parse_envelope(signed.envelope) if signed.envelope else Envelope(ROOT_TYPE, ())
    except DocumentError as error:
        evidence = f"version {root.version}: {error.message}"
        return Step(signed, None, "signatures malformed", evidence)
    # (2) The signatures are over a root, and not over something else.
    if envelope.payload_type != ROOT_TYPE:
        evidence = f"payload type {envelope.payload_type}, expected {ROOT_TYPE}"
        return Step(signed, root, "signed as something else", evidence)
    old = trusted.root.find_signers(ROOT_TYPE, signed.raw, envelope)
    new = root.root.find_signers(ROOT_TYPE, signed.raw, envelope)
    step = Step(signed, root, old=old, new=new)
    # (3) It is the very next version: none is left out, and none comes back.
    if root.version != trusted.version + 1:
        evidence = f"version {root.version} after version {trusted.version}"
        return step._replace(problem="root out of order", evidence=evidence)
    # (4) The keys of the root that is trusted signed it, and (5) so did its own.
    for whose, role, signers in (("present", trusted.root, old), ("new", root.root, new)):
        if len(signers) < role.threshold:
            evidence = f"{len(signers)} of {role.threshold} signatures of its {whose} root keys"
            return step._replace(problem="too few signatures", evidence=evidence)
    return step


def walk(trusted: Root, raw: bytes, found: Iterable[SignedRoot]) -> tuple[Step, ...]:
    """The steps from ``trusted``, whose bytes are ``raw``, through ``found`` in whatever order;
    the last one has a problem if the walk ended early.

    Roots of an earlier version are passed over. Another root of the version that is trusted is a
    problem: somebody signed two.
    """
    steps: list[Step] = []
    readable: dict[int, SignedRoot] = {}
    for signed in found:
        try:
            version = parse_root(signed.raw).version
        except DocumentError as error:
            return (Step(signed, None, "root malformed", error.message),)
        known = raw if version == trusted.version else readable.get(version, signed).raw
        if signed.raw != known:
            evidence = f"two different roots of version {version}"
            return (Step(signed, None, "two contents, one version", evidence),)
        if version > trusted.version:
            readable[version] = signed
    for _, signed in sorted(readable.items())[:MOST_STEPS]:
        step = check_step(trusted, signed)
        steps.append(step)
        if step.problem or step.root is None:
            break
        trusted = step.root
    return tuple(steps)


_DISPENSABLE = frozenset({RoleName.REVOCATION, RoleName.LANE})


class Change(NamedTuple):
    """What the next root is to have otherwise: keys that come and that go, by role, new
    thresholds, and the frame of the lane."""

    added: tuple[tuple[RoleName, RoleKey], ...] = ()
    removed: tuple[tuple[RoleName, str], ...] = ()
    thresholds: tuple[tuple[RoleName, int], ...] = ()
    frame: Frame | None = None


def change_root(trusted: Root, draft: Root | None, change: Change, today: date, days: int) -> Root:
    """The root after ``trusted``: ``draft``, an earlier draft of it, or else ``trusted`` itself,
    with ``change`` made. It is to hold ``days`` days from ``today``.

    A role that gets its first key begins with a threshold of one; one that lost its last is gone,
    unless nothing could be signed without it. Raises DocumentError for a key or a name that is
    there already or is not there, for a threshold out of reach, and for the last version there can
    be.
    """
    if trusted.version >= LAST_VERSION:
        raise DocumentError("there is no version after the last one", hint="localai trust init")
    roles = (draft or trusted).roles
    for name, gone in change.removed:
        roles[name] = _remove(name, roles.get(name, Role(1, ())), gone)
    for name, key in change.added:
        roles[name] = _add(name, roles.get(name, Role(1, ())), key)
    for name, threshold in change.thresholds:
        roles[name] = roles.get(name, Role(1, ()))._replace(threshold=threshold)
    for name, role in roles.items():
        if len(role.keys) < role.threshold and (role.keys or name not in _DISPENSABLE):
            raise DocumentError(
                f"the role {name}: {role.threshold} of {len(role.keys)} keys can never be reached",
                hint=f"--role for some of the roles only; --threshold {name}=NUMBER for fewer keys",
            )
    revocation = roles.get(RoleName.REVOCATION)
    present = (draft or trusted).lane
    frame = change.frame or (present.frame if present else None)
    return Root(
        trusted.version + 1,
        today,
        today + timedelta(days=days),
        roles[RoleName.ROOT],
        roles[RoleName.MANIFEST],
        revocation if revocation and revocation.keys else None,
        _frame_lane(roles.get(RoleName.LANE), frame),
    )


def _frame_lane(role: Role | None, frame: Frame | None) -> Lane | None:
    """A lane needs both, and without keys it is gone."""
    if role is None or not role.keys:
        return None
    if frame is None:
        raise DocumentError(
            "nobody said yet what the keys of the lane may approve", hint="localai trust lane"
        )
    return Lane(role, frame)


def _add(name: RoleName, role: Role, key: RoleKey) -> Role:
    for other in role.keys:
        if other.name == key.name or other.public == key.public:
            raise DocumentError(
                f"the role {name} has a key {other.name} already, {other.public.fingerprint}",
                hint="--name gives a key another name; localai trust show lists all",
            )
    return role._replace(keys=(*role.keys, key))


def _remove(name: RoleName, role: Role, gone: str) -> Role:
    kept = tuple(key for key in role.keys if gone not in (key.name, key.public.fingerprint))
    if len(kept) == len(role.keys):
        raise DocumentError(
            f"the role {name} has no key {gone}", hint="localai trust show lists all"
        )
    return role._replace(keys=kept)
