"""Reading YAML line by line: what that reads, YAML reads, and reads the same."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localai.document import DEPTH, LIMIT, Node, decode_text
from localai.document.linewise import read_linewise
from localai.document.yamltree import read_tree
from localai.errors import DocumentError

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(ROOT.glob("manifests/**/*.yaml"))
VECTORS = sorted((ROOT / "tests" / "vectors").rglob("*.yaml"))

KEYS = ("a", "b", "a-b", "no", "a1")
VALUES = ("x", "x y", "no", "1", "2026-01-01", "a - b", "a:", "a #b", "- a", "x ", "~", "&a", "*a",
          "!a", "|", ">", "? a", "%a", "@a", "a@b", "(a)", "a\n    b", "\"x\"", "\" \"", "\"\"",
          "\"a\\n\"", "\"a\\\"b\"", "\"a\\x41\"", "\"a\" b", "'x'", "[]", "[x]", "[x, \"y, z\"]",
          "[x,y]", "[x, ]", "[[x]]", "{a: b}", "x\ufffe", "\"é\"", "é")  # fmt: skip
PADS = ("", "\n", "  \n", "# c\n", "   # c\n", "#\n", "---\n", "...\n", "%YAML 1.2\n", "x\n")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Lines as localai writes them, most of them where they belong."""
    lines = []
    indent = 0
    for _ in range(draw(st.integers(1, 8))):
        dash = draw(st.sampled_from(("", "", "", "- ")))
        value = draw(st.sampled_from(("", "", *(f" {one}" for one in VALUES))))
        end = draw(st.sampled_from(("", "", "", "", " ", " # c")))
        lines.append(f"{' ' * indent}{dash}{draw(st.sampled_from(KEYS))}:{value}{end}\n")
        lines.append(draw(st.sampled_from(("", "", "", "", *PADS))))
        indent += len(dash)
        deeper = (2, 2, 4, 1) if not value else (0, 0, 0, 0, -2, -4, -1, 2)
        indent = max(0, indent + draw(st.sampled_from(deeper)))
    return "".join(lines)


def agree(text: str) -> dict[str, Node] | None:
    """What is read line by line, held against YAML."""
    found = read_linewise(text)
    if found is not None:
        assert found == read_tree(text, LIMIT)
    return found


@settings(max_examples=1000)
@given(documents())
@example("a:\n- b: x\n")
@example("a:\n  - b: x\n    c: x\n  - b: x\nb: x\n")
@example("a:\n  b: x\n- c: x\n")
@example("a:\n  - b:\n    - c: x\n")
@example("a: x\n  b: x\n")
@example("a:\n    b: x\n  c: x\n")
@example("a:\n")
@example("a: x\na: x\n")
@example("  a: x\n")
@example("")
def test_what_is_read_is_what_yaml_reads(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_vector(path: Path) -> None:
    with contextlib.suppress(DocumentError):
        agree(decode_text(path.read_bytes(), limit=LIMIT))


@pytest.mark.parametrize("value", VALUES)
def test_a_value(value: str) -> None:
    agree(f"a: {value}\nb: x\n")
    agree(f"a: [{value}]\nb: [x, {value}]\n")


def test_all_that_is_well_formed_is_read() -> None:
    text = """# A comment.
a: x y
b: [one, "two, 2"]

c: []
list:
  - key: "a \\"word\\" and a \\\\, in\\ntwo lines"
    # Another.
    below:
      one: 1
  - key: no
last: ""
"""
    assert agree(text) == {
        "a": "x y",
        "b": ["one", "two, 2"],
        "c": [],
        "list": [
            {"key": 'a "word" and a \\, in\ntwo lines', "below": {"one": "1"}},
            {"key": "no"},
        ],
        "last": "",
    }


@pytest.mark.parametrize("last", ["x", "[x]"])
def test_depth_ends_where_it_does_in_yaml(last: str) -> None:
    def nest(levels: int) -> str:
        return "".join(f"{' ' * level}a:\n" for level in range(levels - 1)) + (
            " " * (levels - 1) + f"a: {last}\n"
        )

    deepest = DEPTH - last.startswith("[")
    assert agree(nest(deepest))
    assert agree(nest(deepest + 1)) is None
    items = "".join(f"{' ' * 4 * level}{'- ' * bool(level)}a:\n" for level in range(DEPTH))
    assert agree(items + " " * 4 * DEPTH + "- a: x\n") is None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_localai_ships_needs_no_yaml_library(path: Path) -> None:
    script = (
        "import sys\n"
        "from localai.document import read_document\n"
        "read_document(open(sys.argv[1], 'rb').read())\n"
        "print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
