"""What a template does with the messages of a role: shown to the model, refused, or dropped."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from jinja2 import nodes

from localai.gguf.template.expressions import name_of
from localai.gguf.template.flaw import Flaw, note
from localai.gguf.template.parsing import parse
from localai.gguf.template.rolewalk import RoleWalker

DROPPED = "the chat template drops messages"


class Treatment(StrEnum):
    """What becomes of a message."""

    USED = "used"
    REFUSED = "refused"  # raise_exception: loud, and the worker says it otherwise
    DROPPED = "dropped"


class Roles(NamedTuple):
    """What a template does with the messages of each role, and whether it knows of tools."""

    system: Treatment
    user: Treatment
    assistant: Treatment
    tool: Treatment
    tools: bool


def describe_roles(source: str) -> Roles | None:
    """What the template does with messages; None if it cannot be read."""
    template = parse(source)
    try:
        return None if isinstance(template, Flaw) else follow_roles(template)[0]
    except RecursionError:
        return None


@lru_cache(maxsize=1)
def follow_roles(template: nodes.Template) -> tuple[Roles, tuple[Flaw, ...]]:
    """The same of a template that was parsed, and what is wrong with it."""
    walkers = {role: RoleWalker(role) for role in ("system", "user", "assistant", "tool")}
    for walker in walkers.values():
        walker.walk(template)
    # What is only put aside comes to the model where its name is written out, under any condition.
    read = {
        name_of(name)
        for place in template.find_all((nodes.Output, nodes.Assign))
        for name in place.find_all((nodes.Name, nodes.Getattr))
        if getattr(name, "ctx", "load") == "load"
    }
    treated = {role: _judge(walker, read) for role, walker in walkers.items()}
    flaws = [
        note(DROPPED, 0, f"what is said as {role} never reaches the model")
        for role in ("system", "user", "assistant")
        if treated[role] is Treatment.DROPPED
    ]
    flaws += [*walkers["user"].flaws, *walkers["assistant"].flaws]
    tools = any(name.name == "tools" for name in template.find_all(nodes.Name))
    return Roles(**treated, tools=tools), tuple(flaws)


def _judge(walker: RoleWalker, read: set[str]) -> Treatment:
    if walker.refused:
        return Treatment.REFUSED
    return Treatment.USED if walker.shown or walker.kept & read else Treatment.DROPPED
