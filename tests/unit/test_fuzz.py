"""Every fuzz target with a bounded number of inputs, the same in every run.

``scripts/fuzz`` gives them millions. What counts as a defect is in ``fuzzing.judge``.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzing import TARGETS, gguf_reader, template, template_escapes
from fuzzing.damage import damaged
from fuzzing.judge import Broken, hold_against, judged
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.gguf import reader
from localai.gguf.facts import Tensor

SECONDS = 60  # for one input: what never ends, on any machine; the fuzzer itself allows one
BOUNDED = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(f"fuzzing.{request.param}")


def test_what_is_whole_and_what_is_damaged(target: Any) -> None:
    run, seeds = judged(target.run, seconds=SECONDS), list(target.seeds())
    assert max(map(len, seeds)) <= target.LONGEST

    @BOUNDED
    @given(damaged(seeds, target.WORDS))
    def damage(data: bytes) -> None:
        run(data)

    for seed in seeds:
        run(seed)
    damage()


def test_any_bytes(target: Any) -> None:
    run = judged(target.run, seconds=SECONDS)

    @BOUNDED
    @given(st.binary(max_size=target.LONGEST))
    def anything(data: bytes) -> None:
        run(data)

    anything()


def test_a_reader_that_forgets_a_bound_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fuzzer that finds nothing may be one that cannot find anything."""

    def place(tensor: Tensor, data: int, *_: int) -> Tensor:
        return tensor._replace(offset=data + tensor.offset)

    monkeypatch.setattr(reader, "_placed", place)
    with pytest.raises(Broken, match="outside of"):
        _try_seeds()


def test_a_reader_that_forgets_an_exception_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_value_type", lambda number, _: reader.ValueType(number))
    with pytest.raises(ValueError, match="is not a valid ValueType"):
        _try_seeds()


def _try_seeds() -> None:
    for seed in gguf_reader.seeds():
        gguf_reader.run(seed)


def test_a_look_at_templates_that_sees_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = (Finding("chat-template", Verdict.PASS, "nothing unusual", "not looked at"),)
    monkeypatch.setattr(template, "inspect", lambda _: seen)
    with pytest.raises(Broken, match="which reaches for __class__"):
        template_escapes.run(b"")


def test_no_use_of_a_hidden_name_goes_unseen() -> None:
    name = "('%c%c' % (95, 95) ~ 'class' ~ '_' * 2)"
    uses = [shape.replace("NAME", name) for shape in template_escapes.WHOLE]
    for wrap in template_escapes.WRAPS:
        uses += [wrap.replace("USE", use.replace("NAME", name)) for use in template_escapes.USES]
    assert sum(bool(template_escapes.render(use)) for use in uses) > len(uses) * 3 // 4
    for use in uses:
        template_escapes.check(use)


def test_readers_that_do_not_agree_are_found() -> None:
    def refuse() -> object:
        raise DocumentError("no")

    hold_against(None, refuse)
    hold_against({"a": "b"}, lambda: {"a": "b"})
    for strict in (refuse, lambda: {"a": "c"}, lambda: None):
        with pytest.raises(Broken):
            hold_against({"a": "b"}, strict)
