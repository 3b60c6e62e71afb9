"""The history of self-tests as one HTML page: no script, nothing from outside, and readable by
keyboard, screen reader, printer and in black and white (WCAG 2.1 AA)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

import localai
from localai.findings import Verdict
from localai.reports.chart import DAYS, chart, days_of
from localai.selftests.remarks import remarks
from localai.selftests.result import Result
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
td.figure, th.figure { text-align: right; }
td { overflow-wrap: anywhere; } td.figure, time { white-space: nowrap; overflow-wrap: normal; }
tr.odd td, tr.odd th { font-weight: bold; }
svg { display: block; } svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
.axis { fill: none; stroke: currentColor; }
rect { stroke: currentColor; } .pass { fill: none; } .fail { fill: currentColor; }"""
_WORDS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.NOT_CHECKED: "not checked",
}


def page(results: Sequence[Result], host: str, now: datetime) -> bytes:
    """The page. ``results`` is the whole log, oldest first; ``now`` is aware."""
    return "\n".join(_lines(results, _text(host), now)).encode()


def _lines(results: Sequence[Result], host: str, now: datetime) -> Iterator[str]:
    yield from (
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Self-tests of localai on {host}</title>",
        f"<style>\n{_STYLE}\n</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>Self-tests of localai on {host}</h1>",
        f"<p>{_summary(results)}</p>",
    )
    if results:
        yield from _chart(results)
        yield from _table(results)
    said = f"Made by localai {_text(localai.__version__)} on {_time(now)}. All times are UTC."
    yield from (f"<p>{said}</p>", "</main>", "</body>", "</html>\n")


def _summary(results: Sequence[Result]) -> str:
    if not results:
        return "No self-test was kept yet."
    newest = results[-1]
    failed, unchecked = (
        sum(one.verdict is verdict for one in results)
        for verdict in (Verdict.FAIL, Verdict.NOT_CHECKED)
    )
    return (
        f"The newest, number {newest.number} of {_time(newest.time)}, "
        f"<strong>{_WORDS[newest.verdict]}</strong>: {_said(newest, None)}. "
        f"Of {len(results)} in all, {failed} failed and {unchecked} could not be checked in full."
    )


def _chart(results: Sequence[Result]) -> Iterator[str]:
    days = set(days_of(results))
    outside = sum(one.time.date() not in days for one in results)
    yield "<h2>By day</h2>"
    yield (
        '<div class="wide" role="region" aria-label="Chart of results by day" tabindex="0">'
        f"\n{chart(results)}\n</div>"
    )
    yield (
        "<p>A bar for each day, as high as the number of results. Outlined: passed. Hatched, with "
        "a question mark above: not checked. Filled, with a cross above: failed. Where there is "
        f"no bar, there is no result. At most {DAYS} days are drawn"
        + (f"; outside of them: {outside}.</p>" if outside else ".</p>")
    )


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield "<h2>All results</h2>"
    yield '<div class="wide" role="region" aria-labelledby="results" tabindex="0">'
    yield '<table>\n<caption id="results">Every result that was kept, newest first</caption>'
    heads = ("Number", "Began", "Verdict", "Ways out tried", "Seconds", "What is worth saying")
    figures = {"Number", "Ways out tried", "Seconds"}
    cells = "".join(
        f'<th scope="col"{_FIGURE if head in figures else ""}>{head}</th>' for head in heads
    )
    yield f"<thead>\n<tr>{cells}</tr>\n</thead>\n<tbody>"
    befores = (None, *results[:-1])
    for result, before in reversed(list(zip(results, befores, strict=True))):
        odd = "" if result.passed else ' class="odd"'
        yield (
            f'<tr{odd}><th scope="row" class="figure">{result.number}</th>'
            f"<td>{_time(result.time)}</td><td>{_WORDS[result.verdict]}</td>"
            f'<td class="figure">{result.worker.probes}</td>'
            f'<td class="figure">{result.seconds:.2f}</td><td>{_said(result, before)}</td></tr>'
        )
    yield "</tbody>\n</table>\n</div>"


_FIGURE = ' class="figure"'


def _said(result: Result, before: Result | None) -> str:
    return _text("; ".join(remarks(result, before)))


def _time(time: datetime) -> str:
    utc = time.astimezone(UTC)
    return f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}">{utc:%Y-%m-%d %H:%M}</time>'


def _text(value: str) -> str:
    return escape(printable(value), quote=True)
