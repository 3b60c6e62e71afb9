"""Make safetensors files, whole and broken.

The layout is written out here a second time, by hand and from the specification (the README of
safetensors), so that the reader under test is not its own judge.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

TENSORS = {
    "a.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
    "b.weight": {"dtype": "BF16", "shape": [5], "data_offsets": [48, 58]},
}


def safetensors(
    header: Mapping[str, object] | bytes = TENSORS, data: int = 58, length: int | None = None
) -> bytes:
    """A file with ``header`` (JSON as it is, if it is bytes) and ``data`` zero bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(data)
