"""A chart of results by day as SVG: a bar for each day, a part for each verdict.

Nothing is said by colour alone: the parts differ in pattern, a day with anything but passes bears
a mark, and each bar says its figures in words. Ink is the page's own text colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from localai.findings import Verdict
from localai.selftests.result import Result

DAYS = 60
_STEP, _BAR = 15, 11  # units of the drawing
_HEIGHT, _TOP, _LEFT, _RIGHT, _BELOW = 120, 22, 34, 24, 24
# From the bottom up.
_PARTS = (
    (Verdict.FAIL, "fail", "failed"),
    (Verdict.NOT_CHECKED, "unchecked", "not checked"),
    (Verdict.PASS, "pass", "passed"),
)
PATTERNS = """\
<defs>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><rect width="2" height="5" fill="currentColor"/></pattern>
</defs>"""


def days_of(results: Sequence[Result]) -> list[date]:
    """The days of the chart: up to that of the newest result, ``DAYS`` at the most, begun on the
    day of the oldest that still fits. Results of a clock that was wrong may lie outside."""
    if not results:
        return []
    end = results[-1].time.date()
    fitting = [day for one in results if timedelta(0) <= end - (day := one.time.date())]
    start = max(min(fitting), end - timedelta(DAYS - 1))
    return [start + timedelta(number) for number in range((end - start).days + 1)]


def chart(results: Sequence[Result]) -> str:
    """The drawing, as wide as its days. ``results`` oldest first, at least one."""
    days = days_of(results)
    found = {day: Counter[Verdict]() for day in days}
    for result in results:
        if (day := result.time.date()) in found:
            found[day][result.verdict] += 1
    most = max(sum(counts.values()) for counts in found.values())
    width = _LEFT + _STEP * max(len(days), 20) + _RIGHT
    height = _TOP + _HEIGHT + _BELOW
    return "\n".join(
        [
            f'<svg role="img" aria-labelledby="chart-title chart-text" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
            '<title id="chart-title">Results by day</title>',
            f'<desc id="chart-text">{_describe(found)}</desc>',
            PATTERNS,
            *_axes(days, most, width),
            *(line for at, day in enumerate(days) for line in _bar(at, day, found[day], most)),
            "</svg>",
        ]
    )


def _describe(found: dict[date, Counter[Verdict]]) -> str:
    empty = sum(not counts for counts in found.values())
    odd = [f"{day} {_words(found[day])}" for day in found if _is_odd(found[day])]
    days = "1 day" if len(found) == 1 else f"{len(found)} days"
    said = f"{days} up to {max(found)}, {empty} of them without a result. "
    return said + ("Not only passes: " + "; ".join(odd) if odd else "All results passed") + "."


def _axes(days: Sequence[date], most: int, width: int) -> Iterator[str]:
    floor = _TOP + _HEIGHT
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{floor}H{width}"/>'
    yield f'<text x="{_LEFT - 6}" y="{_TOP + 4}" text-anchor="end">{most}</text>'
    yield f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">0</text>'
    for at, day in enumerate(days):
        # the first day, and Mondays that leave room for its label
        if at == 0 or (day.weekday() == 0 and at > 5):
            x = _LEFT + at * _STEP + 2
            yield f'<text x="{x}" y="{floor + 16}">{day:%m-%d}</text>'


def _bar(at: int, day: date, counts: Counter[Verdict], most: int) -> Iterator[str]:
    if not counts:
        return
    x, floor = _LEFT + at * _STEP + 2, _TOP + _HEIGHT
    yield f"<g><title>{day}: {_words(counts)}</title>"
    for verdict, name, _ in _PARTS:
        if counts[verdict]:
            tall = max(2, round(counts[verdict] * _HEIGHT / most))
            floor -= tall
            yield (
                f'<rect class="{name}" x="{x}" y="{floor}" width="{_BAR}" height="{tall}"'
                + (' fill="url(#hatch)"/>' if name == "unchecked" else "/>")
            )
    if _is_odd(counts):
        mark = "×" if counts[Verdict.FAIL] else "?"
        yield f'<text x="{x + _BAR / 2}" y="{floor - 5}" text-anchor="middle">{mark}</text>'
    yield "</g>"


def _is_odd(counts: Counter[Verdict]) -> bool:
    return any(counts[verdict] for verdict in (Verdict.FAIL, Verdict.NOT_CHECKED))


def _words(counts: Counter[Verdict]) -> str:
    return ", ".join(f"{counts[verdict]} {words}" for verdict, _, words in _PARTS[::-1]
                     if counts[verdict])  # fmt: skip
