"""The root of trust, ``localai.root/1``: which keys may sign what, and how many of them must.

Pure: bytes in, types out. The file ``root.json`` is JSON that a person can read, with its own
signatures detached beside it, as with a manifest. It is trusted because it is the file whose
SHA-256 was pinned (or which only the administrator can write); it must also carry the signatures
of its own root keys, so that nobody pins keys that nobody holds.

Source: the TUF specification 1.0.33, 4.3 (root.json) and 5.3. The role ``root`` is there for
rotation (:mod:`localai.manifest.rotation`); without a role ``revocation`` nobody can revoke, and
without a role ``lane`` nobody approves within a frame (:mod:`localai.manifest.lane`).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from localai.document import encode_text, read_json
from localai.errors import DocumentError
from localai.manifest.algorithm import LONGEST_KEY
from localai.manifest.envelope import ROOT_TYPE, Envelope
from localai.manifest.lane import Frame, frame_document, read_frame
from localai.manifest.signature import PublicKey, take_public_key, verify
from localai.shape import Fields, read_shape

SCHEMA = "localai.root/1"
LIMIT = 64 * 1024
"""Bytes that a root may have."""

MOST_KEYS = 16
LAST_VERSION = 2**31 - 1


class RoleName(StrEnum):
    """What keys may sign: the root itself, manifests, the list of what is revoked, and manifests
    whose entries count within a frame."""

    ROOT = "root"
    MANIFEST = "manifest"
    REVOCATION = "revocation"
    LANE = "lane"


class RoleKey(NamedTuple):
    """A key of a role, and whose it is."""

    name: str
    public: PublicKey


class Role(NamedTuple):
    """The keys that may sign for a role, and how many different ones must."""

    threshold: int
    keys: tuple[RoleKey, ...]

    @property
    def fingerprint(self) -> str:
        """A digest of the set of keys: another set, another digest."""
        return sha256(
            "".join(sorted(key.public.fingerprint for key in self.keys)).encode()
        ).hexdigest()

    def find_signers(self, payload_type: str, body: bytes, envelope: Envelope) -> tuple[str, ...]:
        """The names of the keys of this role whose signature over ``body`` holds, each key once."""
        names = {key.public.fingerprint: key.name for key in self.keys}
        keys = (key.public for key in self.keys)
        holding = verify(payload_type, body, envelope.signatures, keys)
        return tuple(name for fingerprint, name in names.items() if fingerprint in holding)


class Lane(NamedTuple):
    """Who may approve within a frame, and the frame."""

    role: Role
    frame: Frame


class Root(NamedTuple):
    """Who may sign the root itself, who may sign manifests, who may revoke, and who may approve
    within which frame (both None: nobody)."""

    version: int
    issued: date
    expires: date
    root: Role
    manifest: Role
    revocation: Role | None = None
    lane: Lane | None = None

    @property
    def roles(self) -> dict[RoleName, Role]:
        """The roles that there are, by name."""
        named = (
            (RoleName.ROOT, self.root),
            (RoleName.MANIFEST, self.manifest),
            (RoleName.REVOCATION, self.revocation),
            (RoleName.LANE, self.lane.role if self.lane else None),
        )
        return {name: role for name, role in named if role is not None}


def fingerprint_root(raw: bytes) -> str:
    """What is pinned: the SHA-256 of the file, in lower-case hex."""
    return sha256(raw).hexdigest()


def parse_root(raw: bytes) -> Root:
    """Read a root. Raises DocumentError."""
    return read_shape(read_json(raw, limit=LIMIT), "root", _read_root)


def write_root(root: Root) -> bytes:
    """The root as JSON; ``parse_root`` of it gives an equal root.

    Raises DocumentError if the root breaks its own schema.
    """
    roles = {name.value: _role_document(role) for name, role in root.roles.items()}
    if root.lane:
        roles[RoleName.LANE.value] |= frame_document(root.lane.frame)
    document = {
        "schema": SCHEMA,
        "version": root.version,
        "issued": root.issued.isoformat(),
        "expires": root.expires.isoformat(),
        "roles": roles,
    }
    raw = encode_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if parse_root(raw) != root:
        raise DocumentError("the root of trust does not read back as it was written")
    return raw


def is_signed_by_itself(root: Root, raw: bytes, envelope: Envelope) -> bool:
    """True if the threshold of the root's own keys signed ``raw``."""
    if envelope.payload_type != ROOT_TYPE:
        return False
    return len(root.root.find_signers(ROOT_TYPE, raw, envelope)) >= root.root.threshold


def _role_document(role: Role) -> dict[str, object]:
    return {
        "threshold": role.threshold,
        "keys": [
            {"name": key.name, "key": b64encode(key.public.spki).decode()} for key in role.keys
        ],
    }


def _read_root(fields: Fields) -> Root:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")
    version = fields.integer("version", 1, LAST_VERSION)
    issued, expires = fields.date("issued"), fields.date("expires")
    if expires < issued:
        raise fields.refuse("expires", "lies before the day of issue")
    root = fields.one(
        "roles",
        lambda roles: Root(
            version,
            issued,
            expires,
            roles.one("root", _read_role),
            roles.one("manifest", _read_role),
            roles.one("revocation", _read_role) if roles.has("revocation") else None,
            roles.one("lane", _read_lane) if roles.has("lane") else None,
        ),
    )
    _keep_apart(fields, root)
    return root


def _keep_apart(fields: Fields, root: Root) -> None:
    """A key says in which role it signed: one that was also the lane's could turn the first of two
    officers' signatures into an approval, or widen the frame that it signs within."""
    for name in (RoleName.ROOT, RoleName.MANIFEST):
        officers = {key.public.fingerprint for key in root.roles[name].keys}
        for key in root.lane.role.keys if root.lane else ():
            if key.public.fingerprint in officers:
                raise fields.refuse(
                    "roles", f"the key {key.name} of the lane is a key of the role {name} as well"
                )


def _read_lane(fields: Fields) -> Lane:
    return Lane(_read_role(fields), read_frame(fields))


def _read_role(fields: Fields) -> Role:
    role = Role(
        threshold=fields.integer("threshold", 1, MOST_KEYS),
        keys=fields.each("keys", _read_key, most=MOST_KEYS),
    )
    _refuse_twice(fields, "key", (key.public.fingerprint for key in role.keys))
    _refuse_twice(fields, "name", (key.name for key in role.keys))
    if role.threshold > len(role.keys):
        raise fields.refuse(
            "threshold", f"{role.threshold} of {len(role.keys)} keys can never be reached"
        )
    return role


def _refuse_twice(fields: Fields, what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise fields.refuse("keys", f"the {what} {value} stands twice")
        seen.add(value)


def _read_key(fields: Fields) -> RoleKey:
    text = fields.text("key", limit=LONGEST_KEY * 4 // 3 + 4)
    try:
        public = take_public_key(b64decode(text, validate=True))
    except (Base64Error, ValueError) as error:
        raise fields.refuse("key", "is not base64") from error
    except DocumentError as error:
        raise fields.refuse("key", error.message) from error
    return RoleKey(fields.text("name"), public)
