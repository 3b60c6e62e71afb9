"""An HTML page that needs nothing else: no script, nothing from outside, and readable by keyboard,
screen reader, printer and in black and white (WCAG 2.1 AA). The pages of this folder are made with
it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from localai.terminal import printable

# The browser holds the page to its promise: no script, no image, no font, no request.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { border-bottom: 1px solid; padding: .3rem .8rem .3rem 0; text-align: left; \
vertical-align: top; }
td { overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }"""


def sheet(title: str, body: Iterable[str], style: str = "") -> bytes:
    """The page. ``title`` is plain text; ``body`` are lines of HTML in which :func:`text` took
    care of everything that others wrote; ``style`` is added to the common one."""
    lines = (
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title>",
        f"<style>\n{_STYLE}{style}\n</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{text(title)}</h1>",
        *body,
        "</main>",
        "</body>",
        "</html>\n",
    )
    return "\n".join(lines).encode()


def text(value: str) -> str:
    """What others wrote, made harmless for a page and visible to its reader."""
    return escape(printable(value), quote=True)


def table(
    caption: str, name: str, heads: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    """A table that can be scrolled by keyboard. ``caption``, ``heads`` and ``rows`` hold HTML; the
    first cell of each row is its head. ``name`` is an identifier of its own on the page."""
    yield f'<div class="wide" role="region" aria-labelledby="{name}" tabindex="0">'
    yield f'<table>\n<caption id="{name}">{caption}</caption>'
    yield "<thead>\n<tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr>"
    yield "</thead>\n<tbody>"
    for first, *rest in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in rest)
        yield f'<tr><th scope="row">{first}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"
