"""Manifests that hypothesis draws: every field of the schema, and some that are left out."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from hypothesis import strategies as st

from localai.gguf.facts import GgufFacts
from localai.manifest.provenance import Form, Provenance, tie_to
from localai.manifest.schema import (
    COMPANIONS,
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    Source,
    Use,
)


def digest(what: str) -> str:
    return sha256(what.encode()).hexdigest()


clean = st.characters(
    exclude_categories=("Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"),
    include_characters=' "\\#:[],',
    exclude_characters="\ufffe\uffff",  # which YAML does not take
)
lines = st.text(clean, min_size=1, max_size=30).filter(str.strip)
notes = st.none() | st.text(clean | st.just("\n"), min_size=1, max_size=60).filter(str.strip)
slugs = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)
days = st.dates(date(2000, 1, 1), date(2090, 1, 1))
few = st.lists(lines, min_size=1, max_size=3, unique=True).map(tuple)
some = st.just(()) | few
names = st.from_regex(
    r"[a-zA-Z0-9_+()]([a-zA-Z0-9 _.+()-]{0,9}[a-zA-Z0-9_])?\.gguf", fullmatch=True
)


@st.composite
def entries(draw: st.DrawFn, number: int) -> Entry:
    """The identifier ends with ``number``, a digit, and the digests come of it: no two alike."""
    kind = draw(st.sampled_from(Kind))
    on, review = sorted((draw(days), draw(days)))
    listed = tuple(
        ArtifactFile(
            f"m-{name}",  # what no device is called under Windows
            draw(st.integers(1, 2**50)),
            digest(f"{number}, {name}"),
            draw(st.sampled_from((None, digest(f"tree of {number}, {name}")))),
        )
        for name in draw(st.lists(names, min_size=1, max_size=3, unique_by=str.casefold))
    )
    tie = tie_to(file.sha256 for file in listed)
    signed = st.builds(
        Provenance,
        st.sampled_from(Form),
        lines,
        st.sampled_from((digest("a key"), digest("another"))),
        st.just(digest("a bundle")),
        st.just(tie),
        days,
    )
    return Entry(
        id=f"{draw(slugs)}{number}",
        name=draw(lines),
        kind=kind,
        licence=draw(lines),
        source=Source(
            draw(lines), draw(lines), draw(st.none() | lines), draw(some), draw(st.none() | lines)
        ),
        files=listed,
        gguf=None
        if kind is Kind.DATASET
        else GgufFacts(
            draw(lines),
            draw(st.integers(0, 2**31 - 1)),
            draw(st.sampled_from((None, digest("a template")))),
        ),
        approval=Approval(draw(lines), on, review, draw(st.booleans()), draw(st.none() | lines)),
        use=Use(draw(few), draw(few), draw(some), draw(some)),
        note=draw(notes),
        provenance=tuple(draw(st.lists(signed, max_size=2, unique_by=lambda one: one.key))),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    issued, expires = sorted((draw(days), draw(days)))
    listed = [draw(entries(number)) for number in range(draw(st.integers(0, 3)))]
    beside = [entry.id for entry in listed if entry.kind in COMPANIONS]
    if beside:
        chosen = st.lists(st.sampled_from(beside), unique=True).map(tuple)
        listed = [
            entry._replace(companions=draw(chosen)) if entry.kind is Kind.MODEL else entry
            for entry in listed
        ]
    return Manifest(
        draw(slugs), draw(st.integers(1, 2**31 - 2)), issued, expires, tuple(listed), draw(notes)
    )
