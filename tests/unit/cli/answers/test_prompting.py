"""What a command line asks for, where no start is needed to see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.cli.answers.prompting import (
    MOST_ADAPTERS,
    Asked,
    Output,
    check_output,
    context_for,
    make_sampling,
    parse_adapters,
    parse_gpu,
    read_asked,
)
from localai.errors import UsageError
from localai.plan.request import Adapter
from localai.worker.protocol import DEFAULT_CONTEXT, Message


@pytest.mark.parametrize(
    ("text", "layers"), [("auto", -1), ("off", 0), ("0", 0), ("33", 33), ("9999", 9999)]
)
def test_gpu_layers(text: str, layers: int) -> None:
    assert parse_gpu(text) == layers


@pytest.mark.parametrize("text", ["", "on", "-1", "1.5", "10000", "\u0663"])
def test_no_gpu_layers(text: str) -> None:
    with pytest.raises(UsageError):
        parse_gpu(text)


@pytest.mark.parametrize(
    ("text", "adapter"),
    [
        ("style.gguf", Adapter(Path("style.gguf"))),
        ("style.gguf=0.5", Adapter(Path("style.gguf"), 0.5)),
        ("style.gguf=1", Adapter(Path("style.gguf"), 1.0)),
        ("a=b.gguf", Adapter(Path("a=b.gguf"))),
        ("a=1=1", Adapter(Path("a=1"), 1.0)),
        ("=0.5", Adapter(Path("=0.5"))),
    ],
)
def test_adapters(text: str, adapter: Adapter) -> None:
    assert parse_adapters([text]) == (adapter,)


@pytest.mark.parametrize("scale", ["0", "-1", "1.01", "2", "nan", "inf", "1e400"])
def test_no_more_than_what_was_approved(scale: str) -> None:
    """Nor less than none of it: turned round, an adapter undoes what it was approved for."""
    with pytest.raises(UsageError, match="above 0, up to 1"):
        parse_adapters([f"style.gguf={scale}"])


def test_no_adapters_and_too_many() -> None:
    assert parse_adapters(None) == ()
    assert len(parse_adapters([str(number) for number in range(MOST_ADAPTERS)])) == 8
    with pytest.raises(UsageError, match="9 adapters; at most 8"):
        parse_adapters([str(number) for number in range(MOST_ADAPTERS + 1)])


def test_a_seed_is_drawn_and_told() -> None:
    drawn = {make_sampling(1, 0.7, 0.95, None).seed for _ in range(8)}
    assert len(drawn) > 1
    assert all(0 <= seed < 2**32 for seed in drawn)
    assert make_sampling(1, 0.7, 0.95, 5).seed == 5
    assert make_sampling(0, 0.7, 0.95, 5).max_tokens is None


@pytest.mark.parametrize("temperature", [-0.1, 5.1, float("nan"), float("inf")])
def test_temperatures_that_are_none(temperature: float) -> None:
    with pytest.raises(UsageError):
        make_sampling(1, temperature, 0.95, 1)


@pytest.mark.parametrize("top_p", [0.0, 1.01, float("nan")])
def test_shares_that_are_none(top_p: float) -> None:
    with pytest.raises(UsageError):
        make_sampling(1, 0.7, top_p, 1)


def test_the_context_is_no_larger_than_one_answer_needs() -> None:
    short = make_sampling(1, 0.7, 0.95, 1)
    assert context_for(Asked("hi", ""), short) == 512
    assert (
        context_for(Asked("h\u00fc" * 600, "s" * 100), short) == 2560
    )  # 500 + 1800 + 100 + 1, rounded up
    assert context_for(Asked("x" * DEFAULT_CONTEXT, ""), short) is None
    assert context_for(Asked("hi", ""), make_sampling(0, 0.7, 0.95, 1)) is None
    assert context_for(Asked(None, ""), short) is None  # a chat grows


def test_data_that_is_not_public_stays_off_the_command_line() -> None:
    with pytest.raises(UsageError, match="ps and the shell's history") as refusal:
        read_asked("name and address", None, "", "restricted")
    assert "< prompt.txt" in refusal.value.hint
    assert "name and address" not in refusal.value.message
    assert read_asked("hi", None, "", "public") == Asked("hi", "")


def test_one_prompt_is_a_conversation() -> None:
    assert Asked("hi", "").messages() == [Message("user", "hi")]
    assert Asked("hi", "x").messages() == [Message("system", "x"), Message("user", "hi")]


def test_where_answers_may_go(tmp_path: Path) -> None:
    asked = Asked("hi", "")
    assert check_output(asked, tmp_path / "new", True) == Output(tmp_path / "new", True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for path in (tmp_path, tmp_path / "link", tmp_path / "missing" / "file"):
        with pytest.raises(UsageError):
            check_output(asked, path, False)
    with pytest.raises(UsageError, match="would be a chat"):
        check_output(Asked(None, ""), tmp_path / "new", False)
