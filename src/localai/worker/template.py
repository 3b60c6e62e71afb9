"""Render a model's chat template: a program by a stranger, in Jinja2's sandbox, on a clock.

The sandbox (``ImmutableSandboxedEnvironment``) forbids attributes that lead out of the data.
What it cannot forbid is endless work, so rendering has two limits: after ``SOFT`` seconds a
timer raises between two Python instructions, and after ``HARD`` seconds of processor time, spent
inside one C call that never comes back to Python, SIGPROF ends the worker. A template gets no
randomness, and its clock stands still at the day on which the model was approved: what it said to
whoever approved it, it says at every date.

The environment is set up as chat templates expect it (``dialect``, with ``raise_exception``,
``strftime_now``, and ``tojson`` without HTML escapes), as documented for ``apply_chat_template`` in
Hugging Face's Transformers.
"""

from __future__ import annotations

import codecs
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import NoReturn

from localai.errors import WorkerError
from localai.worker.packages import enter_package
from localai.worker.protocol import Message

enter_package("jinja2", "jinja2")
import textwrap  # noqa: E402, F401 - what Jinja2 imports only when it needs it, the worker

import jinja2.debug  # noqa: E402, F401 - must have before it can open no file any more
from jinja2.exceptions import TemplateError  # noqa: E402
from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: E402

from localai.dialect import make_environment  # noqa: E402

codecs.lookup("unicode_escape")  # the lexer's, for string literals: the same

SOFT = 2.0  # seconds of wall time for one rendering; the usual one takes a millisecond
HARD = 5.0  # seconds of processor time
TEXT_LIMIT = 32 << 20  # characters of a rendered prompt
# For a model without a template, which was never taught turns: the bare texts.
PLAIN = "{% for message in messages %}{{ message.content }}\n{% endfor %}"

# What a hostile or merely broken template can raise, besides Jinja2's own errors.
_BROKEN = (
    TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,  # RecursionError among them
    SyntaxError,
    TypeError,
    ValueError,
)


class _Refused(TemplateError):
    """The template itself called ``raise_exception``."""


class _TooSlow(BaseException):
    """The clock ran out. No Exception, so that nothing in Jinja2 can catch it."""


class Template:
    """A compiled chat template with the texts of the tokens it may name, and the day that it takes
    for today.

    Raises WorkerError if it cannot be compiled.
    """

    def __init__(self, source: str, bos: str, eos: str, today: date) -> None:
        environment = make_environment(ImmutableSandboxedEnvironment)
        environment.filters["tojson"] = _to_json
        del environment.filters["random"], environment.globals["lipsum"]
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = today.strftime
        self._names = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        with _limited("read"):
            self._compiled = environment.from_string(source)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt for a conversation.

        A template that refuses a system message gets it as the start of the first user message,
        which is what such models' own documentation advises. Raises WorkerError if the template
        fails, takes too long or makes too much of it.
        """
        try:
            return self._render(messages)
        except _Refused as error:
            merged = _without_system(messages)
            if merged is None:
                raise _failure("rendered", error) from error
        try:
            return self._render(merged)
        except _Refused as error:
            raise _failure("rendered", error) from error

    def _render(self, messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        with _limited("rendered"):
            text = self._compiled.render(messages=turns, **self._names)
        if len(text) > TEXT_LIMIT:
            raise WorkerError(f"the chat template makes a prompt of {len(text)} characters")
        return text


@contextmanager
def _limited(what: str) -> Iterator[None]:
    """Turn what a template can raise into a WorkerError, and stop it when its time is over."""

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_PROF, HARD)
    signal.setitimer(signal.ITIMER_REAL, SOFT)
    try:
        yield
    except _TooSlow as error:
        raise WorkerError(
            f"the model's chat template could not be {what} within {SOFT:.0f} seconds"
        ) from error
    except _Refused:
        raise
    except _BROKEN as error:
        raise _failure(what, error) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGALRM, before)


def _failure(what: str, error: BaseException) -> WorkerError:
    said = f"{type(error).__name__.strip('_')}: {error}"[:400]
    return WorkerError(f"the model's chat template cannot be {what}: {said}")


def _without_system(messages: Sequence[Message]) -> list[Message] | None:
    """The same conversation with the system message in the first user's; None if there is none."""
    if len(messages) < 2 or messages[0].role != "system":
        return None
    first = messages[1]
    joined = Message(first.role, f"{messages[0].content}\n\n{first.content}")
    return [joined, *messages[2:]]


def _refuse(message: object) -> NoReturn:
    raise _Refused(str(message))


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
