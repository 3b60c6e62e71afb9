"""Write, sign and follow the next root of trust, for ``localai trust``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.cli.roots.signers import Signer
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, UsageError
from localai.locking import locked_folder
from localai.manifest.chain import (
    Walk,
    put_in_force,
    read_roots,
    read_trusted,
    root_file,
    store,
    walk_from,
)
from localai.manifest.change import read_signatures
from localai.manifest.envelope import ROOT_TYPE, encode_for_signing, envelope_beside
from localai.manifest.keyfile import load_public
from localai.manifest.rotation import Change, SignedRoot, Step, change_root, check_step
from localai.manifest.signing import attach_signatures
from localai.manifest.trust import RoleKey, RoleName, Root, parse_root, write_root
from localai.places import make_private
from localai.smallfile import is_there


class Draft(NamedTuple):
    """A root that is to follow ``before``: where it lies, and what came of it so far."""

    path: Path
    before: Root
    step: Step
    in_force: bool = False


def read_key(path: Path, name: str | None) -> RoleKey:
    """A public key from a file, under ``name`` or the file's own. Raises DocumentError."""
    return RoleKey(name or path.name.split(".")[0], load_public(path))


def read_roles(given: Sequence[str] | None) -> tuple[RoleName, ...]:
    """The roles that a command line names; the role manifest if it names none. Raises
    UsageError."""
    return tuple(_read_role(one) for one in given or [RoleName.MANIFEST])


def read_thresholds(given: Sequence[str] | None) -> tuple[tuple[RoleName, int], ...]:
    """Thresholds from a command line: ``manifest=2``. Raises UsageError."""
    found = []
    for one in given or []:
        role, _, number = one.partition("=")
        if not re.fullmatch("[1-9][0-9]?", number):
            raise UsageError(f"no such threshold: {one}", hint="--threshold manifest=2")
        found.append((_read_role(role), int(number)))
    return tuple(found)


def _read_role(name: str) -> RoleName:
    if name not in set(RoleName):
        raise UsageError(f"no such role: {name}", hint=", ".join(RoleName))
    return RoleName(name)


def find_roles(around: Surroundings, key: str) -> tuple[RoleName, ...]:
    """The roles of the next root that have a key, by its name or its fingerprint. Raises
    UsageError if none has."""
    before, _, draft = _look(around)
    held = tuple(
        name
        for name, role in (draft or before).roles.items()
        if any(key in (one.name, one.public.fingerprint) for one in role.keys)
    )
    if not held:
        raise UsageError(f"no role has a key {key}", hint="localai trust show lists all")
    return held


def plan_rotation(
    around: Surroundings,
    old: str | None,
    new: Path | None,
    roles: Sequence[str] | None,
    name: str | None,
) -> Change:
    """The change that puts the key in ``new`` in the place of ``old``, in ``roles`` or in every
    role that has it; no change at all without either. Raises UsageError."""
    if old is None:
        return Change()
    if new is None:
        raise UsageError(
            f"which key takes the place of {old}?", hint="localai trust rotate OLD NEW.pub.pem"
        )
    key = read_key(new, name)
    wanted = read_roles(roles) if roles else find_roles(around, old)
    return Change(tuple((role, key) for role in wanted), tuple((role, old) for role in wanted))


def draft_next(around: Surroundings, change: Change, days: int) -> Draft:
    """Write the next root with ``change`` made, unsigned, and return it.

    Several changes before the first signature make one version; signatures that a draft had
    already are given up. Raises UsageError if the next version is signed and only waits to be
    followed, DocumentError if the root would break its own schema.
    """
    with _changing(around):
        before, path, draft = _look(around)
        if draft and not check_step(before, _signed(path)).problem:
            raise UsageError(
                f"version {draft.version} is signed already", hint="localai trust update"
            )
        raw = write_root(change_root(before, draft, change, around.today, days))
        store(around.places, read_trusted(around.places))
        envelope_beside(path).unlink(missing_ok=True)
        path = store(around.places, SignedRoot(raw, None))
        return Draft(path, before, check_step(before, SignedRoot(raw, None)))


def ask_next(around: Surroundings, file: Path | None) -> bytes:
    """What is to be signed of the next root: its payload. Raises UsageError if there is none."""
    return encode_for_signing(ROOT_TYPE, _unsigned(around, file)[2].raw)


def read_next(around: Surroundings, file: Path | None) -> Draft:
    """The next root as it stands, to be looked at. Raises UsageError if there is none."""
    before, path, signed = _unsigned(around, file)
    return Draft(path, before, check_step(before, signed))


def sign_next(around: Surroundings, file: Path | None, signer: Signer) -> Draft:
    """Add a signature to the next root, this host's draft or a copy in ``file``. This host's draft
    comes into force with the last signature that it needs.

    Raises UsageError if there is none, or if the key has no say in it.
    """
    with _changing(around, file):
        before, path, signed = _unsigned(around, file)
        keys = [one.public for one in (*before.root.keys, *parse_root(signed.raw).root.keys)]
        present, mine = read_signatures(path), signer(ROOT_TYPE, signed.raw, keys)
        made = attach_signatures(ROOT_TYPE, signed.raw, mine, present, keys)
        write_whole(envelope_beside(path), made, mode=0o644)
        step = check_step(before, SignedRoot(signed.raw, made))
        if step.problem or file is not None:
            return Draft(path, before, step)
        put_in_force(around.places, read_trusted(around.places), [step])
        return Draft(path, before, step, in_force=True)


def _unsigned(around: Surroundings, file: Path | None) -> tuple[Root, Path, SignedRoot]:
    """The root that is trusted here, where the next one lies, and that one."""
    before, path, draft = _look(around)
    if file is None and draft is None:
        raise UsageError(
            "there is no next root of trust to sign",
            hint="localai trust add-key, remove-key or rotate makes one",
        )
    path = file or path
    signed = _signed(path)
    version = parse_root(signed.raw).version
    if version != before.version + 1:
        raise UsageError(
            f"{path} has version {version}, and version {before.version} is trusted here",
            hint="localai trust update follows newer roots; only the very next one is signed",
        )
    return before, path, signed


def follow(around: Surroundings, files: Sequence[Path], *, keep: bool) -> Walk:
    """Walk from the root that is trusted here through ``files``, or through what this host has,
    and put the last accepted one in force if ``keep``."""
    with _changing(around):
        trusted = read_trusted(around.places)
        kept = root_file(around.places, 0).parent
        found = read_roots(files or ([kept] if is_there(kept) else []))
        walked = walk_from(trusted, found)
        if keep and (walked.accepted or (found and not files)):
            put_in_force(around.places, trusted, walked.accepted)
        return walked


def _changing(around: Surroundings, file: Path | None = None) -> AbstractContextManager[None]:
    """Keep other commands from changing the roots of this host, or the copy in ``file``."""
    make_private(around.places.config)
    return locked_folder((file or around.places.root).parent)


def _look(around: Surroundings) -> tuple[Root, Path, Root | None]:
    """The root that is trusted here, where the next one lies, and the next one if there is one.

    Raises DocumentError if the roots that were kept are those of another root of trust: keys that
    once were trusted would come back with them.
    """
    trusted = read_trusted(around.places)
    before = parse_root(trusted.raw)
    path = root_file(around.places, before.version + 1)
    if not is_there(path):
        return before, path, None
    kept = root_file(around.places, before.version)
    if not is_there(kept) or _signed(kept).raw != trusted.raw:
        raise DocumentError(
            f"{path} follows another root of trust than the one that is pinned",
            hint=f"move {path.parent} away",
        )
    return before, path, parse_root(_signed(path).raw)


def _signed(path: Path) -> SignedRoot:
    (signed,) = read_roots([path])
    return signed
