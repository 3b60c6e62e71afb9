"""Load a model and its adapters from open descriptors, and keep what llama.cpp says of them.

With ``engine``, the only module that touches llama.cpp's bindings.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from localai.errors import WorkerError
from localai.worker.generation import EngineOptions
from localai.worker.packages import enter_package

enter_package("llama_cpp", "llama-cpp-python")
from llama_cpp import llama_cpp as lib  # noqa: E402

__all__ = ["failure", "lib", "load", "switch_on"]

_LOG_KEPT = 400  # bytes of llama.cpp's error messages that a failure quotes
_ERROR = 4  # ggml.h: GGML_LOG_LEVEL_ERROR

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fdopen.argtypes = [ctypes.c_int, ctypes.c_char_p]
_libc.fdopen.restype = ctypes.c_void_p
_libc.fclose.argtypes = [ctypes.c_void_p]
_complaints: list[str] = []


def _keep_errors(level: int, text: bytes, _data: int | None) -> None:
    """Take llama.cpp's log: errors are kept for the next failure's message, the rest is dropped."""
    if level == _ERROR:
        _complaints.append(text.decode("utf-8", "replace")[:_LOG_KEPT])
        del _complaints[:-2]


_log = lib.llama_log_callback(_keep_errors)  # named: it must live as long as the library
lib.llama_log_set(_log, ctypes.c_void_p())


def load(fds: Sequence[int], options: EngineOptions) -> tuple[int, list[int]]:
    """The model in these open files, in the order of a split set's parts, and the adapters in the
    last of them, as llama.cpp's handles.

    The model's files are mapped, not copied, unless they are to be let go of: llama.cpp would keep
    the embeddings mapped, and one page holds all of a file in memory. Adapters are always copied.
    Raises WorkerError with llama.cpp's own words.
    """
    _complaints.clear()
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = options.gpu_layers
    parameters.use_extra_bufts = options.repack
    parameters.load_mode = lib.LLAMA_LOAD_MODE_MMAP
    if options.let_go and lib.llama_supports_gpu_offload():
        parameters.load_mode = lib.LLAMA_LOAD_MODE_NONE
        parameters.lazy_mode = lib.LLAMA_LAZY_MODE_OFF  # it would map large tables all the same
    count = len(fds) - len(options.adapters)
    load_model = _load_file if count == 1 else _load_parts
    model = load_model(fds[:count], parameters)
    if not model:
        raise failure("llama.cpp cannot load the model")
    return model, [_load_adapter(model, fd) for fd in fds[count:]]


def switch_on(context: int, adapters: Sequence[int], scales: Sequence[float]) -> None:
    """Have everything that the context evaluates adapted, each adapter as strongly as its scale
    says. Raises WorkerError."""
    kind, count = lib.llama_adapter_lora_p_ctypes, len(adapters)
    handles = (kind * count)(*(ctypes.cast(adapter, kind) for adapter in adapters))
    if lib.llama_set_adapters_lora(context, handles, count, (ctypes.c_float * count)(*scales)):
        raise failure("llama.cpp cannot use the adapters")


@contextmanager
def _stream(fd: int) -> Iterator[int]:
    """An open file as C reads it, from its start, without a path and without /proc."""
    own = os.dup(fd)
    stream = _libc.fdopen(own, b"rb")
    if not stream:
        os.close(own)
        raise WorkerError("cannot read the model's descriptor")
    os.lseek(own, 0, os.SEEK_SET)  # llama.cpp reads from where the descriptor stands
    try:
        yield stream
    finally:
        _libc.fclose(stream)  # a map stays


def _load_file(fds: Sequence[int], parameters: lib.llama_model_params) -> int | None:
    with _stream(fds[0]) as stream:
        model: int | None = lib.llama_model_load_from_file_ptr(stream, parameters)
    return model


def _load_adapter(model: int, fd: int) -> int:
    with _stream(fd) as stream:
        adapter: int | None = lib.llama_adapter_lora_init_from_file_ptr(model, stream)
    if not adapter:
        raise failure("llama.cpp cannot load the adapter")
    return adapter


def _load_parts(fds: Sequence[int], parameters: lib.llama_model_params) -> int | None:
    """Load a split set. llama.cpp takes only paths for it: those of the descriptors."""
    paths = (ctypes.c_char_p * len(fds))(*(f"/proc/self/fd/{fd}".encode() for fd in fds))
    model: int | None = lib.llama_model_load_from_splits(paths, len(fds), parameters)
    return model


def failure(what: str) -> WorkerError:
    """An error with llama.cpp's own words for it."""
    said = " ".join(" ".join(_complaints).split())
    return WorkerError(f"{what}: {said}" if said else what)
