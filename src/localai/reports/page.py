"""The history of self-tests as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import localai
from localai.findings import Verdict
from localai.reports.chart import DAYS, chart, days_of
from localai.reports.sheet import sheet, text
from localai.selftests.remarks import remarks
from localai.selftests.result import Result

_STYLE = """
td.figure, th.figure { text-align: right; }
td.figure, time { white-space: nowrap; overflow-wrap: normal; }
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
    return sheet(f"Self-tests of localai on {host}", _lines(results, now), _STYLE)


def _lines(results: Sequence[Result], now: datetime) -> Iterator[str]:
    yield f"<p>{_summary(results)}</p>"
    if results:
        yield from _chart(results)
        yield from _table(results)
    yield f"<p>Made by localai {text(localai.__version__)} on {_time(now)}. All times are UTC.</p>"


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
    return text("; ".join(remarks(result, before)))


def _time(time: datetime) -> str:
    utc = time.astimezone(UTC)
    return f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}">{utc:%Y-%m-%d %H:%M}</time>'
