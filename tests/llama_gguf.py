"""llama.cpp's own GGUF parser, as the tests' second opinion.

``gguf_init_from_file`` of the installed engine's libggml-base meets files that are made to hurt, so
it runs in a child (``llama_gguf_child.py``) with limits of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import struct
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from localai.gguf.elements import each_batch
from localai.gguf.facts import Array, GgufFile, Scalar
from localai.gguf.reader import read_gguf
from localai.gguf.types import SCALARS, TENSOR_TYPES, ValueType

CHILD = Path(__file__).with_name("llama_gguf_child.py")
PATIENCE = 30.0  # seconds for one document


class Answer(NamedTuple):
    """The ``facts`` of a document that the parser took, else None, and what it ``said``."""

    facts: dict[str, Any] | None
    said: str


class LlamaCpp:
    """The parser in a child, which is started anew when a document has ended it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, document: bytes, *, data: bool = False) -> Answer:
        """What llama.cpp makes of ``document``: of its header, as when it maps a model, or of the
        tensors' ``data`` too. A crash or a stand-still is a refusal."""
        child = self._child = self._child or _start()
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(struct.pack("<?Q", data, len(document)) + document)
            child.stdin.flush()
        if not select.select([child.stdout], [], [], PATIENCE)[0]:
            self.close()
            return Answer(None, f"nothing in {PATIENCE:.0f} s")
        line = child.stdout.readline()
        if not line:
            status = child.wait()
            self.close()
            return Answer(None, f"ended with status {status}")
        return Answer(*json.loads(line))

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            with contextlib.suppress(BrokenPipeError):
                self._child.communicate()
            self._child = None


def library_path() -> Path:
    """The installed engine's libggml-base, found without importing the engine."""
    spec = find_spec("llama_cpp")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "lib" / "libggml-base.so"


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", CHILD, library_path()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"GGML_NO_BACKTRACE": "1"},  # else ggml starts a debugger where it gives up
    )


def read_ours(document: bytes) -> dict[str, Any]:
    """What our reader finds in ``document``, put as the child puts what llama.cpp finds."""
    fd = os.memfd_create("document")
    with os.fdopen(fd, "wb") as file:
        file.write(document)
        file.flush()
        found = read_gguf(fd, len(document))
        return {
            "version": found.version,
            "alignment": found.alignment,
            "data_offset": found.data_offset,
            "metadata": [_entry(fd, found, key) for key in found.metadata],
            "tensors": _tensors(found),
        }


def _entry(fd: int, file: GgufFile, key: str) -> list[Any]:
    kind, value = file.types[key], file.metadata[key]
    if not isinstance(value, Array):
        return [key, kind, kind, 1, hashlib.sha256(_pack(kind, (value,))).hexdigest()]
    if value.kind is ValueType.STRING:
        strings = [string for batch in each_batch(fd, value) for string in batch]
        assert [word.encode() for word in map(str, value.first)] in ([], strings)
        # llama.cpp's strings end at their first zero byte.
        content = b"\0".join(string.partition(b"\0")[0] for string in strings)
    else:
        content = os.pread(fd, value.size, value.offset)
        if value.kind is ValueType.BOOL:  # what is not 0 is true
            content = bytes(map(bool, content))
        code = f"<{len(value.first)}{SCALARS[value.kind][1:]}"
        assert _pack(value.kind, value.first) == _pack(
            value.kind, struct.unpack_from(code, content)
        )
    return [key, kind, value.kind, value.length, hashlib.sha256(content).hexdigest()]


def _pack(kind: ValueType, values: Sequence[Scalar]) -> bytes:
    if kind is ValueType.STRING:
        return "".join(map(str, values)).encode()
    return struct.pack(f"<{len(values)}{SCALARS[kind][1:]}", *values)


def _tensors(file: GgufFile) -> list[list[Any]]:
    numbers = {kind.name: number for number, kind in TENSOR_TYPES.items()}
    return [
        [
            tensor.name,
            numbers[tensor.type],
            [*tensor.shape, 1, 1, 1][:4],
            tensor.offset - file.data_offset,
            tensor.size,
        ]
        for tensor in file.tensors
    ]
