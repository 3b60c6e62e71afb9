"""What launcher and worker say to each other: length-prefixed JSON over two pipes.

A frame is four bytes, big-endian: the length of what follows; then one JSON object in UTF-8.
Every request carries an ``id`` that its replies repeat, so that several can run at once. Each
side treats the other as hostile: the worker has read a model from the outside, and whatever
makes it lie must not reach further than the text it may show. A frame that is too long, is no
object, or lacks a field of the right type ends the conversation with a WorkerError.

Before the model is loaded the same frames carry the worker's start (see ``launch``); the types
here are the conversation after it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from localai.errors import WorkerError

VERSION = 1
DEFAULT_CONTEXT = 4096  # tokens; where neither the user nor a smaller model says otherwise
FRAME_LIMIT = 16 << 20  # bytes; a prompt of 16 MiB is far beyond any context
MOST = 1 << 53  # of any number: floats hold each integer up to here
STOPS = ("stop", "length", "cancelled")  # the model ended, a limit was met, somebody cancelled

Frame = Mapping[str, object]
_T = TypeVar("_T")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def write_frame(fd: int, message: Frame) -> None:
    """Write one frame, whole. Raises WorkerError if the other side is gone or it is too long."""
    # A lone surrogate can come from a terminal's undecodable bytes: it becomes a question mark.
    body = _encode(message).encode("utf-8", "replace")
    if len(body) > FRAME_LIMIT:
        raise WorkerError(
            f"a message of {len(body)} bytes is too long for the worker (at most {FRAME_LIMIT})",
            hint="give it a shorter text",
        )
    data = memoryview(len(body).to_bytes(4, "big") + body)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError as error:
        raise WorkerError("the other end of the pipe is closed") from error


def read_frame(fd: int) -> Frame | None:
    """Read one frame, waiting for it. None when the other side closed the pipe between frames.

    Raises WorkerError for a frame that is cut off, too long, or no JSON object.
    """
    head = _read_exactly(fd, 4)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > FRAME_LIMIT:
        raise WorkerError(f"a broken frame: {len(head)} bytes of head, {length} of body")
    body = _read_exactly(fd, length)
    if len(body) < length:
        raise WorkerError(f"a frame that ends after {len(body)} of {length} bytes")
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WorkerError("a frame that is not JSON") from error
    if not isinstance(frame, dict):
        raise WorkerError("a frame that is no JSON object")
    return frame


def _read_exactly(fd: int, length: int) -> bytes:
    """``length`` bytes, or fewer if the pipe is closed before."""
    data = os.read(fd, length) if length else b""
    while data and len(data) < length:
        more = os.read(fd, length - len(data))
        if not more:
            break
        data += more
    return data


class Message(NamedTuple):
    """One turn of a conversation. ``role`` is system, user or assistant."""

    role: str
    content: str


class Sampling(NamedTuple):
    """How tokens are chosen. Temperature 0 takes the likeliest each time; the same seed, model,
    build and machine then give the same text at any temperature. ``max_tokens`` None: until the
    model ends or the context is full."""

    max_tokens: int | None
    temperature: float
    top_p: float
    seed: int


class Generate(NamedTuple):
    """Ask for an answer. With ``fit`` the oldest turns are dropped if the context is too small;
    without it that is a failure."""

    id: int
    messages: tuple[Message, ...]
    sampling: Sampling
    fit: bool = False


class Cancel(NamedTuple):
    """Stop request ``id``; its ``Done`` still follows. An ``id`` that is over is no error."""

    id: int


class Ready(NamedTuple):
    """The model is loaded. ``context`` in tokens; ``template`` says whether it carries one."""

    context: int
    threads: int
    template: bool
    seconds: float


class Text(NamedTuple):
    """A piece of the answer, exactly as the model said it: not fit for a terminal as it is."""

    id: int
    text: str


class Done(NamedTuple):
    """The answer is over. ``stop`` is one of STOPS.

    Of ``prompt_tokens``, ``reused_tokens`` were still in memory from the turn before and
    ``dropped_messages`` of the oldest messages were left out to fit the context. Seconds are
    wall time: until the first token, and for the tokens after it.
    """

    id: int
    stop: str
    prompt_tokens: int
    reused_tokens: int
    generated_tokens: int
    dropped_messages: int
    first_token_seconds: float
    generation_seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Of the tokens after the first; 0 if there was none."""
        later = self.generated_tokens - 1
        return later / self.generation_seconds if later > 0 and self.generation_seconds else 0.0


class Failed(NamedTuple):
    """Request ``id`` could not be done, or with ``id`` 0 the model could not be loaded."""

    id: int
    code: str
    message: str
    hint: str


Request = Generate | Cancel
Reply = Ready | Text | Done | Failed


def encode_request(request: Request) -> Frame:
    """The frame of a request."""
    if isinstance(request, Cancel):
        return {"v": VERSION, "op": "cancel", "id": request.id}
    sampling = request.sampling
    return {
        "v": VERSION,
        "op": "generate",
        "id": request.id,
        "fit": request.fit,
        "messages": [[message.role, message.content] for message in request.messages],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }


def decode_request(frame: Frame) -> Request:
    """The request in a frame. Raises WorkerError if it is none."""
    op = _operation(frame)
    if op == "cancel":
        return Cancel(_field(frame, "id", int))
    if op != "generate":
        raise WorkerError(f"the unknown request {op!r}")
    limit = None if frame.get("max_tokens") is None else _field(frame, "max_tokens", int)
    sampling = Sampling(
        limit,
        _number(frame, "temperature"),
        _number(frame, "top_p"),
        _field(frame, "seed", int),
    )
    messages = []
    for turn in _field(frame, "messages", list):
        if not (isinstance(turn, list) and [type(part) for part in turn] == [str, str]):
            raise WorkerError("a message that is no pair of role and content")
        messages.append(Message(turn[0], turn[1]))
    return Generate(_field(frame, "id", int), tuple(messages), sampling, _field(frame, "fit", bool))


def encode_reply(reply: Reply) -> Frame:
    """The frame of a reply."""
    match reply:
        case Text(id=number, text=text):  # first: one for each token
            return {"v": VERSION, "op": "text", "id": number, "text": text}
        case Ready():
            op = "ready"
        case Done():
            op = "done"
        case Failed():
            op = "failed"
    fields = {name: getattr(reply, name) for name in reply._fields}
    return {"v": VERSION, "op": op, **fields}


def decode_reply(frame: Frame) -> Reply:
    """The reply in a frame. Raises WorkerError if it is none."""
    op = _operation(frame)
    if op == "text":
        return Text(_field(frame, "id", int), _field(frame, "text", str))
    if op == "ready":
        return Ready(
            _field(frame, "context", int),
            _field(frame, "threads", int),
            _field(frame, "template", bool),
            _number(frame, "seconds"),
        )
    if op == "failed":
        texts = (_field(frame, name, str)[:2000] for name in ("code", "message", "hint"))
        return Failed(_field(frame, "id", int), *texts)
    if op != "done":
        raise WorkerError(f"the unknown reply {op!r}")
    stop = _field(frame, "stop", str)
    if stop not in STOPS:
        raise WorkerError(f"the unknown stop {stop[:40]!r}")
    return Done(
        id=_field(frame, "id", int),
        stop=stop,
        prompt_tokens=_field(frame, "prompt_tokens", int),
        reused_tokens=_field(frame, "reused_tokens", int),
        generated_tokens=_field(frame, "generated_tokens", int),
        dropped_messages=_field(frame, "dropped_messages", int),
        first_token_seconds=_number(frame, "first_token_seconds"),
        generation_seconds=_number(frame, "generation_seconds"),
    )


def _operation(frame: Frame) -> str:
    if frame.get("v") != VERSION:
        raise WorkerError(f"protocol version {frame.get('v')!r}; expected {VERSION}")
    return _field(frame, "op", str)


def _field(frame: Frame, name: str, kind: type[_T]) -> _T:
    value = frame.get(name)
    if type(value) is not kind:  # not isinstance: True is an int to it
        raise WorkerError(f"{name!r} is {type(value).__name__}; expected {kind.__name__}")
    if isinstance(value, int) and not 0 <= value <= MOST:
        raise WorkerError(f"{name!r} is out of range")
    return value


def _number(frame: Frame, name: str) -> float:
    value = frame.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise WorkerError(f"{name!r} is {type(value).__name__}; expected a number")
    if not 0 <= value <= MOST:  # nor is NaN
        raise WorkerError(f"{name!r} is out of range")
    return float(value)
