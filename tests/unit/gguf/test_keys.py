"""Names that look like others, and names with what nobody sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.findings import Finding, Verdict
from localai.gguf.inspect import OpenGguf
from localai.gguf.keys import find_keys

Opened = Callable[[bytes], OpenGguf]


@pytest.fixture
def look(opened: Opened) -> Callable[..., list[Finding]]:
    """What is found in a model with these further keys and tensors."""

    def find(keys: tuple[str, ...] = (), tensors: tuple[str, ...] = ()) -> list[Finding]:
        parts = maker.model_parts(metadata=dict.fromkeys(keys, "text"))
        if tensors:
            infos = tuple(maker.tensor_info(name, [8], 0, 32 * n) for n, name in enumerate(tensors))
            parts = parts._replace(tensors=infos, data=bytes(32 * len(tensors)))
        return find_keys([opened(parts.bytes()).header])

    return find


@pytest.mark.parametrize(
    "key",
    [
        "general.na\u200bme",  # zero width
        "general.\u202eeman",  # runs backwards
        "general.name\n",
        "general.name\x1b[2J",
        "general.name\u00a0",
        "general.name\U000e0041",  # a tag
    ],
)
def test_what_nobody_sees_in_a_key_fails(look: Callable[..., list[Finding]], key: str) -> None:
    findings = [finding for finding in look(keys=(key,)) if finding.refuses]
    assert findings[0].check == "gguf-keys"
    assert findings[0].summary == "unseen characters in a key"
    assert findings[0].evidence == ascii(key)  # and so can be shown


@pytest.mark.parametrize(
    "key",
    [
        "tokenizer.chat_templat\u0435",  # Cyrillic ie
        "gener\u0430l.name",  # Cyrillic a
        "t\u03bfkenizer.chat_template",  # Greek omicron
        "\uff47eneral.name",  # full width
        "\U0001d420eneral.name",  # mathematical bold
        "General.Name",
        "tokenizer.chat-template",
    ],
)
def test_a_key_that_looks_like_another_fails(look: Callable[..., list[Finding]], key: str) -> None:
    (finding,) = look(keys=(key,))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "a key that looks like another")
    assert ascii(key) in finding.evidence


def test_a_look_alike_fails_without_the_key_that_it_imitates(
    look: Callable[..., list[Finding]],
) -> None:
    (finding,) = look(keys=("spl\u0456t.count",))
    assert finding.verdict is Verdict.FAIL


def test_another_script_is_a_note(look: Callable[..., list[Finding]]) -> None:
    (finding,) = look(keys=("模型.作者",))
    assert (finding.verdict, finding.summary) == (Verdict.NOTE, "a key that is not ASCII")


@pytest.mark.parametrize(
    "names", [("blk.0.w", "BLK.0.w"), ("blk.0.w", "blk.0.w\u200d"), ("outpu\u0442.weight",)]
)
def test_tensor_names_too(look: Callable[..., list[Finding]], names: tuple[str, ...]) -> None:
    findings = look(tensors=names)
    assert {finding.verdict for finding in findings} == {Verdict.FAIL}
    assert all("tensor" in finding.summary for finding in findings)


def test_many_are_counted_and_few_are_shown(look: Callable[..., list[Finding]]) -> None:
    (finding,) = look(keys=tuple(f"k{number}\u200b" * 40 for number in range(1000)))
    assert finding.evidence.endswith("and 997 more")
    assert len(finding.evidence) < 1000


def test_a_plain_model_has_plain_names(
    look: Callable[..., list[Finding]], opened: Opened, demo_model: Path
) -> None:
    assert look() == []
    with demo_model.open("rb") as stream:
        assert find_keys([opened(stream.read()).header]) == []
