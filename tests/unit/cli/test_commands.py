"""The table of commands: all of them exist, and hints name no other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from localai.cli import COMMANDS

SOURCE = Path(__file__).resolve().parents[3] / "src" / "localai"
# not "run localai without a debugger"
_COMMAND = re.compile(r"(?<![\w/.-])(?<!run )localai ([a-z]+)(?: ([a-z]+(?:-[a-z]+)*))?")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module(name: str) -> None:
    module = import_module(f"localai.cli.{name}")
    assert hasattr(module, "app") or callable(module.command)


def test_help_needs_no_module_of_a_command() -> None:
    script = (
        "import sys; from localai.__main__ import main; main(['--help']);"
        "print([name for name in ('typer', 'yaml', 'cryptography', 'llama_cpp') "
        "if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def spoken(path: Path) -> Iterator[str]:
    """Every hint and remedy in a module, and what its constants of capital letters say."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        told = isinstance(node, ast.keyword) and node.arg in ("hint", "remedy")
        constant = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper()
        if isinstance(node, ast.keyword | ast.Assign) and (told or constant):
            yield from pieces(node.value)


def pieces(node: ast.expr) -> Iterator[str]:
    yield from (
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def test_hints_name_only_commands_that_exist() -> None:
    named = {
        (match[1], match[2] or "")
        for path in SOURCE.rglob("*.py")
        for text in spoken(path)
        for match in _COMMAND.finditer(text)
    }
    assert {"run", "approve", "doctor", "setup"} <= {name for name, _ in named}
    for name, further in named:
        assert name in COMMANDS, f"localai {name}"
        app = getattr(import_module(f"localai.cli.{name}"), "app", None)
        if app is not None and further:
            assert further in getattr(get_command(app), "commands"), f"localai {name} {further}"  # noqa: B009
