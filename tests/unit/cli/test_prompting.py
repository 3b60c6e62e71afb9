"""What a command line asks for, where no start is needed to see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.cli.prompting import (
    Asked,
    Output,
    check_output,
    context_for,
    make_sampling,
    parse_gpu,
    read_asked,
)
from localai.errors import UsageError
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
