"""Who signed an artifact before it came here: kept beside an approval, and never one itself.

Nothing that decides about a start reads this. It is for people who want to know where a model is
from, and for whoever repeats the check with the same bundle and the same key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from localai.shape import Fields

LONGEST_NAME = 255
"""Characters of the name under which somebody signed."""

_MOST = 16  # signatures of one artifact


class Form(StrEnum):
    """What kind of signature it was."""

    OMS = "oms"


class Provenance(NamedTuple):
    """A signature that held on the day ``checked``, over files that were ``signed_as`` a name.

    ``key`` is the fingerprint of the signer's key and ``bundle`` the SHA-256 of the file with the
    signature, both in lower-case hex. ``files`` ties it to the files of its entry:
    :func:`tie_to` of their digests.
    """

    form: Form
    signed_as: str
    key: str
    bundle: str
    files: str
    checked: date

    def __str__(self) -> str:
        return (
            f"{self.form}, {self.signed_as} signed by the key {self.key}, "
            f"bundle {self.bundle}, checked on {self.checked}"
        )


def tie_to(digests: Iterable[str]) -> str:
    """One digest for the SHA-256 of several files, in order: that of their bytes side by side."""
    return sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def add_provenance(kept: Sequence[Provenance], new: Provenance) -> tuple[Provenance, ...]:
    """``kept`` with ``new`` in the place of what the same key signed before."""
    return (*(one for one in kept if one.key != new.key), new)


def read_provenance(fields: Fields, digests: Iterable[str]) -> tuple[Provenance, ...]:
    """The list ``provenance`` of an entry whose files have these ``digests``, which may be left
    out. Raises DocumentError, also if it is about other files: it does not pass from the files
    that somebody signed to those that came after them."""
    if not fields.has("provenance"):
        return ()
    found = fields.each("provenance", _read_one, most=_MOST)
    if not found:
        raise fields.refuse("provenance", "empty")
    if len({one.key for one in found}) < len(found):
        raise fields.refuse("provenance", "one key stands twice")
    tie = tie_to(digests)
    if any(one.files != tie for one in found):
        raise fields.refuse("provenance", "of other files: take it out, and check them anew")
    return found


def _read_one(fields: Fields) -> Provenance:
    return Provenance(
        form=fields.choice("form", Form),
        signed_as=fields.text("signed-as", limit=LONGEST_NAME),
        key=fields.digest("key-sha256"),
        bundle=fields.digest("bundle-sha256"),
        files=fields.digest("files-sha256"),
        checked=fields.date("checked"),
    )
