"""Say of a file whether it is a model or like one: by what stands in it, and then by its name."""

from __future__ import annotations

from pathlib import PurePath

from localai.formats import refused
from localai.formats.format import Format, Kind
from localai.formats.pread import read_at
from localai.formats.recognise import GGUF, SAFETENSORS, recognise

LLAMAFILE = "llamafile (program with its model)"

_MODELS = frozenset(
    one.name
    for one in (
        *(GGUF, SAFETENSORS, refused.OLD_GGML, refused.PICKLE, refused.TORCH, refused.OLD_TORCH),
        *(refused.JOBLIB, refused.KERAS, refused.HDF5, refused.TENSORFLOW, refused.TFLITE),
        *(refused.ONNX, refused.NEMO, refused.MSGPACK, refused.is_two_things(SAFETENSORS)),
    )
)
_ENDINGS = frozenset({".gguf", ".ggml", ".safetensors", ".llamafile", ".tflite", ".mlmodel"})
_TAIL = 1 << 17  # bytes at a program's end in which the list of its archive is looked for


def name_model(fd: int, size: int, name: str) -> str | None:
    """What kind of model the ``size`` bytes behind ``fd`` are or pass for; None: no model.

    Raises DocumentError if the file became shorter or cannot be read.
    """
    found = recognise(fd, size, name)
    ending = PurePath(name).suffix.lower()
    if ending == ".pth" and recognise(fd, size, "").kind is Kind.TEXT:
        return None  # Python keeps lines of its search path under that ending, too (site)
    if found.name in _MODELS:
        return found.name
    if ending == ".llamafile" or _holds_model(fd, size, found):
        return LLAMAFILE
    return f"{found.name}, a model by its name alone" if ending in _ENDINGS else None


def _holds_model(fd: int, size: int, found: Format) -> bool:
    """A program that ends in a ZIP archive whose list names a GGUF file: what llamafile makes
    (APPNOTE, section 4.3.12: the list stands at the end)."""
    if found is not refused.PROGRAM:
        return False
    tail = read_at(fd, min(size, _TAIL), max(0, size - _TAIL))
    return b"PK\x01\x02" in tail and b".gguf" in tail
