"""Read which module imports which, from the import statements themselves."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Import(NamedTuple):
    """``module`` imports ``target`` on ``line``: anywhere in it, in a function or for types only.

    A target is a module of the package by its full name, or an outside package by its first.
    """

    module: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}, line {self.line}, imports {self.target}"


def read_imports(root: Path, package: str) -> list[Import]:
    """Every import in the package whose folder lies in ``root``; the standard library's are left
    out."""
    files = {_name(path, root): path for path in sorted((root / package).rglob("*.py"))}
    return [
        Import(module, target, line)
        for module, path in files.items()
        for target, line in _targets(module, path, files, package)
        if target.split(".")[0] not in sys.stdlib_module_names
    ]


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _targets(
    module: str, path: Path, files: Mapping[str, Path], package: str
) -> Iterator[tuple[str, int]]:
    here = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        targets = (_resolve(name, files, package) for name in _named(node, here))
        yield from ((target, getattr(node, "lineno", 0)) for target in dict.fromkeys(targets))


def _resolve(name: str, files: Mapping[str, Path], package: str) -> str:
    """The module that an imported name is, or stands in."""
    if not is_in(name, package):
        return name.split(".")[0]
    while name not in files and "." in name:
        name = name.rpartition(".")[0]
    return name


def _named(node: ast.AST, here: str) -> list[str]:
    """The full names that one statement imports; ``here`` is what its dots count from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = here.rsplit(".", node.level - 1)[0] if node.level else ""
        start = ".".join(part for part in (base, node.module) if part)
        return [f"{start}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and _calls_import(node):
        first = node.args[0] if node.args else None
        known = isinstance(first, ast.Constant) and isinstance(first.value, str)
        return [ast.literal_eval(first)] if known and first else []
    return []


def _calls_import(node: ast.Call) -> bool:
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("import_module", "__import__")


def is_in(module: str, area: str) -> bool:
    """Whether ``module`` is ``area`` or stands inside it."""
    return module == area or module.startswith(f"{area}.")


def find_upward(
    imports: Sequence[Import], rows: Sequence[Sequence[str]], package: str
) -> list[str]:
    """Imports that do not lead to a lower row, or stay inside one area. ``rows`` name the areas
    from the top down, "a + b" one area in two modules; a module that stands in none of them is a
    violation itself."""
    places = {
        f"{package}.{name}": (row, area)
        for row, areas in enumerate(rows)
        for area in areas
        for name in area.split(" + ")
    }

    def place_of(module: str) -> tuple[int, str] | None:
        # the longest name that fits: egress.probes before egress
        fitting = [name for name in places if is_in(module, name)]
        return places[max(fitting, key=len)] if fitting else None

    wrong = []
    for one in imports:
        if not is_in(one.target, package) or package in (one.target, one.module):
            continue
        importing, imported = place_of(one.module), place_of(one.target)
        if importing is None or imported is None:
            wrong.append(f"{one}, and one of them stands in no row")
        elif importing != imported and imported[0] <= importing[0]:
            wrong.append(f"{one}, which is not below it")
    return wrong


def find_strangers(
    imports: Sequence[Import], allowed: Mapping[str, Sequence[str]], package: str
) -> list[str]:
    """Imports from inside an area of ``allowed`` that lead neither into it nor to what it may
    use."""
    return [
        f"{one}, but {area} may only use {', '.join(uses)}"
        for area, uses in allowed.items()
        for one in imports
        if is_in(one.module, f"{package}.{area}")
        and is_in(one.target, package)
        and one.target != package
        and not any(is_in(one.target, f"{package}.{use}") for use in (area, *uses))
    ]


def find_outsiders(imports: Sequence[Import], owners: Mapping[str, str], package: str) -> list[str]:
    """Imports of an outside library by a module that does not own it, or of one that nobody
    owns."""
    return [
        f"{one}, which belongs to {owners.get(one.target, 'nobody')}"
        for one in imports
        if not is_in(one.target, package)
        and not any(
            is_in(one.module, f"{package}.{owner}")
            for owner in owners.get(one.target, "?").split(" + ")
        )
    ]
