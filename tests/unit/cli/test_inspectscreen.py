"""The screens of an inspection: in any width, and nothing of the file commands the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

import gguf_maker as maker
from localai.cli import inspectscreen
from localai.inspection.inspect import inspect_path
from localai.inspection.types import Inspection
from localai.manifest.schema import ArtifactFile

SLY = "{{ messages }}\u202e\x1b[31m\nsecond\u2028line\rand\u3164more\tend\n"
NAMES = {
    "general.organization": "Example\x1b]0;title\x07",
    "general.base_model.0.name": "Ba\u202ese",
    "general.license.link": "https://licences.example/\n  kind         pass",
}


def inspect(path: Path, content: bytes) -> Inspection:
    path.write_bytes(content)
    return inspect_path(path, context=4096)


@pytest.fixture
def plain(tmp_path: Path) -> Inspection:
    return inspect(tmp_path / "tiny.gguf", maker.make_model())


@pytest.fixture
def sly(tmp_path: Path) -> Inspection:
    return inspect(tmp_path / "sly.gguf", maker.make_model(template=SLY, metadata=NAMES))


def test_facts_of_a_model(plain: Inspection) -> None:
    lines = inspectscreen.inspection(plain, 100).splitlines()
    assert "  architecture  llama" in lines
    assert "  lineage       not stated" in lines
    assert "  messages      system, user, assistant, tool used; offers no tools" in lines
    assert f"  sha256        {plain.files[0].sha256}" in lines


@pytest.mark.parametrize("width", [20, 40, 71])
def test_no_line_is_wider_than_a_narrow_terminal(
    plain: Inspection, sly: Inspection, width: int
) -> None:
    for found in (plain, sly):
        for text in (inspectscreen.inspection(found, width), inspectscreen.tensors(found, width)):
            assert max(map(len, text.splitlines())) <= width


def test_digests_stay_in_one_piece_from_80_columns_on(plain: Inspection) -> None:
    lines = inspectscreen.inspection(plain._replace(path="tiny.gguf"), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert plain.files[0].tree and any(line.endswith(plain.files[0].tree) for line in lines)


def test_what_is_pinned_can_be_compared() -> None:
    one, two = (ArtifactFile(f"{name}.gguf", 1, name * 64) for name in "ab")
    assert inspectscreen.pinned([one], 80) == f"  sha256        {'a' * 64}"
    assert inspectscreen.pinned([one, two], 80).splitlines()[2:] == [
        f"  sha256        {'b' * 64}",
        "                b.gguf",
    ]


def test_nothing_commands_the_terminal(sly: Inspection) -> None:
    for text in (
        inspectscreen.inspection(sly, 80),
        inspectscreen.decision(sly, 80),
        inspectscreen.templates(sly),
        inspectscreen.tensors(sly, 80),
    ):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\u3164" not in text
    shown = inspectscreen.inspection(sly, 80)
    assert "\\x1b]0;title" in shown and "\\u202e" in shown
    assert sum(line.startswith("  kind         pass") for line in shown.splitlines()) <= 1


def test_a_template_line_by_line(sly: Inspection) -> None:
    head, *lines = inspectscreen.templates(sly).split("\n")
    assert head == f"tokenizer.chat_template, sha256 {sly.templates[0].sha256}"
    assert lines == [
        "   1 | {{ messages }}\\u202e\\x1b[31m",
        "   2 | second\\u2028line\\rand\\u3164more\\tend",
        "   3 |",
    ]


@pytest.mark.parametrize("letter", ["a", "東"])
def test_no_part_of_a_line_looks_like_a_line_of_its_own(tmp_path: Path, letter: str) -> None:
    """A terminal would begin a new row where this line has what looks like a number."""
    template = "{#" + letter * 71 + "   2 | {{ nothing_else }}#}"
    found = inspect(tmp_path / "sly.gguf", maker.make_model(template=template))
    shown = inspectscreen.templates(found, 80).split("\n")[1:]
    wide = 1 if letter.isascii() else 2
    assert all(len(line) + line.count(letter) * (wide - 1) <= 80 for line in shown)
    assert [line[:7] for line in shown] == ["   1 | ", *["     > "] * (len(shown) - 1)]
    assert "".join(line[7:] for line in shown) == template
    assert inspectscreen.templates(found).split("\n")[1:] == [f"   1 | {template}"]


def test_every_template_is_shown(tmp_path: Path) -> None:
    second = {"tokenizer.chat_template.tool_use": "{{ tools }}"}
    found = inspect(tmp_path / "two.gguf", maker.make_model(metadata=second))
    shown = inspectscreen.templates(found)
    assert shown.count(", sha256 ") == 2
    assert shown.endswith("   1 | {{ tools }}")


def test_a_very_long_template_is_shown_whole(tmp_path: Path) -> None:
    """Whoever approves it would else not see what stands behind a thousand empty lines."""
    template = "{{ messages }}" + "\n" * 1000 + "{{ ''.__class__ }}"
    found = inspect(tmp_path / "long.gguf", maker.make_model(template=template))
    shown = inspectscreen.decision(found, 80)
    assert "1001 | {{ ''.__class__ }}" in shown
    assert shown.endswith(inspectscreen.inspection(found, 80))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    found = inspect(tmp_path / "notes.txt", b"A word in time.\n")
    assert inspectscreen.templates(found) == inspectscreen.tensors(found, 80)
    assert inspectscreen.tensors(found, 80).startswith("the file is no GGUF;")
    bare = inspect(tmp_path / "bare.gguf", maker.make_model(template=None))
    assert inspectscreen.templates(bare) == "no chat template"
    short = inspect(tmp_path / "short.gguf", maker.make_model()[:2000])
    shown = inspectscreen.inspection(short, 80)
    assert "  digests       not computed: the file is not sound" in shown
    assert "sha256  " not in shown
    for said in (inspectscreen.templates(short), inspectscreen.tensors(short, 80)):
        assert said.startswith("not a sound GGUF file: short.gguf: truncated GGUF")


@pytest.mark.parametrize("name", ["\u4f60" * 32, "\u4f60" * 24 + " " + "x" * 15])
def test_no_name_looks_like_a_row(name: str, tmp_path: Path) -> None:
    """Two columns a letter: a terminal would begin a new row with the spaces behind them."""
    parts = maker.model_parts()
    sly = maker.entry("general.name", maker.STRING, f"{name}  licence       mit")
    kept = [one for one in parts.entries if not one.startswith(maker.string("general.name"))]
    content = parts._replace(entries=(*kept, sly)).bytes()
    lines = inspectscreen.inspection(inspect(tmp_path / "sly.gguf", content), 80).split("\n")
    below_the_path = lines[1:]
    assert all(len(line) + line.count("\u4f60") <= 80 for line in below_the_path)
    assert sum(line.startswith("  licence ") for line in lines) == 1


def test_no_name_looks_like_a_row_of_a_narrow_terminal(tmp_path: Path) -> None:
    parts = maker.model_parts()
    kept = [one for one in parts.entries if not one.startswith(maker.string("general.name"))]
    for length in range(8, 40):
        name = maker.entry("general.name", maker.STRING, "x" * length + " licence: mit")
        content = parts._replace(entries=(*kept, name)).bytes()
        shown = inspectscreen.inspection(inspect(tmp_path / "sly.gguf", content), 40)
        assert sum(line.startswith("licence:") for line in shown.split("\n")) == 1


def test_a_name_of_four_million_letters_is_cut(tmp_path: Path) -> None:
    content = maker.make_model(metadata={"general.organization": "x", "general.author": "y "})
    found = inspect(tmp_path / "long.gguf", content)
    facts = [fact._replace(value="word " * 800_000) for fact in found.facts[:1]]
    shown = inspectscreen.inspection(found._replace(facts=tuple(facts)), 80)
    assert shown.count("word") == 80


def test_a_name_that_a_terminal_would_obey_is_spelled_out(tmp_path: Path) -> None:
    """Of a template's key and of a tensor: both are a stranger's texts of any length."""
    parts = maker.model_parts(metadata={"tokenizer.chat_template.\x1b[2J": "{{ messages }}"})
    sly = parts.tensors[0].replace(b"token_embd.weight", b"token_embd\x1b[2J.wg")
    found = inspect(
        tmp_path / "sly.gguf", parts._replace(tensors=(sly, *parts.tensors[1:])).bytes()
    )
    for shown in (inspectscreen.templates(found), inspectscreen.tensors(found, 80)):
        assert "\x1b" not in shown
        assert "\\x1b[2J" in shown


def test_the_tensors(plain: Inspection) -> None:
    lines = inspectscreen.tensors(plain, 80).splitlines()
    assert len(lines) == len(plain.headers[0].tensors)
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["token_embd.weight", "F32", "32", "x", "358", "45", "KiB"]
