"""The launcher's end of the conversation with a worker. No threads; one request at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localai.errors import WorkerError
from localai.worker.protocol import (
    Cancel,
    Done,
    Failed,
    Generate,
    Message,
    Ready,
    Reply,
    Sampling,
    Text,
    decode_reply,
    encode_request,
    read_frame,
    write_frame,
)

Event = str | Done  # a piece of the answer, unsanitised; then how it ended


class Client:
    """Ask a worker for answers over its two pipes.

    The descriptors stay the caller's to close. Every method raises WorkerError if the worker
    dies, breaks the protocol, or says that it cannot do what was asked; only after the last of
    these is it still ``usable``.
    """

    def __init__(self, requests: int, replies: int) -> None:
        self._requests = requests
        self._replies = replies
        self.usable = True
        self._ready: Ready | None = None
        self._last = 0
        self._running = 0
        self._sending = False
        self._cancel_later = False

    def ready(self) -> Ready:
        """What the worker loaded; waits until it has."""
        if self._ready is None:
            reply = self._receive()
            if not isinstance(reply, Ready):
                raise self._broken(reply)
            self._ready = reply
        return self._ready

    def generate(
        self, messages: Sequence[Message], sampling: Sampling, *, fit: bool = False
    ) -> Iterator[Event]:
        """Yield the answer's pieces as the model makes them, then one ``Done``.

        With ``fit`` the worker drops the oldest turns that the context cannot hold. The request
        goes out before the worker is ready, so nothing waits on this side. An iterator that is
        dropped half-way cancels its request.
        """
        self._last += 1
        number = self._last
        self._send(Generate(number, tuple(messages), sampling, fit))
        try:
            self.ready()
            while True:
                reply = self._receive()
                if isinstance(reply, Ready) or reply.id != number:
                    raise self._broken(reply)
                if isinstance(reply, Text):
                    yield reply.text
                    continue
                self._running = 0
                if isinstance(reply, Failed):
                    raise WorkerError(reply.message, hint=reply.hint)
                yield reply
                return
        except GeneratorExit:
            self.cancel()
            self._drain(number)
            raise

    def cancel(self) -> bool:
        """Stop the running answer; its ``Done`` still comes. Safe to call from a signal handler.
        False if nothing runs: then it had no effect."""
        if self._sending:  # a frame is half-way through the pipe: not into the middle of it
            self._cancel_later = True
        elif self._running:
            write_frame(self._requests, encode_request(Cancel(self._running)))
        return bool(self._sending or self._running)

    def _send(self, request: Generate) -> None:
        self._sending = True  # before it runs: a cancel must not overtake its request
        self._running = request.id
        try:
            write_frame(self._requests, encode_request(request))
        except WorkerError:
            self._receive()  # a worker that could not load said why before it went
            raise
        finally:
            self._sending = False
        if self._cancel_later:
            self._cancel_later = False
            self.cancel()

    def _receive(self) -> Reply:
        self.usable = False  # until a whole, well-formed reply is here
        frame = read_frame(self._replies)
        if frame is None:
            raise WorkerError(
                "the worker ended in the middle of its work",
                hint="the kernel ends it when memory runs out or when it tries a forbidden call:"
                " see the records, and the kernel's log",
            )
        reply = decode_reply(frame)
        if isinstance(reply, Failed) and reply.id == 0:
            raise WorkerError(reply.message, hint=reply.hint)
        self.usable = True
        return reply

    def _drain(self, number: int) -> None:
        """Read what is left of an answer that nobody wants, so that the next one is in step."""
        while self._running == number:
            reply = self._receive()
            if isinstance(reply, Done | Failed):
                self._running = 0

    def _broken(self, reply: Reply) -> WorkerError:
        self.usable = False
        return WorkerError(f"the worker sent {type(reply).__name__} where it does not belong")
