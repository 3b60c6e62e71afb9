"""Flaws that other readers of GGUF had, each a file written out: what we answer, and what the
engine that we use would do with it."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from llama_gguf import LlamaCpp
from localai.errors import DocumentError
from localai.findings import Verdict
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.layout import find_layout
from localai.gguf.reader import read_gguf

ROOT = Path(__file__).parents[3]
VECTORS = sorted((ROOT / "tests" / "vectors" / "gguf").glob("*.txt"))
ENGINE = "0.3.36"  # the release whose answers stand in the vectors
NUMBERS = {"u8": "<B", "u32": "<I", "u64": "<Q"}


def header(path: Path, name: str) -> str:
    """What the vector says under ``name``."""
    lines = path.read_text("utf-8").splitlines()
    (found,) = (line for line in lines if line.startswith(f"# {name}: "))
    return found.removeprefix(f"# {name}: ")


def build(path: Path) -> bytes:
    """The vector's file: one number, text, or stretch of zeros a line."""
    built = b""
    for line in path.read_text("utf-8").splitlines():
        what, _, rest = line.partition(" ")
        if what in ("raw", "text"):  # bytes as they are, or after their length
            data = json.JSONDecoder().raw_decode(rest)[0].encode()
            built += data if what == "raw" else struct.pack("<Q", len(data)) + data
        elif what == "zeros":
            built += bytes(int(rest))
        elif what == "pad":
            built += bytes(-len(built) % int(rest))
        elif what != "#":
            built += struct.pack(NUMBERS[what], int(rest.split()[0], 0))
    return built


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaCpp]:
    parser = LlamaCpp()
    yield parser
    parser.close()


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_what_we_answer(path: Path) -> None:
    outcome, _, words = header(path, "expect").partition(": ")
    document = build(path)
    fd = os.memfd_create("vector")
    with os.fdopen(fd, "wb") as file:
        file.write(document)
        file.flush()
        if outcome == "refused":
            with pytest.raises(DocumentError) as refusal:
                read_gguf(fd, len(document))
            assert words in refusal.value.message
            assert refusal.value.hint
            return
        found = read_gguf(fd, len(document))
        if outcome == "taken":
            assert not [finding for finding in find_layout(found) if finding.refuses]
            return
        verdict = {"fails": Verdict.FAIL, "notes": Verdict.NOTE}[outcome]
        check, _, words = words.partition(": ")
        said = [
            f"{finding.summary}: {finding.evidence}"
            for finding in inspect([OpenGguf(fd, found)])
            if (finding.check, finding.verdict) == (check, verdict)
        ]
        assert words in " ".join(said)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_what_the_engine_would_do(path: Path, llama: LlamaCpp) -> None:
    if version("llama-cpp-python") != ENGINE:
        pytest.skip(f"the vectors say what llama-cpp-python {ENGINE} does")
    outcome, _, words = header(path, "engine").partition(": ")
    answer = llama.read(build(path), data=outcome.endswith("with the data"))
    if outcome == "takes":
        assert answer.facts is not None, answer.said
        return
    assert answer.facts is None
    assert (words or "ended with status") in answer.said


def test_the_engine_finds_another_template_behind_a_zero_byte(llama: LlamaCpp) -> None:
    """Without our refusal one template would be shown and approved, another one used."""
    (path,) = (path for path in VECTORS if path.stem == "key-with-zero-byte")
    answer = llama.read(build(path))
    assert answer.facts is not None
    found = [entry for entry in answer.facts["metadata"] if entry[0] == "tokenizer.chat_template"]
    used, shown = (hashlib.sha256(b"the template that is " + word) for word in (b"used", b"shown"))
    assert [entry[4] for entry in found] == [used.hexdigest(), shown.hexdigest()]


def test_every_class_of_flaw_has_a_vector() -> None:
    classes = " ".join(header(path, "class") for path in VECTORS)
    for known in (
        "CVE-2024-34359",
        "CVE-2025-49847",
        "CVE-2025-53630",
        "CVE-2026-7482",
        "CVE-2026-27940",
        "CVE-2026-33298",
        "zero divisor",
        "unbounded count",
        "alignment",
        "beyond the file",
        "vocab overflow",
    ):
        assert known in classes


def test_the_page_names_every_flaw_that_has_a_number() -> None:
    page = (ROOT / "docs" / "inspect.md").read_text("utf-8")
    classes = [header(path, "class").partition(": ")[0] for path in VECTORS]
    numbered = [name for name in classes if name.startswith(("CVE-", "llama.cpp "))]
    assert len(numbered) >= 19
    assert [name for name in numbered if name not in page] == []
