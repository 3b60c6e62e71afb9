"""Frames and messages, whole and broken, from both sides."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator

import pytest

from localai.errors import WorkerError
from localai.worker import protocol
from localai.worker.protocol import (
    Cancel,
    Done,
    Failed,
    Generate,
    Message,
    Ready,
    Reply,
    Request,
    Sampling,
    Text,
)

SAMPLING = Sampling(5, 0.7, 0.95, 2**32 - 1)
REQUESTS: list[Request] = [
    Generate(7, (Message("system", "Be brief."), Message("user", "ü\u0000\U0001f600")), SAMPLING),
    Generate(8, (), Sampling(None, 0, 1, 0), fit=True),
    Cancel(7),
]
REPLIES: list[Reply] = [
    Ready(4096, 2, True, 0.25),
    Text(7, "piece\x1b[31m\n"),
    Done(7, "stop", 31, 12, 9, 2, 0.08, 0.05),
    Failed(7, "worker", "message", "hint"),
]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        with contextlib.suppress(OSError):  # a test closed it
            os.close(fd)


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_survive_the_pipe(request_: Request, pipe: tuple[int, int]) -> None:
    protocol.write_frame(pipe[1], protocol.encode_request(request_))
    frame = protocol.read_frame(pipe[0])
    assert frame is not None
    assert protocol.decode_request(frame) == request_


@pytest.mark.parametrize("reply", REPLIES)
def test_replies_survive_the_pipe(reply: Reply, pipe: tuple[int, int]) -> None:
    protocol.write_frame(pipe[1], protocol.encode_reply(reply))
    frame = protocol.read_frame(pipe[0])
    assert frame is not None
    assert protocol.decode_reply(frame) == reply


def test_a_frame_larger_than_the_pipe(pipe: tuple[int, int]) -> None:
    message = {"text": "x" * 300_000}
    writer = threading.Thread(target=protocol.write_frame, args=(pipe[1], message))
    writer.start()
    assert protocol.read_frame(pipe[0]) == message
    writer.join()


def test_a_closed_pipe_between_frames_is_the_end(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    assert protocol.read_frame(pipe[0]) is None


def test_a_pipe_that_nobody_reads(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(WorkerError, match="closed"):
        protocol.write_frame(pipe[1], {"op": "x"})


def test_a_frame_that_is_too_long_is_not_sent(pipe: tuple[int, int]) -> None:
    with pytest.raises(WorkerError, match="too long"):
        protocol.write_frame(pipe[1], {"text": "x" * protocol.FRAME_LIMIT})


BROKEN = {
    "head cut off": b"\x00\x00",
    "body cut off": b"\x00\x00\x00\x08{}",
    "too long": b"\xff\xff\xff\xff",
    "no JSON": b"\x00\x00\x00\x03{]}",
    "no UTF-8": b'\x00\x00\x00\x03"\xff"',
    "no object": b"\x00\x00\x00\x02[]",
    "nothing": b"\x00\x00\x00\x00",
    "too deep": (100_000).to_bytes(4, "big") + b"[" * 100_000,
    "digits without end": (10_000).to_bytes(4, "big") + b"9" * 10_000,
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_broken_frames(flaw: str, pipe: tuple[int, int]) -> None:
    data = BROKEN[flaw]

    def write() -> None:
        os.write(pipe[1], data[:50_000])
        os.write(pipe[1], data[50_000:])
        os.close(pipe[1])

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(WorkerError):
        protocol.read_frame(pipe[0])
    writer.join()


def spoil(frame: protocol.Frame, **changes: object) -> protocol.Frame:
    return json.loads(json.dumps({**frame, **changes}))  # type: ignore[no-any-return]


GENERATE = protocol.encode_request(REQUESTS[0])
SPOILED_REQUESTS = {
    "version": spoil(GENERATE, v=2),
    "no version": spoil(GENERATE, v=None),
    "operation": spoil(GENERATE, op="exec"),
    "operation no text": spoil(GENERATE, op=1),
    "id a text": spoil(GENERATE, id="7"),
    "id a truth value": spoil(GENERATE, id=True),
    "messages an object": spoil(GENERATE, messages={}),
    "message of three": spoil(GENERATE, messages=[["user", "a", "b"]]),
    "message of numbers": spoil(GENERATE, messages=[["user", 1]]),
    "temperature a text": spoil(GENERATE, temperature="hot"),
    "seed a fraction": spoil(GENERATE, seed=0.5),
    "limit a text": spoil(GENERATE, max_tokens="all"),
    "fit a number": spoil(GENERATE, fit=1),
}


@pytest.mark.parametrize("flaw", SPOILED_REQUESTS)
def test_spoiled_requests(flaw: str) -> None:
    with pytest.raises(WorkerError):
        protocol.decode_request(SPOILED_REQUESTS[flaw])


SPOILED_REPLIES = {
    "version": spoil(protocol.encode_reply(REPLIES[1]), v=0),
    "operation": spoil(protocol.encode_reply(REPLIES[1]), op="generate"),
    "text a number": spoil(protocol.encode_reply(REPLIES[1]), text=1),
    "context a text": spoil(protocol.encode_reply(REPLIES[0]), context="4096"),
    "stop of its own": spoil(protocol.encode_reply(REPLIES[2]), stop="\x1b[2J"),
    "count a fraction": spoil(protocol.encode_reply(REPLIES[2]), generated_tokens=0.5),
    "hint missing": spoil(protocol.encode_reply(REPLIES[3]), hint=None),
    "count negative": spoil(protocol.encode_reply(REPLIES[2]), dropped_messages=-1),
    "count beyond floats": spoil(protocol.encode_reply(REPLIES[2]), generated_tokens=10**400),
    "seconds beyond floats": spoil(protocol.encode_reply(REPLIES[2]), generation_seconds=10**400),
    "seconds without end": spoil(protocol.encode_reply(REPLIES[2]), generation_seconds=1e999),
    "seconds no number": spoil(protocol.encode_reply(REPLIES[2]), first_token_seconds=1e999 * 0),
    "seconds a truth value": spoil(protocol.encode_reply(REPLIES[2]), first_token_seconds=True),
}


@pytest.mark.parametrize("flaw", SPOILED_REPLIES)
def test_spoiled_replies(flaw: str) -> None:
    with pytest.raises(WorkerError):
        protocol.decode_reply(SPOILED_REPLIES[flaw])


def test_an_undecodable_byte_of_a_terminal_is_replaced(pipe: tuple[int, int]) -> None:
    protocol.write_frame(pipe[1], {"text": "a\udcffb"})
    assert protocol.read_frame(pipe[0]) == {"text": "a?b"}
