"""What a file says about its origin, in rows, and where it contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.findings import Verdict
from localai.gguf.facts import GgufFile
from localai.gguf.inspect import OpenGguf
from localai.gguf.lineage import LONGEST, MOST, find_bases, find_contradictions, list_lineage

Opened = Callable[[bytes], OpenGguf]
Stating = Callable[..., GgufFile]


@pytest.fixture
def stating(opened: Opened) -> Stating:
    """A model whose file states these things (and a licence, if it is not said otherwise)."""

    def make(stated: dict[str, str | int | list[str]]) -> GgufFile:
        parts = maker.model_parts()
        kept = [one for one in parts.entries if b"general.license" not in one]
        for key, value in ({"license": "apache-2.0"} | stated).items():
            name = f"general.{key}"
            if isinstance(value, list):
                kept.append(maker.entry_array(name, maker.STRING, value))
            else:
                kept.append(
                    maker.entry(name, maker.STRING if isinstance(value, str) else maker.U32, value)
                )
        return opened(parts._replace(entries=tuple(kept)).bytes()).header

    return make


def test_everything_that_is_stated_is_a_row(stating: Stating) -> None:
    file = stating(
        {
            "license": "other",
            "license.name": "example-terms",
            "license.link": "https://example.org/terms",
            "organization": "Example",
            "author": "Pat Doe",
            "base_model.count": 2,
            "base_model.0.name": "Tiny",
            "base_model.0.organization": "Example",
            "base_model.0.repo_url": "https://huggingface.co/example/tiny",
            "base_model.1.name": "Other",
            "datasets": ["example/words", "example/deeds"],
            "quantized_by": "Sam",
            "source.url": "https://huggingface.co/example/tiny-chat",
        }
    )
    assert list_lineage(file) == (
        ("licence", "other, example-terms, https://example.org/terms"),
        ("made by", "Example, Pat Doe"),
        ("based on", "https://huggingface.co/example/tiny, Other"),
        ("trained on", "example/words, example/deeds"),
        ("quantised by", "Sam"),
        ("from", "https://huggingface.co/example/tiny-chat"),
    )
    assert find_bases(file) == ("https://huggingface.co/example/tiny", "Other")
    assert find_contradictions([file]) == []


def test_a_base_without_a_name_is_none(stating: Stating) -> None:
    file = stating(
        {"base_model.0.version": "1", "base_model.1.name": "A", "base_model.2.name": "A"}
    )
    assert dict(list_lineage(file))["based on"] == "number 0, A, A"
    assert find_bases(file) == ("A",)
    many = {f"base_model.{number}.name": f"B{number}" for number in range(MOST + 3)}
    assert len(find_bases(stating(many))) == MOST


def test_what_is_not_stated_is_no_row(opened: Opened, demo_model: Path) -> None:
    header = opened(demo_model.read_bytes()).header
    assert list_lineage(header) == (("licence", "apache-2.0"), ("made by", "HuggingFaceTB"))
    assert find_contradictions([header]) == []


def test_relatives_are_counted_and_few_are_shown(stating: Stating) -> None:
    file = stating({f"dataset.{number}.name": f"d{number}" for number in range(100)})
    ((word, said),) = list_lineage(file)[1:]
    assert word == "trained on"
    assert said.startswith("d0, d1, ")
    assert said.endswith(f"d{MOST - 1}, {100 - MOST} more")


def test_a_licence_of_megabytes_is_cut(stating: Stating) -> None:
    ((_, said),) = list_lineage(stating({"license": "x" * (1 << 20)}))
    assert said == "x" * LONGEST + "..."


@pytest.mark.parametrize(
    ("check", "stated"),
    [
        ("licence", {"license.name": "Llama 3.1 Community License"}),
        ("licence", {"license.link": "https://example.org/cc-by-nc-4.0"}),
        ("licence", {"license": "mit", "license.name": "GPLv3"}),
        ("licence", {"base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-3.1-8B"}),
        ("lineage", {"base_model.count": 2, "base_model.0.name": "Tiny"}),
        ("lineage", {"base_model.count": 1}),
        ("lineage", {"size_label": "7B"}),
        (
            "lineage",
            {
                "source.huggingface.repository": "example/tiny",
                "source.url": "https://huggingface.co/other/tiny",
            },
        ),
    ],
)
def test_a_contradiction_is_noted(stating: Stating, check: str, stated: dict[str, str]) -> None:
    (finding,) = find_contradictions([stating(stated)])
    assert (finding.check, finding.verdict) == (check, Verdict.NOTE)
    assert finding.summary == "statements that differ"


@pytest.mark.parametrize(
    "stated",
    [
        {"license.link": "https://huggingface.co/Qwen/Qwen2.5-7B/blob/main/LICENSE"},
        {"license": "llama3.1", "license.name": "Llama 3.1 Community License"},
        {"license": "gemma", "base_model.0.repo_url": "https://huggingface.co/google/gemma-2-2b"},
        {"license.name": "Apache License 2.0", "size_label": "44K"},
        {"size_label": "8x7B"},
        {
            "source.huggingface.repository": "Example/Tiny",
            "source.url": "https://huggingface.co/example/tiny",
        },
    ],
)
def test_what_fits_together_is_not_noted(stating: Stating, stated: dict[str, str]) -> None:
    assert find_contradictions([stating(stated)]) == []


def test_parts_under_different_licences_are_noted(stating: Stating) -> None:
    (finding,) = find_contradictions([stating({}), stating({"license": "mit"})])
    assert finding.evidence == "the parts name different licences: 'apache-2.0', 'mit'"
