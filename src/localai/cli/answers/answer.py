"""One answer and what goes with it: shown as it comes, written as text or as JSON."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from json import dumps
from types import FrameType
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.cli import console
from localai.cli.answers.prompting import Output
from localai.cli.console import DISCLOSURE
from localai.errors import WorkerError
from localai.terminal import sanitise
from localai.worker.client import Client
from localai.worker.protocol import Done, Message, Sampling

SCHEMA = "localai.answer/1"


class Adapted(NamedTuple):
    """An adapter that had its part in an answer, and how strongly it counted."""

    name: str
    digests: tuple[str, ...]
    scale: float


class Imprint(NamedTuple):
    """Where an answer comes from: the model with the digests that were verified, the record of the
    start, and when; the adapters. ``when`` is in UTC."""

    model: str
    digests: tuple[str, ...]
    record: int
    when: datetime
    adapters: tuple[Adapted, ...] = ()

    @property
    def date(self) -> str:
        return self.when.isoformat(timespec="seconds").replace("+00:00", "Z")

    def header(self) -> str:
        """The lines that stand above a text that leaves the terminal."""
        digests = "".join(f"digest: {digest}\n" for digest in self.digests)
        adapters = "".join(
            f"with:   {sanitise(one.name)}, an adapter at {one.scale:g}, {', '.join(one.digests)}\n"
            for one in self.adapters
        )
        return (
            f"{DISCLOSURE}\n"
            f"model:  {sanitise(self.model)}\n"
            f"{digests}{adapters}"
            f"date:   {self.date}\n"
            f"record: {self.record}\n"
        )


class Answer(NamedTuple):
    """A whole answer, as the model said it, and how it went."""

    text: str
    done: Done

    def file_text(self, imprint: Imprint) -> str:
        """The answer as a text file."""
        return f"{imprint.header()}\n{sanitise(self.text).rstrip()}\n"

    def document(self, imprint: Imprint, sampling: Sampling) -> Mapping[str, object]:
        """The answer as ``localai.answer/1``. ``text`` is exactly what the model said."""
        done = self.done
        return {
            "schema": SCHEMA,
            "disclosure": DISCLOSURE,
            "model": {"name": imprint.model, "digests": list(imprint.digests)},
            "adapters": [
                {"name": one.name, "digests": list(one.digests), "scale": one.scale}
                for one in imprint.adapters
            ],
            "date": imprint.date,
            "record": imprint.record,
            "text": self.text,
            "stop": done.stop,
            "tokens": {"prompt": done.prompt_tokens, "generated": done.generated_tokens},
            "sampling": {
                "max_tokens": sampling.max_tokens,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "seed": sampling.seed,
            },
            "timings_ms": {
                "first_token": round(done.first_token_seconds * 1000, 1),
                "generation": round(done.generation_seconds * 1000, 1),
            },
        }


def receive(
    client: Client, messages: list[Message], sampling: Sampling, *, show: bool, fit: bool = False
) -> Answer:
    """Ask, and gather the answer; with ``show`` its pieces are on stdout as they come.

    Ctrl-C stops the answer, which then ends as ``cancelled``; a second one interrupts for good.
    Raises WorkerError if the worker fails.
    """
    pieces: list[str] = []
    with interruptible(client):
        for event in client.generate(messages, sampling, fit=fit):
            if isinstance(event, Done):
                return Answer("".join(pieces), event)
            pieces.append(event)
            if show:
                console.show_piece(event)
    raise WorkerError("the worker ended an answer without saying how")


def deliver(answer: Answer, imprint: Imprint, sampling: Sampling, output: Output) -> None:
    """Write a whole answer where it is wanted: a new file, whole or not at all, or stdout."""
    if output.json:
        document = answer.document(imprint, sampling)
        if output.path is None:
            console.print_json(document)
        else:
            write_whole(output.path, (dumps(document, indent=2) + "\n").encode(), replace=False)
    elif output.path is not None:
        write_whole(output.path, answer.file_text(imprint).encode(), replace=False)
    elif not answer.text.endswith("\n"):  # it is on stdout already
        console.show_piece("\n")


@contextmanager
def interruptible(client: Client) -> Iterator[None]:
    """Let Ctrl-C cancel the running answer instead of ending the program."""
    asked = False

    def cancel(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        # A worker that does not stop must not hold the person who asks, nor may an interrupt be
        # lost that comes before the request is on its way.
        if asked or not client.cancel():
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
