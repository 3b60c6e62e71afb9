"""A start with a manifest of 10,000 entries: to verify it, and to find one file in it.

    .venv/bin/python benchmarks/manifest.py [--runs N]

Target: at most 0.5 s, from the bytes on. The peers read the same: what anybody would take for the
YAML, PyYAML over libyaml, and JSON of the same content. Neither looks at a signature, at a digest
or at what an entry may say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import measuring
import yaml

from localai.gguf.facts import GgufFacts
from localai.manifest import schema
from localai.manifest.envelope import MANIFEST_TYPE, Envelope, write_envelope
from localai.manifest.signature import generate_key, sign
from localai.manifest.trust import Role, RoleKey, Root
from localai.manifest.verify import Authority, LoadedManifest, Trust, verify_manifest
from localai.manifest.write import write_manifest
from localai.plan.matching import candidates, find_match

ENTRIES = 10_000
TODAY, LATER = date(2026, 2, 1), date(2027, 1, 1)


class Signed(NamedTuple):
    """A manifest, the signatures of two of three officers, and the root that asks for two."""

    raw: bytes
    envelope: bytes
    trust: Trust


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=False)
    signed = make()
    document = json.dumps(yaml.load(signed.raw, Loader=yaml.CBaseLoader))
    print(f"{ENTRIES} entries, {len(signed.raw) / 1e6:.1f} MB, 2 of 3 signatures")
    medians = measuring.alternate(
        asked.runs,
        lambda: took(lambda: verify_and_find(signed)),
        lambda: took(lambda: yaml.load(signed.raw, Loader=yaml.CBaseLoader)),
        lambda: took(lambda: json.loads(document)),
    )
    measuring.show(
        "s", ["verify and look up", "PyYAML, reading only", "JSON, reading only"], medians
    )


def make() -> Signed:
    keys = [generate_key() for _ in range(3)]
    role = Role(2, tuple(RoleKey(f"officer-{n}", key.public) for n, key in enumerate(keys, 1)))
    root = Root(1, TODAY, LATER, role, role)
    entries = tuple(make_entry(number) for number in range(ENTRIES))
    raw = write_manifest(schema.Manifest("agency-allowlist", 3, TODAY, LATER, entries))
    signatures = tuple(sign(MANIFEST_TYPE, raw, key) for key in keys[:2])
    envelope = write_envelope(Envelope(MANIFEST_TYPE, signatures))
    return Signed(raw, envelope, Trust(Authority.ADMINISTRATOR, root))


def make_entry(number: int) -> schema.Entry:
    """One with most of the fields that there are."""
    return schema.Entry(
        id=f"model-{number}",
        name=f"Model {number} Instruct Q4_K_M",
        kind=schema.Kind.MODEL,
        licence="Apache-2.0",
        source=schema.Source(
            "Example", f"example/model-{number}", digest(number)[:40], ("example/base",)
        ),
        files=(
            schema.ArtifactFile(
                f"model-{number}.Q4_K_M.gguf",
                10**9 + number,
                digest(f"file {number}"),
                digest(f"tree {number}"),
            ),
        ),
        gguf=GgufFacts("llama", 272, digest(f"template {number}")),
        approval=schema.Approval("A. Officer", TODAY, LATER, ticket=f"CHG-{number}"),
        use=schema.Use(
            ("evaluation", "software development"),
            ("public", "internal"),
            ("it-staff",),
            ("before anything is published: a person reviews it",),
        ),
        note="Template, licence and lineage were looked at: nothing unusual.",
    )


def digest(what: object) -> str:
    return sha256(str(what).encode()).hexdigest()


def took(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def verify_and_find(signed: Signed) -> None:
    found = verify_manifest(signed.raw, signed.envelope, signed.trust, today=TODAY, floors={})
    loaded = LoadedManifest(Path("agency-allowlist.yaml"), found)
    number = ENTRIES - 1
    possible = candidates([loaded], 10**9 + number)
    match = find_match(possible, tree=digest(f"tree {number}"))
    assert match and match.entry.id == f"model-{number}" and found.entries


if __name__ == "__main__":
    main()
