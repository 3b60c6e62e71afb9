"""The child of ``llama_gguf.py``. On standard input documents, each after one byte (1 where its
data is to be read too) and its length in 8; on standard output one line of JSON for each: what
llama.cpp found, or null, and what it said.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import resource
import struct
import sys
from typing import Any

MEMORY = 4 << 30  # bytes of address space
FLOAT32, STRING, ARRAY = 6, 8, 9
# What the functions return; the arguments behind the parsed file.
FUNCTIONS: dict[str, tuple[Any, int]] = {
    "version": (ctypes.c_uint32, 0),
    "alignment": (ctypes.c_size_t, 0),
    "data_offset": (ctypes.c_size_t, 0),
    "n_kv": (ctypes.c_int64, 0),
    "key": (ctypes.c_char_p, 1),
    "kv_type": (ctypes.c_int, 1),
    "arr_type": (ctypes.c_int, 1),
    "arr_n": (ctypes.c_size_t, 1),
    "arr_data": (ctypes.c_void_p, 1),
    "arr_str": (ctypes.c_char_p, 2),
    "val_str": (ctypes.c_char_p, 1),
    "val_data": (ctypes.c_void_p, 1),
    "n_tensors": (ctypes.c_int64, 0),
    "tensor_name": (ctypes.c_char_p, 1),
    "tensor_type": (ctypes.c_int, 1),
    "tensor_ne": (ctypes.POINTER(ctypes.c_int64), 1),
    "tensor_offset": (ctypes.c_size_t, 1),
    "tensor_size": (ctypes.c_size_t, 1),
}
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Parameters(ctypes.Structure):
    """``struct gguf_init_params``."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p))


LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Parser:
    """ggml's parser behind ctypes."""

    def __init__(self, library: str) -> None:
        self.ggml = ctypes.CDLL(library)
        self.said: list[bytes] = []
        self.log = LOG(lambda level, text, data: self.said.append(text))
        self.ggml.ggml_log_set(self.log, None)
        self.ggml.gguf_init_from_file.restype = ctypes.c_void_p
        self.ggml.gguf_init_from_file.argtypes = (ctypes.c_char_p, Parameters)
        self.ggml.ggml_free.argtypes = self.ggml.gguf_free.argtypes = (ctypes.c_void_p,)
        for name, (result, places) in FUNCTIONS.items():
            function = getattr(self.ggml, f"gguf_get_{name}")
            function.restype = result
            function.argtypes = (ctypes.c_void_p, *(ctypes.c_int64, ctypes.c_size_t)[:places])

    def read(self, path: str, *, data: bool) -> tuple[dict[str, Any] | None, str]:
        """Parse as llama.cpp's loader does, header and descriptions only, or with the data."""
        self.said.clear()
        tensors = ctypes.c_void_p()
        wanted = Parameters(not data, ctypes.addressof(tensors))
        self.file = self.ggml.gguf_init_from_file(path.encode(), wanted)
        if not self.file:
            return None, b"".join(self.said).decode("utf-8", "replace").strip()
        facts = {
            "version": self.get("version"),
            "alignment": self.get("alignment"),
            "data_offset": self.get("data_offset"),
            "metadata": [self.entry(at) for at in range(self.get("n_kv"))],
            "tensors": [self.tensor(at) for at in range(self.get("n_tensors"))],
        }
        self.ggml.gguf_free(self.file)
        self.ggml.ggml_free(tensors)
        return facts, ""

    def get(self, name: str, *place: int) -> Any:
        return getattr(self.ggml, f"gguf_get_{name}")(self.file, *place)

    def entry(self, at: int) -> tuple[str, int, int, int, str]:
        """Key, type, type of the elements, how many, and the digest of the content's bytes."""
        kind, count = self.get("kv_type", at), 1
        element = kind
        if kind == ARRAY:
            element, count = self.get("arr_type", at), self.get("arr_n", at)
        if element != STRING:
            place = self.get("arr_data" if kind == ARRAY else "val_data", at)
            content = ctypes.string_at(place, count * SIZES[element]) if count else b""
            if kind == FLOAT32:  # as Python has it, which has no signalling NaN
                content = struct.pack("<f", *struct.unpack("<f", content))
        elif kind == ARRAY:
            content = b"\0".join(self.get("arr_str", at, item) for item in range(count))
        else:
            content = self.get("val_str", at)
        key = self.get("key", at).decode("utf-8", "replace")
        return key, kind, element, count, hashlib.sha256(content).hexdigest()

    def tensor(self, at: int) -> tuple[str, int, list[int], int, int]:
        """Name, type, shape in four dimensions, offset within the data, size in bytes."""
        name = self.get("tensor_name", at).decode("utf-8", "replace")
        placed = (self.get("tensor_offset", at), self.get("tensor_size", at))
        return name, self.get("tensor_type", at), self.get("tensor_ne", at)[:4], *placed


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = Parser(sys.argv[1])
    while head := sys.stdin.buffer.read(9):
        data, length = struct.unpack("<?Q", head)
        fd = os.memfd_create("document")
        with os.fdopen(fd, "wb") as file:
            file.write(sys.stdin.buffer.read(length))
            file.flush()
            answer = parser.read(f"/proc/self/fd/{fd}", data=data)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
