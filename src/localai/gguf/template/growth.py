"""Loops and macros that never stop, or make twice as much at every turn: seen by their shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from jinja2 import nodes

from localai.gguf.template.expressions import name_of
from localai.gguf.template.flaw import Flaw, fail, note
from localai.gguf.template.work import ENDLESS

DEEP_LOOPS = "loops in loops in the chat template"
RECURSIVE = "a recursive chat template"

NESTED = 4  # loops in one another; the templates that come with llama.cpp have no more
MACROS = 200  # those have up to 13
HOPS = 3  # names through which what a loop makes is followed

# Filters that give a part of what they get.
_PARTS = {"items", "values", "keys", "first", "last", "list", "dictsort", "map", "batch", "slice"}
_PARTS |= {"select", "reject", "selectattr", "rejectattr", "groupby"}
_Setting = nodes.Assign | nodes.AssignBlock
_OPEN = (nodes.If, nodes.For, nodes.CondExpr, nodes.And, nodes.Or)  # may do it, or not


def find_growth(template: nodes.Template) -> Iterator[Flaw]:
    """Flaws of all loops and macros."""
    yield from _find_loops(template, 0)
    yield from _find_doubling(template)
    yield from _find_recursion(template)


def _find_loops(node: nodes.Node, depth: int) -> Iterator[Flaw]:
    for child in node.iter_child_nodes():
        deeper = depth + isinstance(child, nodes.For)
        if isinstance(child, nodes.For):
            if deeper > NESTED:
                yield note(DEEP_LOOPS, child.lineno, f"{deeper} deep")
            if child.recursive:
                yield note(RECURSIVE, child.lineno, "for ... recursive")
                yield from _find_same_loop(child)
        yield from _find_loops(child, deeper)


def _find_same_loop(loop: nodes.For) -> Iterator[Flaw]:
    names = _targets(loop)
    for call in loop.find_all(nodes.Call):
        if _called(call) == "loop" and not any(_descends(one, names) for one in _given(call)):
            yield fail(ENDLESS, call.lineno, "a loop over what it goes through already")


def _find_doubling(template: nodes.Template) -> Iterator[Flaw]:
    sets: dict[str, list[nodes.Node]] = {}
    for assign in _settings(template):
        sets.setdefault(name_of(assign.target), []).append(_made_of(assign))
    loops = template.find_all(nodes.For)
    for assign in {id(one): one for loop in loops for one in _settings(loop)}.values():
        name = name_of(assign.target)
        if name and _times(name, _made_of(assign), sets, HOPS) > 1:
            yield fail(ENDLESS, assign.lineno, f"{name} doubles at every turn")


def _settings(node: nodes.Node) -> Iterator[_Setting]:
    yield from node.find_all(nodes.Assign)
    yield from node.find_all(nodes.AssignBlock)


def _made_of(assign: _Setting) -> nodes.Node:
    """What a name is set to: an expression, or all that is written in a block."""
    return assign.node if isinstance(assign, nodes.Assign) else nodes.List([*assign.body])


def _times(name: str, node: nodes.Node, sets: Mapping[str, list[nodes.Node]], hops: int) -> int:
    """How often what ``name`` is now goes into an expression, through other names too."""
    if isinstance(node, nodes.Name | nodes.Getattr):
        own = name_of(node)
        if own == name:
            return 1
        others = sets.get(own, ()) if hops else ()
        return max((_times(name, one, sets, hops - 1) for one in others[:2]), default=0)
    if isinstance(node, nodes.If):  # one of them is written
        branches = [one.body for one in (node, *node.elif_)]
        return max(_times(name, nodes.List(one), sets, hops) for one in (*branches, node.else_))
    parts = (_times(name, one, sets, hops) for one in node.iter_child_nodes())
    if isinstance(node, nodes.CondExpr | nodes.Or | nodes.And):
        return max(parts)
    if isinstance(node, nodes.Getitem | nodes.Test | nodes.Compare | nodes.Sub | nodes.Mod):
        return 0
    return sum(parts) * (2 if isinstance(node, nodes.Mul) or _repeats(node) else 1)


def _repeats(node: nodes.Node) -> bool:
    """Whether a text is replaced by several of itself."""
    if isinstance(node, nodes.Call):
        named = isinstance(node.node, nodes.Getattr) and node.node.attr == "replace"
    else:
        named = isinstance(node, nodes.Filter) and node.name == "replace"
    if not named or not isinstance(node, nodes.Call | nodes.Filter):
        return False
    texts = [getattr(one, "value", None) for one in node.args[:2]]
    if len(texts) < 2 or not all(isinstance(text, str) for text in texts):
        return False
    old, new = map(str, texts)
    return new.count(old) > 1


def _find_recursion(template: nodes.Template) -> Iterator[Flaw]:
    """Macros that call themselves, by way of others too, and never get any further."""
    macros = {macro.name: macro for macro in template.find_all(nodes.Macro)}
    if len(macros) > MACROS:
        yield fail(ENDLESS, 0, f"{len(macros):,} macros, of {MACROS} at most")
        return
    calls = {name: list(_calls(macro, macros)) for name, macro in macros.items()}
    reached = {name: _reached(name, calls) for name in macros}
    for name, macro in macros.items():
        back = [(call, sure) for call, sure in calls[name] if name in reached[_called(call)]]
        if any(sure for _, sure in back):
            yield fail(ENDLESS, macro.lineno, f"{name}() always calls itself")
            continue
        inner = {one for loop in macro.find_all(nodes.For) for one in _targets(loop)}
        inner |= {name_of(one.target) for one in macro.find_all(nodes.Assign)}
        stuck = [call for call, _ in back if not any(_descends(one, inner) for one in _given(call))]
        if len(stuck) > 1:
            yield fail(ENDLESS, stuck[0].lineno, f"{name}() calls itself {len(stuck)} times")
        elif stuck:
            yield note(RECURSIVE, stuck[0].lineno, f"{name}() calls itself")


def _calls(
    node: nodes.Node, macros: Collection[str], sure: bool = True
) -> Iterator[tuple[nodes.Call, bool]]:
    """The calls of macros, and whether each is made whatever the data are."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and _called(child) in macros:
            yield child, sure
        yield from _calls(child, macros, sure and not isinstance(child, _OPEN))


def _reached(name: str, calls: Mapping[str, list[tuple[nodes.Call, bool]]]) -> set[str]:
    """The macro, and those that it calls, however far."""
    seen, left = {name}, [name]
    while left:
        new = {_called(call) for call, _ in calls[left.pop()]} - seen
        seen |= new
        left += new
    return seen


def _descends(node: nodes.Node, inner: Collection[str]) -> bool:
    """Whether an argument is a part of the data, or of what a loop goes through."""
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return True
    if isinstance(node, nodes.Filter) and node.name in _PARTS:
        return True
    if isinstance(node, nodes.Name) and node.name in inner:
        return True
    return any(_descends(child, inner) for child in node.iter_child_nodes())


def _given(call: nodes.Call) -> list[nodes.Expr]:
    return [*call.args, *(pair.value for pair in call.kwargs)]


def _called(call: nodes.Call) -> str:
    return call.node.name if isinstance(call.node, nodes.Name) else ""


def _targets(loop: nodes.For) -> set[str]:
    found = {loop.target.name} if isinstance(loop.target, nodes.Name) else set()
    return found | {name.name for name in loop.target.find_all(nodes.Name)}
