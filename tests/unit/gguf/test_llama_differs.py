"""Files at random, sound and flawed: what we take llama.cpp takes too, and reads alike.

We refuse some that it takes; ``STRICTER`` names every reason. The parser runs in a child, since
some of these files might end it.
"""

from __future__ import annotations

import os
import random
import struct
from collections import Counter
from collections.abc import Iterator

import pytest

import gguf_maker as maker
from gguf_cases import Draft, lay_out, make_drafts, make_entries, with_tensors
from gguf_maker import Parts
from llama_gguf import LlamaCpp, read_ours
from localai.errors import DocumentError
from localai.gguf.layout import find_layout
from localai.gguf.reader import read_gguf

FILES = 1_500  # of each kind
# Why we refuse a file whose header llama.cpp takes; the first two stop it when it loads the model.
UNMAPPED = "no multiple of 32"
STRICTER = (
    "truncated GGUF: tensor",
    UNMAPPED,
    "not UTF-8",
    "with a zero byte",
    "a truth value of",
    "0 dimensions",
    "more than",
    "an alignment of",
)
NUMBERS = (0, 1, 2, 3, 7, 8, 12, 13, 31, 32, 63, 64, 255, 2**16, 2**31, 2**32 - 1, 2**40, 2**62)


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaCpp]:
    parser = LlamaCpp()
    yield parser
    parser.close()


def refusal(document: bytes) -> str:
    """Why we refuse ``document``; empty if we do not."""
    fd = os.memfd_create("test")
    with os.fdopen(fd, "wb") as file:
        file.write(document)
        file.flush()
        try:
            found = find_layout(read_gguf(fd, len(document)))
        except DocumentError as error:
            return error.message
    return "".join(finding.evidence for finding in found if finding.refuses)


def make_odd(source: random.Random) -> bytes:
    """A file of sound and of odd parts, each a flaw that a parser may or may not mind."""
    drafts = make_drafts(source)[:6]
    while source.random() < 0.3:
        drafts.insert(source.randrange(len(drafts)), _odd_draft(source, drafts))
    alignment = source.choice((32, 32, 32, 1, 2, 4, 8, 64, 4096))
    infos, data = lay_out(drafts, alignment)
    entries = [*make_entries(source)[:6]]
    if alignment != 32 or source.random() < 0.2:
        entries.append(maker.entry("general.alignment", maker.U32, alignment))
    while source.random() < 0.4:
        entries.insert(source.randrange(len(entries)), _odd_entry(source))
    parts = Parts(tuple(entries), infos, data, alignment=alignment)
    if source.random() < 0.2:
        parts = parts._replace(version=source.choice((0, 1, 2, 4, 3 << 24)))
    return parts.bytes()[: None if source.random() < 0.9 else source.choice((-1, -33, -5000))]


def _odd_draft(source: random.Random, drafts: list[Draft]) -> Draft:
    draft = source.choice(drafts)
    name = source.choice((draft.name, "", "n" * 63, "n" * 64, "a\0b", "\u202ename", "two\nlines"))
    shape = source.choice(
        (draft.shape, (*draft.shape[:1], 0), (), (1, 1, 1, 1, 1), (0,), (2**62, 0, 4))
    )
    return Draft(name, shape, source.choice((draft.type, source.randrange(44))))


def _odd_entry(source: random.Random) -> bytes:
    key = source.choice(
        (b"", b"general.alignment", b"my_key_1", b"k\0", b"\xff", "\u202ekey", b"K")
    )
    number = source.choice(NUMBERS)
    return source.choice(
        (
            maker.entry(key, maker.U32, number % 2**32),
            maker.entry(key, maker.I32, number % 2**31),
            maker.entry(key, maker.STRING, source.choice((b"", b"a\0b", b"\x80", "\u6771"))),
            maker.string(key) + struct.pack("<IB", maker.BOOL, number % 256),
            maker.string(key) + struct.pack("<IIQ", maker.ARRAY, source.randrange(14), number),
            maker.string(key) + struct.pack("<IQ", maker.STRING, number),
            maker.entry_array("text", maker.STRING, [b"\xff\0", b"", "\u6771"]),
        )
    )


def make_damaged(source: random.Random) -> bytes:
    """A sound file in whose header some bytes, or a whole number, are others."""
    parts = with_tensors(source)
    parts = parts._replace(entries=parts.entries[:8])
    whole = bytearray(parts.bytes())
    header = len(whole) - len(parts.data)
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        at = source.randrange(4, header)
        code = source.choice(("<B", "<I", "<Q"))
        mask = 2 ** (8 * struct.calcsize(code)) - 1
        number = source.choice((source.getrandbits(8), source.choice(NUMBERS), -1)) & mask
        struct.pack_into(code, whole, min(at, len(whole) - 8), number)
    return bytes(whole)


KINDS = {"odd": make_odd, "damaged": make_damaged}


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_take_llama_cpp_takes_and_reads_alike(kind: str, llama: LlamaCpp) -> None:
    seen: Counter[str] = Counter()
    for seed in range(FILES):
        document = KINDS[kind](random.Random(seed))
        refused, answer = refusal(document), llama.read(document)
        if answer.facts is None:
            assert refused, f"seed {seed}: llama.cpp refuses: {answer.said}"
            seen["both refuse"] += 1
            continue
        assert not refused or any(reason in refused for reason in STRICTER), f"{seed}: {refused}"
        seen["only we refuse" if refused else "both take"] += 1
        if not refused or UNMAPPED in refused:
            assert read_ours(document) == answer.facts, f"seed {seed}"
    # Files of which one side alone decides, or all go one way, would compare nothing.
    assert min(seen["both take"], seen["both refuse"], seen["only we refuse"]) > FILES // 50, seen
