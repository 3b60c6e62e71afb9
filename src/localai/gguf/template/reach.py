"""What reaches out of the conversation: into Python, into other templates, into a program.

Jinja's sandbox, in which the worker renders, refuses each of these. A template that tries is
none to run all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from localai.gguf.template.flaw import Flaw, fail, note
from localai.gguf.template.value import Mark, Value, element

PYTHON = "the chat template reaches into Python"
COMPUTED = "an attribute by a computed name"
FOREIGN = "the chat template asks for what is not its own"
LOADING = "the chat template loads other templates"
BLOCKS = "the chat template has blocks to override"

# Attributes without two underscores that lead out of a value (what Jinja's sandbox calls unsafe
# or internal), and what stands at the end of such a way.
_INSIDE = re.compile(
    r"mro|func_\w+|im_(?:class|func|self)|[gc]r_(?:await|code|frame|origin)|gi_\w+|ag_\w+"
    r"|f_(?:back|builtins|code|globals|locals)|tb_(?:frame|next)|co_(?:code|consts|names)"
    r"|popen|subclasses|getoutput|check_output|environ|eval_ctx|format_map"
)
_DUNDER = re.compile(r"__\w*[a-z]\w*__|^__\w+|\w+__$", re.IGNORECASE)
_REACHING_FIELD = re.compile(r"\{[^{}]{0,100}[.\[][^{}]{0,100}")

# Names that no chat template gets: of web frameworks and automation tools, and of Python itself.
_FOREIGN = frozenset(
    (
        *("lipsum", "self", "request", "url_for", "get_flashed_messages", "lookup", "query"),
        *("hostvars", "handler", "open", "eval", "exec", "compile", "globals", "locals", "vars"),
        *("getattr", "setattr", "delattr", "hasattr", "type", "object", "os", "sys", "builtins"),
        *("subprocess", "importlib", "breakpoint", "exit", "quit", "input", "print"),
    )
)
_QUESTIONABLE = frozenset(
    ("config", "session", "g", "app", "application", "settings", "cycler", "joiner", "debug")
)

_BY_ATTRIBUTE = {"map", "selectattr", "rejectattr", "groupby", "sum", "sort", "unique"}
_BY_ATTRIBUTE |= {"min", "max", "join"}
# Where the attribute stands among the arguments, if it is not named.
_PLACE = {"selectattr": 0, "rejectattr": 0, "groupby": 0, "sum": 0, "join": 1, "unique": 1}
_PLACE |= {"min": 1, "max": 1, "sort": 2}
_BY_FILTER = {"map", "select", "reject", "selectattr", "rejectattr"}


class Reach:
    """The rule; it knows which names the template has given a value itself."""

    def __init__(self, template: nodes.Template) -> None:
        self._bound = frozenset(_bound_names(template))

    def __call__(self, node: nodes.Node, value: Value, parts: Sequence[Value]) -> Iterator[Flaw]:
        line = node.lineno
        if isinstance(node, nodes.Name):
            yield from self._judge_global(node)
        elif isinstance(node, nodes.Const):
            yield from _judge_text(node)
        elif isinstance(node, nodes.Getattr):
            yield from _judge_attribute(line, node.attr)
            if node.attr == "format" and (parts[0].built or parts[0].strings):
                yield fail(COMPUTED, line, "a format that is called elsewhere")
        elif isinstance(node, nodes.Getitem):
            yield from _judge_key(line, parts[1])
        elif isinstance(node, nodes.Filter):
            yield from _judge_filter(node, parts)
        elif isinstance(node, nodes.Call):
            yield from _judge_call(node, parts)
        elif isinstance(node, nodes.Mod):
            yield from _judge_format(line, parts[0])

    def _judge_global(self, node: nodes.Name) -> Iterator[Flaw]:
        if node.name in self._bound:
            return
        if node.name in _FOREIGN or _is_inside(node.name):
            yield fail(FOREIGN, node.lineno, node.name)
        elif node.name in _QUESTIONABLE:
            yield note(FOREIGN, node.lineno, node.name)


def _judge_text(node: nodes.Const) -> Iterator[Flaw]:
    """A text in an expression, whatever it is used for."""
    if isinstance(node.value, str) and "__" in unicodedata.normalize("NFKC", node.value):
        reaching = _DUNDER.search(unicodedata.normalize("NFKC", node.value))
        yield (fail if reaching else note)(PYTHON, node.lineno, node.value)


def _judge_attribute(line: int, name: str) -> Iterator[Flaw]:
    if _is_inside(name):
        yield fail(PYTHON, line, name)
    elif name.startswith("_"):
        yield note(PYTHON, line, name)


def _judge_key(line: int, key: Value) -> Iterator[Flaw]:
    yield from (fail(PYTHON, line, name) for name in key.strings if _is_inside(name))
    if (key.built or Mark.CONTENT in key.marks) and not key.exact:
        yield note(COMPUTED, line, " or ".join(key.strings) or "not known before it is rendered")


def _judge_call(node: nodes.Call, parts: Sequence[Value]) -> Iterator[Flaw]:
    line = node.lineno
    for pair in node.kwargs:
        yield from _judge_attribute(line, pair.key)
    if isinstance(node.node, nodes.Getitem):
        yield fail(COMPUTED, line, "a method by a subscript")
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        yield note(COMPUTED, line, "a call with arguments in one")
    if isinstance(node.node, nodes.Getattr):
        method = node.node.attr
        yield from _judge_attribute(line, method)
        if method in ("get", "pop", "setdefault"):
            yield from (flaw for key in parts[1:2] for flaw in _judge_key(line, key))
        if method == "format":
            yield from _judge_format(line, parts[0])
            if not parts[0].exact:
                yield note(COMPUTED, line, "a format that is not known before it is rendered")


def _judge_filter(node: nodes.Filter, parts: Sequence[Value]) -> Iterator[Flaw]:
    line, name = node.lineno, node.name
    if name == "attr":
        yield from _judge_way(node, parts[1:2])
        if len(parts) > 1 and parts[1].only is not None:
            yield note(COMPUTED, line, f"|attr({parts[1].only!r})")
    if name in _BY_ATTRIBUTE:
        keys = [pair.key for pair in node.kwargs]
        ways = [parts[1 + len(node.args) + place] for place, key in enumerate(keys)
                if key == "attribute"]  # fmt: skip
        place = _PLACE.get(name, len(node.args))
        ways += parts[1 + place : 2 + place] if place < len(node.args) else ()
        yield from _judge_way(node, ways)
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        yield fail(COMPUTED, line, f"|{name} with arguments in one")
    if name in _BY_FILTER:
        yield from _judge_inner(node, parts)
    if name == "format":
        yield from _judge_format(line, parts[0])


def _judge_way(node: nodes.Filter, ways: Sequence[Value]) -> Iterator[Flaw]:
    """Filters that take the name of an attribute take a way of them: ``a.b.c``."""
    for value in ways:
        for part in (part for way in value.strings for part in way.split(".")):
            yield from _judge_attribute(node.lineno, part)
        if not value.exact:
            yield fail(COMPUTED, node.lineno, f"|{node.name}")


def _judge_inner(node: nodes.Filter, parts: Sequence[Value]) -> Iterator[Flaw]:
    """Filters that take the name of another filter or test, with what that one is to take."""
    over, *given = parts
    place = 1 if node.name.endswith("attr") else 0
    if len(node.args) > place:
        inner = given[place]
        if not inner.exact or "attr" in inner.texts:
            yield fail(COMPUTED, node.lineno, f"|{node.name} of another filter")
        if "format" in inner.texts:
            yield from _judge_format(node.lineno, element(over))
    for text in (text for value in given for text in value.strings):
        if _is_inside(text):
            yield fail(PYTHON, node.lineno, text)


def _judge_format(line: int, template: Value) -> Iterator[Flaw]:
    """The fields of a format may reach into what they format."""
    for text in template.strings:
        for field in _REACHING_FIELD.findall(text):
            yield fail(PYTHON, line, field)


def find_loading(template: nodes.Template) -> Iterator[Flaw]:
    """Other templates that this one wants; a chat template stands alone."""
    loading = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in template.find_all(loading):
        yield fail(LOADING, node.lineno, type(node).__name__.lower())
    for block in template.find_all(nodes.Block):
        yield note(BLOCKS, block.lineno, block.name)


def find_handed_on(template: nodes.Template) -> Iterator[Flaw]:
    """Macros under other names: what they are called with is then not followed."""
    macros = {macro.name for macro in template.find_all(nodes.Macro)}
    called = {id(call.node) for call in template.find_all(nodes.Call)}
    for name in template.find_all(nodes.Name):
        if name.name in macros and name.ctx == "load" and id(name) not in called:
            yield note(COMPUTED, name.lineno, f"the macro {name.name} by another name")


def _is_inside(name: str) -> bool:
    """Whether the name leads into Python, also in letters that only look like its."""
    plain = unicodedata.normalize("NFKC", name)
    return "__" in plain or _INSIDE.fullmatch(plain) is not None


def _bound_names(template: nodes.Template) -> Iterator[str]:
    """Names that the template gives a value itself."""
    for name in template.find_all(nodes.Name):
        if name.ctx in ("store", "param"):
            yield name.name
    for macro in template.find_all(nodes.Macro):
        yield macro.name
