"""Parse a template with Jinja's own parser, within bounds that its recursion can take."""

from __future__ import annotations

import warnings
from functools import lru_cache
from itertools import islice

from jinja2.environment import Environment
from jinja2.exceptions import TemplateError
from jinja2.nodes import Node, Template

from localai.dialect import make_environment
from localai.gguf.template.flaw import Flaw, fail

# The largest of the 70 templates that come with llama.cpp has 17,000 characters, 3,800 tokens
# and is 29 levels deep.
SIZE = 128 << 10  # characters
TOKENS = 12_000
DEPTH = 100  # levels of the parsed template

TOO_LARGE = "chat template too large"
TOO_DEEP = "chat template too deep"
UNREADABLE = "chat template cannot be read"


@lru_cache(maxsize=1)  # one template is asked about several times in a row
def parse(source: str) -> Template | Flaw:
    """The parsed template, or why there is none. Nothing in it is run or calculated."""
    if len(source) > SIZE:
        return fail(TOO_LARGE, 0, f"{len(source):,} characters, of {SIZE:,} at most")
    environment = make_environment(Environment)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unknown escape in a string is only deprecated
        try:
            tokens = environment.lexer.tokeniter(source, None)
            if sum(1 for _ in islice(tokens, TOKENS + 1)) > TOKENS:
                return fail(TOO_LARGE, 0, f"more than {TOKENS:,} tokens")
            template = environment.parse(source)
        except TemplateError as error:
            return fail(UNREADABLE, getattr(error, "lineno", 0), str(error.message))
        except RecursionError:
            return fail(TOO_DEEP, 0, "deeper than the parser can go")
        except ValueError as error:  # a number of more digits than Python takes
            return fail(UNREADABLE, 0, str(error))
    if _depth(template) > DEPTH:
        return fail(TOO_DEEP, 0, f"more than {DEPTH} levels")
    return template


def _depth(template: Template) -> int:
    """How many levels of nodes there are, found without recursion."""
    level: list[Node] = [template]
    depth = 0
    while level and depth <= DEPTH:
        depth += 1
        level = [child for node in level for child in node.iter_child_nodes()]
    return depth
