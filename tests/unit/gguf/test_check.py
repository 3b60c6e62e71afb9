"""What a well-formed file is judged to be from its header."""

from __future__ import annotations

import pytest

import gguf_maker as maker
from gguf_reading import read
from localai.findings import Verdict
from localai.gguf.check import check_structure
from localai.gguf.describe import describe, show_count
from localai.gguf.memory import are_all_layers, inference_bytes


def test_a_model_passes() -> None:
    file = read(maker.model_parts())
    (finding,) = check_structure([file])
    assert (finding.check, finding.verdict) == ("gguf-kind", Verdict.PASS)
    assert finding.summary == "GGUF v3"
    assert finding.evidence == describe([file])
    assert describe([file]) == "llama, 44K parameters, F32, 21 tensors, context 512"


def test_no_template_is_a_note() -> None:
    findings = check_structure([read(maker.model_parts(template=None))])
    assert [finding.verdict for finding in findings] == [Verdict.PASS, Verdict.NOTE]
    assert "no chat template" in findings[1].evidence


def test_a_template_that_is_no_text_fails() -> None:
    """The engine would render a number as the text that it looks like, and no entry pins it."""
    parts = maker.model_parts(template=None)
    number = maker.entry("tokenizer.chat_template", maker.U32, 5)
    (finding,) = check_structure([read(parts._replace(entries=(*parts.entries, number)))])
    assert (finding.verdict, finding.evidence) == (
        Verdict.FAIL,
        "tokenizer.chat_template is no text",
    )


@pytest.mark.parametrize("kind", ["adapter", "mmproj", "imatrix", "vocab"])
def test_what_is_no_model_fails(kind: str) -> None:
    (finding,) = check_structure([read(maker.model_parts(metadata={"general.type": kind}))])
    assert finding.verdict is Verdict.FAIL
    assert kind in finding.evidence
    assert finding.remedy


def test_a_projector_is_known_by_its_architecture() -> None:
    file = read(maker.model_parts())
    clip = file._replace(metadata={**file.metadata, "general.architecture": "clip"})
    (finding,) = check_structure([clip])
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "not a model")


def test_no_architecture_and_no_weights_fail() -> None:
    findings = check_structure([read(maker.Parts(entries=(maker.entry("k", maker.U8, 1),)))])
    assert {finding.summary for finding in findings} == {"no architecture", "no weights"}
    assert {finding.verdict for finding in findings} == {Verdict.FAIL}


@pytest.mark.parametrize("name", ["ll\u0430ma", "llama\n", "l l", "a" * 65, "-"])
def test_an_architecture_is_a_name(name: str) -> None:
    file = read(maker.model_parts())
    said = file._replace(metadata={**file.metadata, "general.architecture": name})
    assert [one.summary for one in check_structure([said]) if one.refuses] == ["no architecture"]


def test_a_set_passes_as_one_model() -> None:
    files = [read(part) for part in maker.split_parts()]
    (finding,) = check_structure(files)
    assert finding.verdict is Verdict.PASS
    assert finding.evidence == "llama, 44K parameters, F32, 21 tensors, context 512, 2 files"


def test_a_later_parts_layout_is_judged_too() -> None:
    first, second = (read(part) for part in maker.split_parts())
    moved = second.tensors[1]._replace(offset=second.tensors[0].offset)
    second = second._replace(tensors=(second.tensors[0], moved, *second.tensors[2:]))
    assert [f.summary for f in check_structure([first, second]) if f.refuses] == [
        "overlapping tensors"
    ]


def test_a_set_needs_the_memory_of_one_model() -> None:
    files = [read(part) for part in maker.split_parts()]
    whole = inference_bytes([read(maker.model_parts())], 512, repack=True)
    assert inference_bytes(files, 512, repack=True) == whole


def test_overlapping_tensors_fail() -> None:
    tensors = (
        maker.tensor_info("first", [16], 0, 0),
        maker.tensor_info("second", [16], 0, 32),
    )
    parts = maker.model_parts()._replace(tensors=tensors, data=bytes(128))
    (finding,) = check_structure([read(parts)])
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "overlapping tensors")
    assert "second" in finding.evidence


def test_bytes_behind_the_last_tensor_are_a_note() -> None:
    parts = maker.model_parts()
    parts = parts._replace(data=parts.data + b"hidden" * 100)
    findings = check_structure([read(parts)])
    assert [finding.summary for finding in findings] == ["GGUF v3", "unused bytes"]
    assert findings[1].verdict is Verdict.NOTE


@pytest.mark.parametrize("offsets", [(0, 4096), (32, 0), (32, 64)])
def test_tensors_that_do_not_follow_each_other_fail(offsets: tuple[int, int]) -> None:
    """llama.cpp expects each where the one before it ends, and so do we."""
    tensors = tuple(maker.tensor_info(f"t{at}", [8], 0, at) for at in offsets)
    parts = maker.model_parts()._replace(tensors=tensors, data=bytes(4096 + 32))
    (finding,) = [one for one in check_structure([read(parts)]) if one.refuses]
    assert (finding.check, finding.summary) == ("gguf-layout", "tensors out of place")


def test_memory_grows_with_context_and_repacking() -> None:
    file = read(maker.model_parts())
    small = inference_bytes([file], 1024, repack=False)
    large = inference_bytes([file], 2048, repack=False)
    cache = 1024 * maker.LAYERS * 2 * maker.WIDTH * 2
    assert large - small >= cache
    quantised = file._replace(
        tensors=tuple(tensor._replace(type="Q4_0") for tensor in file.tensors)
    )
    weights = sum(tensor.size for tensor in file.tensors)
    assert inference_bytes([quantised], 1024, repack=True) - small == weights
    assert inference_bytes([quantised], 1024, repack=False) == small


def test_what_is_read_takes_memory_for_what_stays_off_a_gpu() -> None:
    file = read(maker.model_parts())
    mapped = inference_bytes([file], 1024, repack=False)
    sizes = {tensor.name: tensor.size for tensor in file.tensors}
    outside = ("token_embd.weight", "output_norm.weight", "output.weight")
    expected = mapped + sum(sizes[name] for name in outside) + max(sizes.values())
    assert inference_bytes([file], 1024, repack=False, let_go=True) == expected
    quantised = file._replace(
        tensors=tuple(tensor._replace(type="Q4_0") for tensor in file.tensors)
    )
    whole = inference_bytes([quantised], 1024, repack=True)
    assert whole > expected  # a build does one or the other
    assert inference_bytes([quantised], 1024, repack=True, let_go=True) == whole


@pytest.mark.parametrize(
    ("gpu_layers", "whole"),
    [(0, False), (1, False), (maker.LAYERS, False), (maker.LAYERS + 1, True), (9999, True),
     (-1, True)],
)  # fmt: skip
def test_all_layers_are_the_blocks_and_the_output(gpu_layers: int, whole: bool) -> None:
    file = read(maker.model_parts())
    assert are_all_layers([file], gpu_layers) is whole
    unknown = file._replace(metadata={"general.architecture": "llama"})
    assert are_all_layers([unknown], gpu_layers) is (gpu_layers < 0)


@pytest.mark.parametrize(
    "key", ["block_count", "embedding_length", "attention.head_count", "attention.key_length"]
)
def test_no_number_below_zero_makes_a_model_small(key: str) -> None:
    file = read(maker.model_parts())
    least = inference_bytes([file._replace(metadata={})], 1024, repack=False)
    for number in (-(2**40), -1, 0):
        said = {**file.metadata, f"llama.{key}": number}
        assert inference_bytes([file._replace(metadata=said)], 1024, repack=False) >= least


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0"), (999, "999"), (43_000, "43K"), (7_241_732_096, "7.2B")]
)
def test_counts(count: int, shown: str) -> None:
    assert show_count(count) == shown
