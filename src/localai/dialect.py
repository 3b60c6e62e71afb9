"""The Jinja that chat templates are written in: what reads one and what renders one set up alike.

As documented for ``apply_chat_template`` in Hugging Face's Transformers: ``trim_blocks``,
``lstrip_blocks``, loop controls, and ``{% generation %}``, which marks what the model itself is
to say, for training; it leaves its text as it is.
"""

from __future__ import annotations

from typing import TypeVar

from jinja2.environment import Environment
from jinja2.ext import Extension, LoopControlExtension
from jinja2.nodes import Node
from jinja2.parser import Parser

E = TypeVar("E", bound=Environment)


class _Generation(Extension):
    tags = {"generation"}  # noqa: RUF012 - what Jinja asks for

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def make_environment(kind: type[E]) -> E:
    """An environment of Jinja for chat templates, of the ``kind`` that the caller wants."""
    extensions = [LoopControlExtension, _Generation]
    return kind(trim_blocks=True, lstrip_blocks=True, extensions=extensions)
