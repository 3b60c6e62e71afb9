"""What ``run`` is asked: the prompt, from one place only, and how to sample; all checked."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from localai.cli import console
from localai.cli.stores.naming import find_model
from localai.errors import UsageError
from localai.plan.request import Adapter
from localai.worker.protocol import DEFAULT_CONTEXT, Message, Sampling

PROMPT_LIMIT = 4 << 20  # bytes; no context holds more
PUBLIC = "public"
# Tokens that a chat template may add around one prompt when the context is made to measure.
TEMPLATE_ROOM = 500
CONTEXT_STEP = 256
MOST_ADAPTERS = 8


class Asked(NamedTuple):
    """The prompt, or None for a chat, and the system message."""

    prompt: str | None
    system: str

    def messages(self) -> list[Message]:
        """The conversation that a single prompt is."""
        start = [Message("system", self.system)] if self.system else []
        return [*start, Message("user", self.prompt or "")]


class Output(NamedTuple):
    """Where an answer goes: to ``path`` or, if that is None, to stdout; as JSON or as text."""

    path: Path | None = None
    json: bool = False


def read_asked(argument: str | None, option: str | None, system: str, data_class: str) -> Asked:
    """Take the prompt from the argument, from ``-p`` or from stdin.

    ``-`` means stdin, and so does a stdin that is no terminal when there is no prompt. Raises
    UsageError if there are two prompts, an empty one, or none and nobody to chat with; and for
    any data but public on the command line, where ``ps`` and the shell's history keep it.
    """
    if argument is not None and option is not None:
        raise UsageError("two prompts: one as argument and one with -p", hint="give one of them")
    given = argument if argument is not None else option
    given, system = given and _as_text(given), _as_text(system)
    spoken = [] if given in (None, "-") else ["the prompt"]
    spoken += ["--system"] if system else []
    if spoken and data_class != PUBLIC:
        raise UsageError(
            f"{data_class} data on the command line ({', '.join(spoken)}): ps and the shell's"
            " history show it to others",
            hint=f"give it on stdin: localai run MODEL --data-class {data_class} < prompt.txt;"
            " a system message: /system in the chat",
        )
    if given is not None and given != "-":
        return Asked(_checked(given), system)
    if given is None and _can_chat():
        return Asked(None, system)
    return Asked(_checked(_read_stdin()), system)


def make_sampling(max_tokens: int, temperature: float, top_p: float, seed: int | None) -> Sampling:
    """The sampling that was asked for; a seed is drawn where none was given, so that every
    answer can be had again. ``max_tokens`` 0: no limit but the context."""
    if not (math.isfinite(temperature) and 0 <= temperature <= 5):
        raise UsageError(f"--temperature {temperature}; expected 0 to 5", hint="0.7 is usual")
    if not (math.isfinite(top_p) and 0 < top_p <= 1):
        raise UsageError(f"--top-p {top_p}; expected above 0, up to 1", hint="0.95 is usual")
    drawn = int.from_bytes(os.urandom(4), "big") if seed is None else seed
    return Sampling(max_tokens or None, temperature, top_p, drawn)


def parse_gpu(text: str) -> int:
    """Layers to offload: ``auto`` is -1 (all that fit), ``off`` is 0."""
    if text in ("auto", "off"):
        return -1 if text == "auto" else 0
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise UsageError(f"--gpu {text}", hint="--gpu auto, --gpu off, or a number of layers")
    return int(text)


def parse_adapters(given: Sequence[str] | None) -> tuple[Adapter, ...]:
    """``FILE``, or ``FILE=SCALE``. More than the whole of an adapter, or less than none of it, is
    another adapter than the one that was approved."""
    adapters = tuple(map(_parse_adapter, given or ()))
    if len(adapters) > MOST_ADAPTERS:
        raise UsageError(
            f"{len(adapters)} adapters; at most {MOST_ADAPTERS} go with a model",
            hint="have them merged into one, and that one approved",
        )
    return adapters


def _parse_adapter(text: str) -> Adapter:
    path, _, said = text.rpartition("=")
    try:
        scale = float(said) if path else 1.0
    except ValueError:  # the name of a file may have the sign in it
        path, scale = "", 1.0
    if not 0 < scale <= 1:
        raise UsageError(
            f"--adapter {text}: expected a scale above 0, up to 1", hint="--adapter FILE=0.5"
        )
    return Adapter(find_model(Path(path or text)), scale)


def check_output(asked: Asked, path: Path | None, json: bool) -> Output:
    """See before a model is loaded that its answer has somewhere to go."""
    if asked.prompt is None and (path is not None or json):
        raise UsageError(
            "--out and --json are for one answer; this would be a chat",
            hint="add a prompt, or use /save in the chat",
        )
    if path is not None and (path.exists() or path.is_symlink()):
        raise UsageError(f"{path} exists already", hint="choose another name, or move it away")
    if path is not None and not os.access(path.parent, os.W_OK):
        raise UsageError(
            f"cannot write into {path.parent}", hint="choose a directory that is there and writable"
        )
    return Output(path, json)


def context_for(asked: Asked, sampling: Sampling) -> int | None:
    """The context that one answer can need, in tokens, where that is less than the usual one.

    A token stands for at least a byte, so this is a bound; memory that no answer can use would
    only be cleared at every start. None for a chat, and where the bound says nothing.
    """
    if asked.prompt is None or sampling.max_tokens is None:
        return None
    size = len(asked.prompt.encode()) + len(asked.system.encode())
    need = size + TEMPLATE_ROOM + sampling.max_tokens
    rounded = -(-need // CONTEXT_STEP) * CONTEXT_STEP
    return rounded if rounded < DEFAULT_CONTEXT else None


def _can_chat() -> bool:
    return console.interactive() and sys.stdout is not None and sys.stdout.isatty()


def _read_stdin() -> str:
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("no prompt, and stdin is closed", hint='localai run MODEL "a question"')
    if sys.stdin.isatty() and sys.stderr is not None:
        console.say("reading the prompt from this terminal; end it with Ctrl-D")
    data = sys.stdin.buffer.read(PROMPT_LIMIT + 1)
    if len(data) > PROMPT_LIMIT:
        raise UsageError(
            f"the prompt on stdin has more than {PROMPT_LIMIT} bytes", hint="give a part of it"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the prompt on stdin is not UTF-8 text (byte {error.start})",
            hint="convert it first, for example: iconv -t UTF-8",
        ) from error


def _as_text(argument: str) -> str:
    """What was typed as UTF-8, whatever the locale says."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError as error:
        raise UsageError(
            "a prompt on the command line is not UTF-8 text",
            hint="give it on stdin, in UTF-8: localai run MODEL < prompt.txt",
        ) from error


def _checked(prompt: str) -> str:
    if not prompt.strip():
        raise UsageError("the prompt is empty", hint='localai run MODEL "a question"')
    if len(prompt) > PROMPT_LIMIT:
        raise UsageError("the prompt is too long", hint="give a part of it")
    return prompt
