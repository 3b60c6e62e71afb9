"""The pages: what they show is played, and every command that they name exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import administered
import pytest
import typer
from transcript import play, put_command, read_steps
from typer.main import get_command

import gguf_maker
from localai.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
PLAYED = [path for path in PAGES if "```console" in path.read_text("utf-8")]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SCENE = re.compile(
    r"^<!-- on (?P<day>\d{4}-\d\d-\d\d)(?P<where>, administered)? -->$"
    r"|^<!-- at the (?P<host>[a-z]+) host -->$"
    r"|^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`(localai [^`]+)`")
_COMMAND = re.compile(r"(?:^|[\s|;&])localai((?: [^|;&<>\n]+)?)")
_GLOBAL = ("--help", "--version", "-h")


def blocks(page: Path, language: str) -> Iterator[str]:
    for found, text in _BLOCK.findall(page.read_text("utf-8")):
        if found == language:
            yield text


def named(page: Path) -> Iterator[list[str]]:
    """The words of every localai command on a page: those typed in blocks, those in the text."""
    text = page.read_text("utf-8")
    typed = [line.removeprefix("$ ") for part in blocks(page, "sh") for line in part.splitlines()]
    for language in ("console", ""):
        for part in blocks(page, language):
            typed += [line[2:] for line in part.splitlines() if line.startswith("$ ")]
    for line in [*typed, *_INLINE.findall(_BLOCK.sub("", text))]:
        for words in _COMMAND.findall(line):
            yield shlex.split(words)


def problem(words: list[str]) -> str:
    """What is wrong with a command: "" if it and its options exist."""
    if not words or words[0] in _GLOBAL:
        return ""
    if words[0] not in COMMANDS:
        return f"there is no command {words[0]}"
    module = import_module(f"localai.cli.{words[0]}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer()
        app.command()(module.command)
    command = get_command(app)
    rest = words[1:]
    subcommands = getattr(command, "commands", None)
    if subcommands and rest and not rest[0].startswith("-"):
        if rest[0] not in subcommands:
            return f"there is no command {' '.join(words[:2])}"
        command, rest = subcommands[rest[0]], rest[1:]
    rest = rest[: rest.index("--")] if "--" in rest else rest  # what follows is another's
    options = {"--help"} | {name for given in command.params for name in given.opts}
    unknown = [word for word in rest if word.startswith("-") and word not in ("-", *options)]
    return f"{' '.join(words)}: no option {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path) -> None:
    assert [found for words in named(page) if (found := problem(words))] == []


def test_pages_name_commands() -> None:
    found = {words[0] for page in PAGES for words in named(page) if words}
    assert set(COMMANDS) <= found, "a command that no page names"


@pytest.mark.parametrize(
    "text",
    [
        "`localai dance`",
        "`localai run model.gguf --no-sandbox`",
        "```sh\nlocalai trust forget\n```",
        "```console\n$ cat question | localai run model.gguf --quick\n```",
        "```\n$ localai keys generate --weak\n```",
    ],
)
def test_a_command_that_does_not_exist_is_seen(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}\n")
    assert [bool(problem(words)) for words in named(page)] == [True]


class Scene(NamedTuple):
    """A block that is played, on a day ("": today), at a machine with rules of an administrator or
    at one's own, or at another host ("": the first one)."""

    text: str
    day: str = ""
    administered: bool = False
    host: str = ""


def scenes(page: Path) -> Iterator[Scene]:
    """The blocks of a page, each with what a remark above it says of all that follow:
    ``<!-- on 2027-01-11 -->``, ``<!-- on 2027-01-11, administered -->``,
    ``<!-- at the sealed host -->``; ``<!-- at the first host -->`` leads back."""
    day, where, host = "", "", ""
    for found in _SCENE.finditer(page.read_text("utf-8")):
        if found["day"]:
            day, where = found["day"], found["where"]
        elif found["host"]:
            host = "" if found["host"] == "first" else found["host"]
        elif found["language"] == "console":
            yield Scene(found["text"], day, bool(where), host)


@pytest.mark.timeout(300)  # one page is a year
@pytest.mark.parametrize("page", PLAYED, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows(
    page: Path, tmp_path: Path, environ: dict[str, str], tiny_bytes: bytes
) -> None:
    """All blocks of a page, in one directory with a model. A command without output on the page
    may say what it likes, and must succeed."""
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "model.gguf").write_bytes(tiny_bytes)
    (directory / "other.gguf").write_bytes(tiny_bytes[:-1] + b"\x01")
    (directory / "style.gguf").write_bytes(gguf_maker.make_adapter())
    (directory / "question.txt").write_text("Why do public records matter?\n")
    why_not = ""
    for scene in scenes(page):
        wrap: tuple[str, ...] = ()
        if scene.administered:
            wrap = administered.wrap(tmp_path)
            if why_not := administered.find_obstacle(wrap):
                continue
        if difference := play_scene(scene, directory, on_day(scene, tmp_path, environ), wrap):
            pytest.fail(f"{page.name}: {difference}", pytrace=False)
    if why_not:
        pytest.skip(f"played but for what an administrator's machine shows: {why_not}")


def play_scene(scene: Scene, directory: Path, environ: dict[str, str], wrap: Sequence[str]) -> str:
    """The first difference, "" if there is none."""
    for step in read_steps(scene.text):
        silent = not step.expected and not step.code
        shown = step._replace(expected=("...",)) if silent else step
        if difference := play(shown, directory, environ, wrap):
            return difference
    return ""


def on_day(scene: Scene, place: Path, environ: dict[str, str]) -> dict[str, str]:
    """The same environment with ``localai`` on that day, and with another home at another host; an
    administrator's machine knows nothing of the home that was moved."""
    if scene.host:
        environ = environ | {"LOCALAI_HOME": str(place / scene.host)}
    if not scene.day:
        return environ
    command = place / scene.day
    if not command.exists():
        put_command(command, str(Path(__file__).with_name("otherday.py")), scene.day)
    moved = environ | {"PATH": f"{command}:{environ['PATH']}"}
    if scene.administered:
        del moved["LOCALAI_HOME"]
    return moved


def test_pages_are_played() -> None:
    assert {"it-staff.md", "security-officer.md", "developer.md"} <= {page.name for page in PLAYED}


def test_a_page_says_when_and_where_it_is_played(tmp_path: Path, environ: dict[str, str]) -> None:
    page = tmp_path / "page.md"
    block = "```console\n$ localai manifest init own\n```\n"
    page.write_text(
        f"{block}<!-- on 2031-05-06 -->\n{block}```sh\nx\n```\n"
        f"<!-- on 2031-05-07, administered -->\n{block}{block}<!-- on 2031-05-08 -->\n{block}"
        f"<!-- at the sealed host -->\n{block}<!-- at the first host -->\n{block}"
    )
    found = [(scene.day, scene.administered, scene.host) for scene in scenes(page)]
    assert found == [
        ("", False, ""),
        ("2031-05-06", False, ""),
        ("2031-05-07", True, ""),
        ("2031-05-07", True, ""),
        ("2031-05-08", False, ""),
        ("2031-05-08", False, "sealed"),
        ("2031-05-08", False, ""),
    ]
    there = Scene("$ localai keys generate --unencrypted-key", host="sealed")
    assert play_scene(there, tmp_path, on_day(there, tmp_path, environ), ()) == ""
    assert (tmp_path / "sealed" / "config" / "keys").is_dir()
    assert not (tmp_path / "home").exists()
    scene = Scene("$ localai manifest init own", "2031-05-06")
    assert play_scene(scene, tmp_path, on_day(scene, tmp_path, environ), ()) == ""
    made = (tmp_path / "home" / "config" / "manifests" / "own.yaml").read_text("utf-8")
    assert "issued: 2031-05-06" in made
