"""What the reader refuses, and what is not what its entry pins, never reaches the engine; with the
refusal taken away it does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from home import TERMS, Home

import gguf_maker as maker
from localai.hashing import digest_file
from localai.sealing import open_regular

GREEDY = ("hi", "-n", "4", "--temperature", "0", "--seed", "1")

# A truth value that is neither true nor false: llama.cpp takes it, the reader does not.
TRUE = maker.entry("tokenizer.ggml.add_bos_token", maker.BOOL, True)
NEITHER = TRUE[:-1] + b"\x02"

# Called as MODULE OLD NEW python -m localai ARGUMENTS.
CHANGED = """
import importlib.util, pathlib, sys
name, old, new = sys.argv[1:4]
spec = importlib.util.find_spec(name)
text = pathlib.Path(spec.origin).read_text("utf-8")
assert text.count(old) == 1, old
module = sys.modules[name] = importlib.util.module_from_spec(spec)
exec(compile(text.replace(old, new), spec.origin, "exec"), module.__dict__)
from localai.__main__ import main
sys.exit(main(sys.argv[7:]))
"""


@pytest.fixture(scope="module")
def unsound() -> bytes:
    whole = maker.make_model()
    assert whole.count(TRUE) == 1
    return whole.replace(TRUE, NEITHER)


def approve_by_hand(home: Home, *changes: tuple[str, str]) -> None:
    """An officer's mistake: the manifest says something else than what was measured, and is
    signed."""
    path = home.directory / "config" / "manifests" / "own.yaml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    home.call("manifest", "sign", "--days", "30", check=True)


def put_in_place(home: Home, content: bytes) -> None:
    """Other bytes in the place of the model, and their digests in its entry."""
    before = measure(home.model)
    home.model = home.place / "tiny.gguf"
    home.model.write_bytes(content)
    after = measure(home.model)
    approve_by_hand(home, *zip(before, after, strict=True))


def measure(path: Path) -> list[str]:
    file = open_regular(path)
    digests = digest_file(file.fd, file.size)
    assert digests.sha256 and digests.tree
    return [f"\n        sha256: {digests.sha256}", digests.tree]


def without(module: str, old: str, new: str) -> dict[str, list[str]]:
    """Run localai with ``old`` in a module's source changed to ``new``."""
    return {"wrap": [sys.executable, "-c", CHANGED, module, old, new]}


def test_what_the_reader_refuses_reaches_no_engine(moved: Home, unsound: bytes) -> None:
    put_in_place(moved, unsound)
    moved.refuses(
        "run", str(moved.model), *GREEDY,
        code=3, problem="a truth value of 2", remedy="download the file again",
    )  # fmt: skip
    credulous = without("localai.gguf.reader", "if value not in (0, 1):", "if value is None:")
    assert moved.run(*GREEDY, **credulous, check=True).stdout.strip()


PINS = [
    pytest.param(
        ("architecture: llama", "architecture: qwen2"),
        ("not what was approved", "llama, 21 tensors; approved: qwen2, 21 tensors"),
        ("localai.plan.gates", "    of_each(artifact_format),\n", ""),
        id="architecture",
    ),
    pytest.param(
        ("tensors: 21", "tensors: 20"),
        ("not what was approved", "llama, 21 tensors; approved: llama, 20 tensors"),
        ("localai.plan.gates", "    of_each(artifact_format),\n", ""),
        id="tensors",
    ),
    pytest.param(
        ("template-sha256: ", "template-sha256: " + "e" * 64 + " #"),
        ("not the approved one", f"; approved: {'e' * 64}"),
        ("localai.plan.gates", "    of_each(chat_template),\n", ""),
        id="template",
    ),
]


@pytest.mark.parametrize(("change", "said", "mutant"), PINS)
def test_what_is_not_as_pinned_reaches_no_engine(
    moved: Home,
    change: tuple[str, str],
    said: tuple[str, str],
    mutant: tuple[str, str, str],
) -> None:
    approve_by_hand(moved, change)
    moved.refuses(
        "run", str(moved.model), *GREEDY,
        code=3, problem=said[0], remedy=f"localai inspect {moved.model}",
    )  # fmt: skip
    moved.refuses("check", str(moved.model), code=3, problem=said[1], remedy="localai approve")
    assert moved.run(*GREEDY, **without(*mutant), check=True).stdout.strip()


def test_what_an_inspection_fails_gets_no_entry(moved: Home) -> None:
    hostile = moved.place / "hostile.gguf"
    hostile.write_bytes(maker.make_model(template="{{ messages.__class__.__mro__ }}"))
    asked = (str(hostile), *TERMS)
    by_an_officer = ("--publisher", "A", "--repository", "B", "--licence", "MIT")
    for command in (("approve", *asked), ("manifest", "add", str(hostile), *by_an_officer)):
        moved.refuses(*command, code=3, problem="reaches into Python", remedy="do not run it")
    trusting = without("localai.inspection.proposed", "if one.refuses and", "if False and")
    assert moved.call("approve", *asked, **trusting).returncode == 0
