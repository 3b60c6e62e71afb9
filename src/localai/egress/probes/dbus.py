"""The least of D-Bus that makes one call: a line to log in with, and one message.

Source: the D-Bus specification, "Authentication Protocol" and "Message Format". Nothing waits for
answers: a client may send all of it at once.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

_METHOD_CALL, _NO_REPLY_EXPECTED, _VERSION = 1, 1, 1
_PATH, _INTERFACE, _MEMBER, _DESTINATION, _SIGNATURE = 1, 2, 3, 6, 8


class Method(NamedTuple):
    """What is called: a method of an object that somebody on the bus has."""

    destination: bytes
    path: bytes
    interface: bytes
    member: bytes


def call(method: Method, signature: bytes, body: bytes) -> bytes:
    """The bytes of a new connection that logs in as this account and calls ``method``."""
    fields = b"".join((
        _field(_PATH, b"o", method.path),
        _field(_INTERFACE, b"s", method.interface),
        _field(_MEMBER, b"s", method.member),
        _field(_DESTINATION, b"s", method.destination),
        bytes((_SIGNATURE, 1)) + b"g\0" + bytes((len(signature),)) + signature + b"\0",
    ))  # fmt: skip
    head = struct.pack("=cBBBIII", b"l", _METHOD_CALL, _NO_REPLY_EXPECTED, _VERSION, len(body), 1,
                       len(fields))  # fmt: skip
    account = str(os.getuid()).encode().hex().encode()
    return b"\0AUTH EXTERNAL " + account + b"\r\nBEGIN\r\n" + pad(head + fields, 8) + body


def string(value: bytes) -> bytes:
    """A string in a body, filled up so that whatever takes four bytes may follow."""
    return pad(struct.pack("=I", len(value)) + value + b"\0", 4)


def _field(code: int, kind: bytes, value: bytes) -> bytes:
    return pad(bytes((code, 1)) + kind + b"\0" + string(value), 8)


def pad(data: bytes, multiple: int) -> bytes:
    """``data``, filled up to a multiple of bytes."""
    return data + b"\0" * (-len(data) % multiple)
