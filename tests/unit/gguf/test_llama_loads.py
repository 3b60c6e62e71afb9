"""Files that llama.cpp's parser takes and we refuse: what they do when the engine loads them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gguf_maker as maker
from llama_gguf import read_ours
from localai.errors import DocumentError
from localai.gguf.layout import find_layout
from localai.gguf.reader import read_gguf

LOAD = """
import sys
from llama_cpp import llama_cpp
model = llama_cpp.llama_model_load_from_file(
    sys.argv[1].encode(), llama_cpp.llama_model_default_params())
print((llama_cpp.llama_model_chat_template(model, None) or b"").decode() if model else "refused")
"""


def load(path: Path) -> subprocess.CompletedProcess[str]:
    """Load the model as the worker does; its chat template is on standard output."""
    return subprocess.run(
        [sys.executable, "-c", LOAD, path],
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def make_aligned(alignment: int, more: int) -> bytes:
    """A model that says its alignment, with ``more`` bytes before its data."""
    parts = maker.model_parts(template="aligned")
    said = maker.entry("general.alignment", maker.U32, alignment)
    filler = maker.entry("general.comment", maker.STRING, "x" * more)
    return parts._replace(entries=(*parts.entries, filler, said), alignment=alignment).bytes()


@pytest.mark.parametrize("more", range(0, 32, 8))
def test_what_cannot_be_mapped_would_end_the_worker(tmp_path: Path, more: int) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(make_aligned(8, more))
    with path.open("rb") as file:
        header = read_gguf(file.fileno(), path.stat().st_size)
    mapped = header.data_offset % 32 == 0
    refused = [finding.summary for finding in find_layout(header)]
    assert refused == ([] if mapped else ["tensors that cannot be mapped"])
    done = load(path)
    if mapped:
        assert done.stdout == "aligned\n"
    else:
        assert done.returncode < 0
        assert "must be aligned" in done.stderr


def test_a_zero_byte_would_hide_the_template_that_is_used(tmp_path: Path) -> None:
    """Without our refusal an entry would pin one template and the worker render another."""
    hidden = maker.entry("tokenizer.chat_template\0", maker.STRING, "used")
    shown = maker.entry("tokenizer.chat_template", maker.STRING, "shown")
    parts = maker.model_parts(template=None)
    document = parts._replace(entries=(*parts.entries, hidden, shown)).bytes()
    with pytest.raises(DocumentError, match="a key with a zero byte"):
        read_ours(document)
    path = tmp_path / "model.gguf"
    path.write_bytes(document)
    assert load(path).stdout == "used\n"
    honest = parts._replace(entries=(*parts.entries, shown)).bytes()
    path.write_bytes(honest)
    assert load(path).stdout == "shown\n"
    digests = {entry[0]: entry[4] for entry in read_ours(honest)["metadata"]}
    assert digests["tokenizer.chat_template"] == hashlib.sha256(b"shown").hexdigest()
