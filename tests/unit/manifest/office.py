"""Officers with real keys, a root of trust that they signed, and manifests to sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from localai.manifest.envelope import MANIFEST_TYPE, ROOT_TYPE, Envelope, write_envelope
from localai.manifest.signature import PrivateKey, generate_key, sign
from localai.manifest.trust import Role, RoleKey, Root, fingerprint_root, write_root
from localai.manifest.verify import Authority, Trust, verify_root

TODAY = date(2026, 2, 1)
VECTORS = Path(__file__).parents[2] / "vectors" / "manifest"


MakeRaw = Callable[..., bytes]
"""Makes the bytes of the vectors' manifest with some fields changed."""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def seal(payload_type: str, body: bytes, keys: Sequence[PrivateKey]) -> bytes:
    """The envelope of ``body``, signed with ``keys`` in this order."""
    return write_envelope(
        Envelope(payload_type, tuple(sign(payload_type, body, key) for key in keys))
    )


@dataclass(frozen=True)
class Office:
    """Three officers, of whom ``threshold`` must sign a manifest, and a stranger."""

    threshold: int = 2
    officers: tuple[PrivateKey, ...] = field(
        default_factory=lambda: tuple(generate_key() for _ in range(3))
    )
    stranger: PrivateKey = field(default_factory=generate_key)

    @property
    def root(self) -> Root:
        keys = tuple(
            RoleKey(f"officer-{number}", key.public) for number, key in enumerate(self.officers, 1)
        )
        return Root(
            1, date(2026, 1, 1), date(2030, 1, 1), Role(1, keys[:1]), Role(self.threshold, keys)
        )

    @property
    def root_raw(self) -> bytes:
        return write_root(self.root)

    @property
    def root_envelope(self) -> bytes:
        return seal(ROOT_TYPE, self.root_raw, self.officers[:1])

    @property
    def trust(self) -> Trust:
        raw = self.root_raw
        trust = verify_root(raw, self.root_envelope, Authority.OWN, fingerprint_root(raw), TODAY)
        assert trust.root
        return trust

    def sign(self, body: bytes, keys: Sequence[PrivateKey] | None = None) -> bytes:
        return seal(MANIFEST_TYPE, body, self.officers[:2] if keys is None else keys)
