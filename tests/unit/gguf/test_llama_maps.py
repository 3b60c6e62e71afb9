"""Where tensors must lie for llama.cpp to map them: elsewhere it ends, and the worker with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.gguf.layout import find_layout
from localai.gguf.reader import read_gguf

LOAD = """
import sys
from llama_cpp import llama_cpp
print("read" if llama_cpp.llama_model_load_from_file(
    sys.argv[1].encode(), llama_cpp.llama_model_default_params()) else "refused")
"""


def make(alignment: int, more: int) -> bytes:
    """A model that says its alignment, with ``more`` bytes before its data."""
    parts = maker.model_parts()
    said = maker.entry("general.alignment", maker.U32, alignment)
    filler = maker.entry("general.comment", maker.STRING, "x" * more)
    return parts._replace(entries=(*parts.entries, filler, said), alignment=alignment).bytes()


@pytest.mark.parametrize("more", range(0, 32, 8))
def test_what_llama_cpp_cannot_map_is_refused(tmp_path: Path, more: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make(8, more))
    with path.open("rb") as file:
        header = read_gguf(file.fileno(), path.stat().st_size)
    mapped = header.data_offset % 32 == 0
    assert [finding.summary for finding in find_layout(header)] == (
        [] if mapped else ["tensors that cannot be mapped"]
    )
    done = subprocess.run(
        [sys.executable, "-c", LOAD, path],
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if mapped:
        assert done.stdout == "read\n"
    else:
        assert done.returncode < 0
        assert "must be aligned" in done.stderr
