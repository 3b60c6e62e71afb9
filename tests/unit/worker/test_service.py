"""Client and service with a pipe between them, and a real model behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import gguf_maker as maker
from conftest import Worker
from localai.errors import WorkerError
from localai.worker import protocol
from localai.worker.client import Client
from localai.worker.protocol import Cancel, Done, Generate, Message, Sampling, Text

Start = Callable[..., Worker]
GREEDY = Sampling(24, 0.0, 1.0, 1)
GREETING = [Message("user", "hi")]


def ask(client: Client, messages: list[Message], sampling: Sampling = GREEDY) -> tuple[str, Done]:
    *pieces, done = client.generate(messages, sampling, fit=True)
    assert isinstance(done, Done)
    return "".join(str(piece) for piece in pieces), done


def test_a_conversation(start: Start, demo_model: Path) -> None:
    client = start(demo_model).client
    said, done = ask(client, GREETING)
    assert "Hello" in said
    assert (done.stop, done.dropped_messages, done.reused_tokens) == ("stop", 0, 0)
    ready = client.ready()
    assert (ready.context, ready.template) == (4096, True)
    more = [*GREETING, Message("assistant", said), Message("user", "Say it again.")]
    again, later = ask(client, more)
    assert again
    assert later.reused_tokens >= done.prompt_tokens
    assert later.prompt_tokens > done.prompt_tokens


def test_an_unseen_model(start: Start, tiny_model: Path) -> None:
    said, done = ask(start(tiny_model).client, GREETING)
    assert said
    assert done.generated_tokens > 0


def test_a_model_without_template_continues_the_text(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "base.gguf"
    path.write_bytes(maker.make_model(template=None))
    client = start(path).client
    assert ask(client, GREETING)[0]
    assert client.ready().template is False


def test_the_oldest_turns_make_room(start: Start, demo_model: Path) -> None:
    client = start(demo_model, context=256).client
    system = Message("system", "Be brief.")
    roles = ("user", "assistant") * 4
    turns = [Message(role, f"turn {number} " * 12) for number, role in enumerate(roles)]
    messages = [system, *turns, Message("user", "What is the capital of France?")]
    _, done = ask(client, messages)
    assert done.dropped_messages in (4, 6)
    assert done.prompt_tokens <= 256 - 24
    with pytest.raises(WorkerError, match="tokens; expected 1 to 255"):
        list(client.generate(messages, GREEDY))
    assert client.usable
    with pytest.raises(WorkerError, match="expected 1 to 255"):
        list(client.generate([Message("user", "word " * 300)], GREEDY, fit=True))
    assert "Hello" in ask(client, GREETING)[0]


def test_cancelling(start: Start, demo_model: Path) -> None:
    client = start(demo_model).client
    assert not client.cancel()
    pieces = []
    for event in client.generate(
        [Message("user", "Tell me a long story.")], Sampling(400, 0, 1, 1)
    ):
        pieces.append(event)
        if len(pieces) == 3:
            assert client.cancel()
    done = pieces[-1]
    assert isinstance(done, Done)
    assert done.stop == "cancelled"
    assert done.generated_tokens < 400
    assert not client.cancel()
    assert "Hello" in ask(client, GREETING)[0]


def test_cancelling_while_the_model_still_loads(start: Start, demo_model: Path) -> None:
    client = start(demo_model).client
    answer = client.generate([Message("user", "word " * 3000)], GREEDY)
    before = signal.signal(signal.SIGALRM, lambda _signal, _frame: client.cancel())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)  # importing alone takes longer
        *_, done = answer
    finally:
        signal.signal(signal.SIGALRM, before)
    assert isinstance(done, Done)
    assert done.stop == "cancelled"


def test_an_answer_that_is_not_read_to_its_end(start: Start, demo_model: Path) -> None:
    client = start(demo_model).client
    for event in client.generate([Message("user", "Tell me a story.")], Sampling(300, 0, 1, 1)):
        assert isinstance(event, str)
        break
    assert "Hello" in ask(client, GREETING)[0]


def test_requests_that_wait_are_answered_in_order_or_cancelled(
    start: Start, tiny_model: Path
) -> None:
    worker = start(tiny_model)
    for number in (1, 2, 3):
        request = Generate(number, tuple(GREETING), Sampling(100, 0.9, 1, number))
        protocol.write_frame(worker.requests, protocol.encode_request(request))
    protocol.write_frame(worker.requests, protocol.encode_request(Cancel(2)))
    protocol.write_frame(worker.requests, protocol.encode_request(Cancel(99)))
    ended: list[Done] = []
    while len(ended) < 3:
        frame = protocol.read_frame(worker.replies)
        assert frame is not None
        reply = protocol.decode_reply(frame)
        if isinstance(reply, Done):
            ended.append(reply)
    stops = {done.id: done.stop for done in ended}
    assert set(stops) == {1, 2, 3}
    assert stops[2] == "cancelled"
    assert "cancelled" not in (stops[1], stops[3])


def test_closing_the_pipe_ends_the_worker(start: Start, demo_model: Path) -> None:
    worker = start(demo_model)
    request = Generate(1, (Message("user", "Tell me a story."),), Sampling(3000, 0.9, 1, 1))
    protocol.write_frame(worker.requests, protocol.encode_request(request))
    worker.client.ready()
    worker.close()
    assert worker.process.returncode == 0


def test_a_worker_killed_in_mid_answer(start: Start, demo_model: Path) -> None:
    worker = start(demo_model)
    answer = worker.client.generate([Message("user", "Tell me a story.")], Sampling(800, 0, 1, 1))
    next(answer)
    worker.process.kill()
    with pytest.raises(WorkerError, match="ended in the middle"):
        list(answer)
    assert not worker.client.usable
    with pytest.raises(WorkerError):
        ask(worker.client, GREETING)


def test_a_model_that_cannot_be_loaded(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(maker.make_model().replace(b"llama", b"ilama"))
    worker = start(path)
    with pytest.raises(WorkerError, match="ilama"):
        ask(worker.client, GREETING)
    worker.process.wait(30)
    assert worker.process.returncode == 0
    with pytest.raises(WorkerError):
        ask(worker.client, GREETING)


def test_a_template_that_cannot_be_read(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(maker.make_model(template="{% for %}"))
    with pytest.raises(WorkerError, match="chat template cannot be read"):
        start(path).client.ready()


class Liar:
    """A worker that says what a test wants it to."""

    def __init__(self) -> None:
        _, requests = self._kept = os.pipe()
        replies, self.say_to = os.pipe()
        self.fds = (*self._kept, replies, self.say_to)
        self.client = Client(requests, replies)

    def say(self, *replies: protocol.Reply) -> None:
        for reply in replies:
            protocol.write_frame(self.say_to, protocol.encode_reply(reply))

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


@pytest.mark.parametrize(
    "replies",
    [
        (Text(1, "before it is ready"),),
        (protocol.Ready(9, 1, True, 0), Text(2, "of another request")),
        (protocol.Ready(9, 1, True, 0), protocol.Ready(9, 1, True, 0)),
    ],
    ids=["too early", "other id", "ready twice"],
)
def test_a_worker_that_lies(replies: tuple[protocol.Reply, ...]) -> None:
    liar = Liar()
    try:
        liar.say(*replies)
        with pytest.raises(WorkerError, match="where it does not belong"):
            list(liar.client.generate(GREETING, GREEDY))
        assert not liar.client.usable
    finally:
        liar.close()


def test_ctrl_c_goes_to_the_worker_as_a_request(start: Start, demo_model: Path) -> None:
    """A signal handler cancels while the main thread waits in read()."""
    client = start(demo_model).client
    before = signal.signal(signal.SIGALRM, lambda _signal, _frame: client.cancel())
    try:
        client.ready()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        _, done = ask(client, [Message("user", "Tell me a story. " * 300)], Sampling(1, 0, 1, 1))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert done.stop == "cancelled"
