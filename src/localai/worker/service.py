"""The worker's work: answer requests from one pipe on another until the first is closed.

One request runs at a time; those that arrive meanwhile wait in the pipe's order, and ``cancel``
is looked for between tokens. Ids are in the protocol already, so that several can run at once.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Sequence
from datetime import date

from localai.errors import WorkerError
from localai.worker.engine import Engine, EngineOptions
from localai.worker.protocol import (
    Done,
    Failed,
    Generate,
    Message,
    Ready,
    Reply,
    Text,
    decode_request,
    encode_reply,
    read_frame,
    write_frame,
)
from localai.worker.template import PLAIN, Template

ANSWER_SHARE = 4  # a quarter of the context is kept for the answer when turns are dropped


def run(
    model_fds: Sequence[int], options: EngineOptions, today: date, requests: int, replies: int
) -> None:
    """Load the model in ``model_fds``, close them, and answer until ``requests`` is closed.
    ``today`` is the day that the chat template is told.

    A model that cannot be loaded is told as ``Failed`` with id 0, and that is the end. Raises
    WorkerError only for what the launcher itself did wrong, and when it is gone.
    """
    started = time.perf_counter()
    try:
        engine = Engine.load(model_fds, options)
        source = engine.template
        shown = PLAIN if source is None else source
        template = Template(shown, engine.bos, engine.eos, today)
    except WorkerError as error:
        _reply(replies, Failed(0, error.code, error.message, error.hint))
        return
    for descriptor in model_fds:  # what is mapped stays; nothing else holds the files any more
        os.close(descriptor)
    seconds = time.perf_counter() - started
    _reply(replies, Ready(engine.context, engine.threads, source is not None, seconds))
    Service(engine, template, requests, replies).serve()


class Service:
    """The conversation over one pair of pipes."""

    def __init__(self, engine: Engine, template: Template, requests: int, replies: int) -> None:
        self._engine = engine
        self._template = template
        self._requests = requests
        self._replies = replies
        self._waiting: deque[Generate] = deque()
        self._poll = select.poll()
        self._poll.register(requests, select.POLLIN)
        self._current = 0
        self._cancelled = False
        self._closed = False

    def serve(self) -> None:
        """Answer until the request pipe is closed."""
        while True:
            while not self._waiting:
                if self._closed:
                    return
                self._receive()
            request = self._waiting.popleft()
            try:
                reply: Reply = self._generate(request)
            except WorkerError as error:
                reply = Failed(request.id, error.code, error.message, error.hint)
            _reply(self._replies, reply)

    def _receive(self) -> None:
        """Read one request; the end of the pipe cancels what is running."""
        frame = read_frame(self._requests)
        if frame is None:
            self._closed = self._cancelled = True
            return
        request = decode_request(frame)
        if isinstance(request, Generate):
            self._waiting.append(request)
        elif request.id == self._current:
            self._cancelled = True
        elif any(waiting.id == request.id for waiting in self._waiting):
            self._waiting = deque(one for one in self._waiting if one.id != request.id)
            _reply(self._replies, Done(request.id, "cancelled", 0, 0, 0, 0, 0.0, 0.0))

    def _is_cancelled(self) -> bool:
        while not self._cancelled and self._poll.poll(0):
            self._receive()
        return self._cancelled

    def _generate(self, request: Generate) -> Done:
        self._current, self._cancelled = request.id, self._closed
        prompt, dropped = self._prompt(request)

        def emit(text: str) -> None:
            _reply(self._replies, Text(request.id, text))

        try:
            outcome = self._engine.generate(prompt, request.sampling, emit, self._is_cancelled)
        finally:
            self._current = 0
        return Done(
            id=request.id,
            stop=outcome.stop,
            prompt_tokens=len(prompt),
            reused_tokens=outcome.reused_tokens,
            generated_tokens=outcome.generated_tokens,
            dropped_messages=dropped,
            first_token_seconds=outcome.first_token_seconds,
            generation_seconds=outcome.generation_seconds,
        )

    def _prompt(self, request: Generate) -> tuple[list[int], int]:
        """The tokens of the prompt and how many messages were left out to make it fit.

        The system message and the last one always stay; between them the oldest turn goes first,
        question and answer together, so that the roles still take turns.
        """
        messages = list(request.messages)
        dropped = 0
        kept = 1 if messages and messages[0].role == "system" else 0
        room = self._engine.context - self._reserve(request)
        while True:
            prompt = self._engine.tokenize(self._template.render(messages))
            if not request.fit or len(prompt) <= room or len(messages) - kept < 3:
                return prompt, dropped
            over = _first_turn(messages[kept:-1])
            del messages[kept : kept + over]
            dropped += over

    def _reserve(self, request: Generate) -> int:
        share = self._engine.context // ANSWER_SHARE
        wanted = request.sampling.max_tokens
        return share if wanted is None else min(share, wanted)


def _first_turn(messages: Sequence[Message]) -> int:
    """How many messages belong to the oldest turn: all up to the second one from the user."""
    for index, message in enumerate(messages[1:], 1):
        if message.role == "user":
            return index
    return len(messages)


def _reply(fd: int, reply: Reply) -> None:
    write_frame(fd, encode_reply(reply))
