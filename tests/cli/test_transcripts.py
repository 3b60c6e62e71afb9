"""Play every transcript in this directory, each in a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from transcript import play, read_steps

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, tmp_path: Path, environ: dict[str, str], tiny_bytes: bytes) -> None:
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "tiny.gguf").write_bytes(tiny_bytes)
    steps = list(read_steps(path.read_text("utf-8")))
    assert steps, "a transcript without a command"
    for step in steps:
        if difference := play(step, directory, environ):
            pytest.fail(f"{path.name}: {difference}", pytrace=False)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 5


def test_a_wrong_transcript_is_noticed(tmp_path: Path, environ: dict[str, str]) -> None:
    """The runner itself: other words, another exit code, too much and too little are all seen."""
    wrong = ["$ echo a\nb", "$ echo a\na\n[3]", "$ echo a\na\nb", "$ echo a", "$ true\n[1]"]
    right = ["$ echo a\na", "$ echo abc\na...c", "$ seq 9\n1\n...\n9", "$ exit 3\n[3]", "$ true"]
    for text in wrong:
        assert [play(step, tmp_path, environ) for step in read_steps(text)] != [""], text
    for text in right:
        assert [play(step, tmp_path, environ) for step in read_steps(text)] == [""], text
