"""How fast a GGUF file is looked at: all of it before an approval, its header at a start.

    .venv/bin/python benchmarks/inspecting.py MODEL [--runs N]

Targets: ``localai inspect`` of a file with 500,000 tokens, merges, scores and types within 0.5 s
and 100 MB; what a start reads and judges of MODEL within 60 ms. The peer is llama.cpp's own
parser, ``gguf_init_from_file``, in a process that has loaded it already.
"""

from __future__ import annotations

import ctypes
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import measuring

from localai.artifact import open_artifact

sys.path.append(str(measuring.HERE.parent / "tests"))
import gguf_maker as maker

TOKENS = 500_000
WIDTH, HEADS, INNER = 32, 2, 64
# Runs a command and adds to its output how many kilobytes of memory it had at most. A process
# started from here would count this one's memory as its own until it is another program.
WATCHED = """
import re, sys
from localai.__main__ import main
code = main()
with open("/proc/self/status") as status:
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1])
sys.exit(code)
"""
PEAK: list[float] = []  # megabytes, of each run
CPU: list[float] = []  # seconds, of each run


class Parameters(ctypes.Structure):
    """``struct gguf_init_params``."""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


def main() -> None:
    asked = measuring.parse(__doc__, runs=11, model=True)
    environ = measuring.plain_environ()
    parse = load_peer()
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        large = Path(file.name)
        large.write_bytes(make_large().bytes())
        medians = measuring.alternate(
            asked.runs, lambda: inspect(large, environ), lambda: parse(large)
        )
        measuring.show("s", ["localai inspect, 500,000", "gguf_init_from_file"], medians)
        print(f"{'its processor time':<30} {statistics.median(CPU):8.3f} s")
        print(f"{'its memory at most':<30} {max(PEAK):8.1f} MB")
    print()
    medians = measuring.alternate(
        asked.runs, lambda: 1000 * look(asked.model), lambda: 1000 * parse(asked.model)
    )
    measuring.show("ms", ["a start's look", "gguf_init_from_file"], medians)


def inspect(path: Path, environ: dict[str, str]) -> float:
    """Seconds of the whole command."""
    ran = measuring.run([sys.executable, "-c", WATCHED, "inspect", path, "--json"], environ)
    PEAK.append(int(ran.printed.split()[-1]) * 1024 / 1e6)
    CPU.append(ran.cpu_s)
    return ran.total_s


def look(path: Path) -> float:
    """Seconds until a start knows what the header says and whether it is sound."""
    began = time.perf_counter()
    opened = open_artifact(path)
    took = time.perf_counter() - began
    opened.close()
    if any(finding.refuses for finding in opened.artifact.format):
        raise RuntimeError(f"{path} is not sound: {opened.artifact.format}")
    return took


def load_peer() -> Callable[[Path], float]:
    """A function that says how many seconds llama.cpp parses a header."""
    found = find_spec("llama_cpp")
    assert found is not None
    assert found.submodule_search_locations
    place = Path(found.submodule_search_locations[0]) / "lib" / "libggml-base.so"
    library = ctypes.CDLL(str(place))
    library.gguf_init_from_file.restype = ctypes.c_void_p
    library.gguf_init_from_file.argtypes = (ctypes.c_char_p, Parameters)
    library.gguf_free.argtypes = (ctypes.c_void_p,)

    def parse(path: Path) -> float:
        began = time.perf_counter()
        header = library.gguf_init_from_file(bytes(path), Parameters(True, None))
        took = time.perf_counter() - began
        if not header:
            raise RuntimeError(f"llama.cpp does not read {path}")
        library.gguf_free(header)
        return took

    return parse


def make_large() -> maker.Parts:
    """A llama of one block whose vocabulary is as large as any; its weights are zeros."""
    source = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [
        f"{''.join(source.choices(letters, k=source.randint(1, 10)))}{n}" for n in range(TOKENS)
    ]
    numbers = {
        "llama.block_count": 1,
        "llama.context_length": 4096,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.vocab_size": TOKENS,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    entries = [
        maker.entry("general.architecture", maker.STRING, "llama"),
        maker.entry("tokenizer.ggml.model", maker.STRING, "gpt2"),
        maker.entry("tokenizer.chat_template", maker.STRING, maker.TEMPLATE),
        *(maker.entry(key, maker.U32, number) for key, number in numbers.items()),
        maker.entry_array("tokenizer.ggml.tokens", maker.STRING, words),
        maker.entry_array(
            "tokenizer.ggml.merges", maker.STRING, [f"{w[:1]} {w[1:]}" for w in words]
        ),
        maker.entry_array("tokenizer.ggml.scores", maker.F32, [-float(n) for n in range(TOKENS)]),
        maker.entry_array("tokenizer.ggml.token_type", maker.I32, [1, 3, 3, *[1] * (TOKENS - 3)]),
    ]
    square = (WIDTH, WIDTH)
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (WIDTH, TOKENS), "output_norm": (WIDTH,)}
    shapes |= {"blk.0.attn_norm": (WIDTH,), "blk.0.ffn_norm": (WIDTH,)}
    shapes |= {f"blk.0.attn_{name}": square for name in ("q", "k", "v", "output")}
    shapes |= {f"blk.0.ffn_{name}": (WIDTH, INNER) for name in ("gate", "up")}
    shapes["blk.0.ffn_down"] = (INNER, WIDTH)
    tensors, offset = [], 0
    for name, shape in shapes.items():
        tensors.append(maker.tensor_info(f"{name}.weight", shape, 2, offset))  # Q4_0
        blocks = shape[0] * (shape[1] if len(shape) > 1 else 1) // 32
        offset += -(-blocks * 18 // 32) * 32
    return maker.Parts(tuple(entries), tuple(tensors), bytes(offset))


if __name__ == "__main__":
    main()
