"""An interrupt while an answer is wanted is never lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from localai.cli.answers.answer import interruptible
from localai.worker.client import Client
from localai.worker.protocol import Cancel, Message, Sampling, decode_request, read_frame


@pytest.fixture
def pipes() -> Iterator[tuple[int, Client, int]]:
    """What a worker would read, the client, and what a worker would write to."""
    requests, theirs = os.pipe()
    replies, ours = os.pipe()
    yield requests, Client(theirs, replies), ours
    for descriptor in {requests, theirs, replies, ours}:
        os.close(descriptor)


def test_before_the_request_it_ends_the_program(pipes: tuple[int, Client, int]) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(pipes[1]):
        signal.raise_signal(signal.SIGINT)


def test_after_it_the_first_cancels_and_the_second_ends(pipes: tuple[int, Client, int]) -> None:
    requests, client, _ = pipes
    answer = client.generate([Message("user", "hi")], Sampling(1, 0, 1, 1))
    with pytest.raises(KeyboardInterrupt), interruptible(client):

        def interrupt(_signal: int, _frame: object) -> None:
            signal.raise_signal(signal.SIGINT)
            frames = [read_frame(requests), read_frame(requests)]
            assert isinstance(decode_request(frames[1] or b""), Cancel)
            signal.raise_signal(signal.SIGINT)

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            next(answer)  # waits for a worker that never answers
        finally:
            signal.signal(signal.SIGALRM, before)
