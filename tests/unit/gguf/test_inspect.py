"""All questions together: what a person sees of a whole model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.findings import Verdict
from localai.gguf.inspect import OpenGguf, inspect

Opened = Callable[[bytes], OpenGguf]


def test_a_sound_model_has_nothing_but_passes(opened: Opened) -> None:
    findings = inspect([opened(maker.make_model())])
    assert {finding.verdict for finding in findings} == {Verdict.PASS}


def test_of_the_demo_model_one_thing_is_worth_knowing(opened: Opened, demo_model: Path) -> None:
    findings = inspect([opened(demo_model.read_bytes())])
    unusual = [finding for finding in findings if finding.verdict is not Verdict.PASS]
    (note,) = unusual
    assert (note.verdict, note.check) == (Verdict.NOTE, "chat-template")
    assert "helpful AI assistant named SmolLM" in note.evidence


def test_a_sound_set_is_one_model(opened: Opened) -> None:
    findings = inspect([opened(content) for content in maker.make_split()])
    assert {finding.verdict for finding in findings} == {Verdict.PASS}
    assert [one.check for one in findings].count("gguf-kind") == 1


def test_everything_is_said_at_once(opened: Opened) -> None:
    """Nobody mends one thing at a time: each flaw is found beside the others."""
    text = {"general.t\u200b": "x", "general.description": "\x1b[2J", "general.size_label": "7B"}
    parts = maker.model_parts(template="{{ ''.__class__ }}", metadata=text)
    kept = [one for one in parts.entries if b"ggml.scores" not in one and b"head_count" not in one]
    kept.append(maker.entry_array("tokenizer.ggml.scores", maker.F32, [0.0]))
    kept.append(maker.entry("llama.attention.head_count", maker.U32, 3))
    content = parts._replace(entries=tuple(kept), data=parts.data + b"hidden").bytes()
    refused = {one.check for one in inspect([opened(content)]) if one.refuses}
    gguf = {f"gguf-{name}" for name in ("layout", "text", "keys", "shapes", "tokenizer")}
    assert refused == gguf | {"chat-template"}
    assert "lineage" in {one.check for one in inspect([opened(content)])}


def test_two_formats_in_one_file_are_found_with_everything_else(opened: Opened) -> None:
    """Where the first kilobyte lets a reader of PDF begin."""
    parts = maker.model_parts()
    begun = maker.entry("general.description", maker.STRING, "%PDF-1.7")
    file = opened(parts._replace(entries=(begun, *parts.entries)).bytes())
    assert [one.summary for one in inspect([file]) if one.refuses] == ["two formats in one file"]


@pytest.mark.parametrize("kind", ["mmproj", "imatrix"])
def test_what_is_no_model_is_not_measured_as_one(opened: Opened, kind: str) -> None:
    info = maker.tensor_info("blk.0.attn_q.weight.lora_a", [8], 0, 0)
    entries = (
        maker.entry("general.architecture", maker.STRING, "llama"),
        maker.entry("general.type", maker.STRING, kind),
        maker.entry("llama.block_count", maker.U32, 2),
    )
    file = opened(maker.Parts(entries, (info,), bytes(32)).bytes())
    (finding,) = [one for one in inspect([file]) if one.refuses]
    assert finding.summary == "not a model"


def test_an_adapter_is_looked_at_as_one(opened: Opened) -> None:
    (finding,) = [one for one in inspect([opened(maker.make_adapter())]) if one.refuses]
    assert finding.summary == "not a model"
    half = maker.adapter_parts(metadata={"adapter.type": "ia3"})
    refusing = [one for one in inspect([opened(half.bytes())]) if one.refuses]
    assert [one.summary for one in refusing] == ["not a model", "not a LoRA"]


def test_vocabularies_lack_weights_and_nothing_else(engine_source: Path, opened: Opened) -> None:
    files = sorted((engine_source / "models").glob("*.gguf"))
    assert len(files) >= 19
    for path in files:
        refusing = [one for one in inspect([opened(path.read_bytes())]) if one.refuses]
        assert [one.summary for one in refusing] == ["no weights"], path.name
