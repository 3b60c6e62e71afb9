"""llama.cpp's handcrafted files: what it refuses we refuse, what it takes we take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_cases import ACCEPTED, CASES, NO_TENSOR_TYPE, make_case
from llama_gguf import LlamaCpp, read_ours
from localai.errors import DocumentError

SEEDS = range(5)
# Words of the refusal, ours and llama.cpp's: both must have met the flaw that the name says.
REASONS = {
    "HEADER_BAD_MAGIC": ("begins like", "magic"),
    "HEADER_BAD_VERSION_0": ("version 0", "version: 0"),
    "HEADER_BAD_VERSION_1": ("version 1", "GGUFv1"),
    "HEADER_BAD_VERSION_FUTURE": ("version 4", "version 4"),
    "HEADER_BAD_N_TENSORS": ("tensors, more than", "number of tensors"),
    "HEADER_BAD_N_KV": ("entries, more than", "number of key value pairs"),
    "KV_BAD_KEY_SIZE": ("a key of", "string length"),
    "KV_EMPTY_KEY": ("an empty key", "is empty"),
    "KV_BAD_TYPE": ("value type 13", "GGUF type 13"),
    "KV_BAD_VALUE_SIZE": ("a text under", "string length"),
    "KV_DUPLICATE_KEY": ("twice", "duplicate key"),
    "KV_BAD_ALIGN": ("alignment of 13", "alignment 13"),
    "KV_WRONG_TYPE_ALIGN": ("expected UINT32", "must be of type u32"),
    "TENSORS_BAD_NAME_SIZE": ("name of", "too long"),
    "TENSORS_BAD_N_DIMS": ("5 dimensions", "number of dimensions: 5"),
    "TENSORS_BAD_SHAPE": ("the shape", "invalid number of elements"),
    "TENSORS_NE_TOO_BIG": ("the shape", "overflow"),
    "TENSORS_NBYTES_TOO_BIG": ("ends at byte", "size in bytes"),
    "TENSORS_NBYTES_PAD_WRAP": ("ends at byte", "overflows after padding"),
    "TENSORS_BAD_TYPE": (f"tensor type {NO_TENSOR_TYPE}", f"ggml type {NO_TENSOR_TYPE}"),
    "TENSORS_BAD_OFFSET": ("at 18446744073709551615", "has offset 18446744073709551615"),
    "TENSORS_DUPLICATE_NAME": ("two tensors of one name", "duplicate tensor name"),
    "TENSORS_BAD_ALIGN": ("alignment of 13", "alignment 13"),
    "TENSORS_INCONSISTENT_ALIGN": ("not aligned", "has offset 33, expected 64"),
    "DATA_NOT_ENOUGH_DATA": ("truncated", "failed to read tensor data"),
    "DATA_BAD_ALIGN": ("alignment of 13", "alignment 13"),
    "DATA_INCONSISTENT_ALIGN": ("not aligned", "has offset 33, expected 64"),
    "DATA_MEM_SIZE_OVERFLOW": ("ends at byte", "memory size overflow"),
}


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaCpp]:
    parser = LlamaCpp()
    yield parser
    parser.close()


def refusal(document: bytes) -> str:
    """Why the reader refuses ``document``; empty if it does not."""
    try:
        read_ours(document)
    except DocumentError as error:
        return error.message
    return ""


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_what_llama_cpp_takes_we_take(name: str, llama: LlamaCpp) -> None:
    for seed in SEEDS:
        document = make_case(name, seed)
        assert llama.read(document, data=True).facts is not None, seed
        assert refusal(document) == "", seed


@pytest.mark.parametrize("name", sorted(CASES.keys() - ACCEPTED))
def test_what_llama_cpp_refuses_we_refuse_for_the_same_flaw(name: str, llama: LlamaCpp) -> None:
    ours, theirs = REASONS[name]
    for seed in SEEDS:
        document = make_case(name, seed)
        answer = llama.read(document, data=name.startswith("DATA_"))
        assert answer.facts is None, seed
        assert theirs in answer.said, seed
        assert ours in refusal(document), seed


def test_no_case_of_the_list_is_forgotten(engine_source: Path) -> None:
    text = (engine_source / "tests" / "test-gguf.cpp").read_text("utf-8")
    listed = set(re.findall(r"\bHANDCRAFTED_([A-Z0-9_]+)\s*=", text))
    assert listed
    assert listed == CASES.keys()
