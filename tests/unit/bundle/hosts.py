"""Two hosts of one agency: a staging host with a model and its manifest, and a sealed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

from bring import SOURCE, bring
from localai.bundle.contents import Contents
from localai.bundle.gathering import gather
from localai.bundle.writing import write_bundle
from localai.cli.stores.bundling import import_
from localai.cli.surroundings import Surroundings
from localai.errors import Exit
from localai.gguf.facts import GgufFacts
from localai.hashing import leaf, report_nothing
from localai.manifest.change import write_signed
from localai.manifest.envelope import MANIFEST_TYPE, ROOT_TYPE, Envelope, write_envelope
from localai.manifest.load import pin_root, revocation_file
from localai.manifest.revocation import TYPE, RevocationList, Revoked, write_revocations
from localai.manifest.schema import Approval, ArtifactFile, Entry, Kind, Manifest, Use
from localai.manifest.signature import PrivateKey, generate_key, sign
from localai.manifest.trust import Role, RoleKey, Root, write_root
from localai.manifest.write import write_manifest
from localai.places import Places, make_private
from localai.store.held import Held, find_held

TODAY = date(2026, 2, 1)
ONE, TWO = b"weights, say" * 100, b"and the second part"
FILES = (("one.gguf", ONE), ("two.gguf", TWO))


def seal(payload_type: str, body: bytes, *keys: PrivateKey) -> bytes:
    return write_envelope(Envelope(payload_type, tuple(sign(payload_type, body, k) for k in keys)))


@dataclass(frozen=True)
class Officer:
    """Who holds the keys of the agency: of one root of trust after another, and of manifests."""

    key: PrivateKey = field(default_factory=generate_key)
    next_key: PrivateKey = field(default_factory=generate_key)

    def root(self, version: int = 1) -> tuple[bytes, bytes]:
        """A root, signed by the threshold of the one before and its own; from version 2 on it has
        the next key."""
        key = self.key if version == 1 else self.next_key
        role = Role(1, (RoleKey("officer", key.public),))
        days = date(2026, 1, 1), date(2030, 1, 1)
        raw = write_root(Root(version, *days, role, role, role))
        return raw, seal(ROOT_TYPE, raw, key, *([self.key] if version == 2 else ()))

    def manifest(
        self,
        *entries: Entry,
        version: int = 1,
        name: str = "agency",
        until: date = date(2026, 5, 1),
        key: PrivateKey | None = None,
    ) -> tuple[bytes, bytes]:
        raw = write_manifest(Manifest(name, version, date(2026, 1, 1), until, entries))
        return raw, seal(MANIFEST_TYPE, raw, key or self.key)

    def revocations(self, *lines: Revoked, version: int = 1) -> tuple[bytes, bytes]:
        raw = write_revocations(RevocationList(version, date(2026, 1, 2), lines))
        return raw, seal(TYPE, raw, self.key)


def lists(*files: tuple[str, bytes], entry: str = "tiny", review: date = date(2027, 1, 1)) -> Entry:
    """An entry of exactly these files."""
    measured = tuple(
        ArtifactFile(name, len(raw), sha256(raw).hexdigest(), leaf(raw).hex())
        for name, raw in files
    )
    return Entry(entry, "Tiny", Kind.MODEL, "MIT", SOURCE, measured, GgufFacts("llama", 12),
                 Approval("Pat Doe", date(2026, 1, 1), review),
                 Use(("evaluation",), ("public",)))  # fmt: skip


class Host:
    """One account on one host."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.places = Places(place / "etc", False, place / "config", place / "state", home=place)

    @property
    def store(self) -> Path:
        return self.places.store

    @property
    def around(self) -> Surroundings:
        return Surroundings({}, datetime(2026, 2, 1, tzinfo=UTC), self.places, "host")

    def trusts(self, root: tuple[bytes, bytes]) -> Host:
        pin_root(self.places, *root)
        return self

    def has_manifest(self, signed: tuple[bytes, bytes], name: str = "agency") -> Host:
        write_signed(make_private(self.places.manifests) / f"{name}.yaml", *signed)
        return self

    def has_revoked(self, signed: tuple[bytes, bytes]) -> Host:
        write_signed(revocation_file(self.places), *signed)
        return self

    def brings(self, name: str = "tiny", files: Sequence[tuple[str, bytes]] = FILES) -> Held:
        return bring(self.store, name, *files)

    def contents(self, *names: str) -> Contents:
        found = [find_held(self.store, one) for one in names or ("tiny",)]
        return gather(found, self.places, TODAY).contents

    def creates(self, *names: str, out: str | Path = "bundle") -> Path:
        path = self.place / out
        found = [find_held(self.store, one) for one in names or ("tiny",)]
        gathered = gather(found, self.places, TODAY)
        write_bundle(path, gathered.contents, gathered.paths, report_nothing)
        return path

    def packs(self, contents: Contents, *files: bytes) -> Path:
        """A bundle with other contents than it would make itself."""
        paths = []
        for number, raw in enumerate(files):
            path = self.place / f"packed-{number}"
            path.write_bytes(raw)
            paths.append(path)
        out = self.place / "packed"
        out.unlink(missing_ok=True)
        write_bundle(out, contents, paths, report_nothing)
        return out

    def imports(self, bundle: Path) -> Exit:
        return import_(self.around, bundle)

    def all_files(self) -> dict[str, bytes]:
        """Whatever is there, but for locks and what is arriving."""
        return {
            str(path.relative_to(self.place)): path.read_bytes()
            for path in sorted(self.place.rglob("*"))
            if path.is_file() and path.suffix != ".lock" and "incoming" not in path.parts
        }
