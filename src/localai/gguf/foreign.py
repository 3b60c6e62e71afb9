"""What is not GGUF, or not one that llama.cpp reads on this kind of processor: what it is instead.

Imported only once a file is refused.
"""

from __future__ import annotations

from localai.errors import DocumentError

_DOWNLOAD = "download the file again and compare its SHA-256 with what the publisher states"
_CONVERT = "only GGUF is accepted: look for a .gguf file of the same model at its publisher"
_SWAPPED = "look for the little-endian file of the same model at its publisher"
_NEWER = "look for a newer file of the same model at its publisher"


def refuse(head: bytes, size: int) -> DocumentError:
    """Why a file of ``size`` bytes that begins with ``head``, its first 16, is not read."""
    if size < 24:
        found = "an empty file" if size == 0 else f"a file of {size} bytes"
        return DocumentError(f"not a GGUF file: {found}", hint=_DOWNLOAD)
    if not head.startswith(b"GGUF"):
        return DocumentError(f"not a GGUF file: it begins like {_look(head)}", hint=_CONVERT)
    version, swapped = int.from_bytes(head[4:8], "little"), int.from_bytes(head[4:8], "big")
    if swapped in (1, 2, 3):
        found = f"big-endian version {swapped}, for processors of the other byte order"
        hint = _SWAPPED
    elif version == 1:
        found, hint = "version 1, of 2023, which llama.cpp no longer reads", _NEWER
    else:
        found, hint = f"version {version}", _DOWNLOAD
    return DocumentError(f"GGUF of {found}; expected little-endian 2 or 3", hint=hint)


def _look(head: bytes) -> str:
    """Name what the first 16 bytes of a file that is no GGUF look like."""
    if head.startswith(b"PK\x03\x04"):
        return "a ZIP archive, as PyTorch checkpoints do, which can run code when opened"
    if head[0] == 0x80 and head[1] in range(2, 6):
        return "a Python pickle, which can run code when opened"
    if head[8:9] == b"{":
        return "safetensors: weights alone, without vocabulary and template"
    if head.startswith((b"\x89HDF", b"\x08\x00\x00\x00TFL3", b"\x1c\x00\x00\x00TFL3")):
        return "a Keras or TensorFlow model"
    if head.startswith((b"lmgg", b"fmgg", b"tjgg", b"algg")):
        return "GGML, the format before GGUF"
    if head.startswith(b"version https://"):
        return "a Git LFS pointer: the text that stands for the file, not the file"
    if head.lower().startswith((b"<!doctype", b"<html")):
        return "a web page: the download went wrong"
    return f"{head[:4]!r}"
