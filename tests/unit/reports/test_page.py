"""The page of the history: whole, self-contained, and readable without eyes, colour or mouse."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest
from hostile import HOSTILE

from localai.findings import Verdict
from localai.reports.chart import DAYS, chart, days_of
from localai.reports.page import page
from localai.selftests.result import Boundary, Result

NOW = datetime(2026, 3, 1, 3, 4, tzinfo=UTC)
PASSED = Result(NOW, Verdict.PASS, "0.1.0", "6.18.0", Boundary(76), {"gpu": Boundary(9)}, 76)
FAILED = PASSED._replace(verdict=Verdict.FAIL, refusing=("sandbox-egress: 1 of 76 got out",))
UNCHECKED = PASSED._replace(verdict=Verdict.NOT_CHECKED, refusing=("sandbox-egress: not probed",))
VOID = {"meta", "rect", "path"}


def days(*results: Result, hours: int = 24) -> list[Result]:
    """These results, one every so many hours up to now, numbered."""
    return [
        one._replace(time=NOW - timedelta(hours=hours * (len(results) - number)), number=number)
        for number, one in enumerate(results, 1)
    ]


class Reader(HTMLParser):
    """Every element with its attributes, the text, and whether all that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(results: list[Result], host: str = "it-7") -> Reader:
    return Reader(page(results, host, NOW).decode("utf-8"))


MIXED = days(*[PASSED] * 5, FAILED, UNCHECKED, PASSED)


@pytest.mark.parametrize("results", [[], MIXED[:1], MIXED])
def test_nothing_comes_from_outside_and_nothing_moves(results: list[Result]) -> None:
    found = read(results)
    used = {tag for tag, _ in found.elements}
    assert not used & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not {"src", "href", "style"} & set(attributes), tag
    text = page(results, "it-7", NOW).decode()
    assert not re.search(r"https?:|//|@import|url\((?!#)|animation|transition", text)
    (policy,) = [one for one in found.all("meta") if "http-equiv" in one]
    assert policy["content"].startswith("default-src 'none'")


@pytest.mark.parametrize("results", [[], MIXED[:1], MIXED])
def test_it_can_be_heard(results: list[Result]) -> None:
    found = read(results)
    assert found.all("html") == [{"lang": "en"}]
    assert len(found.all("title")) >= 1 and len(found.all("main")) == len(found.all("h1")) == 1
    ids = [one["id"] for _, one in found.elements if "id" in one]
    assert len(set(ids)) == len(ids)
    for _, attributes in found.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "").split()) <= set(ids)
    # what scrolls can be reached and has a name
    for region in [one for one in found.all("div") if one.get("class") == "wide"]:
        assert region["role"] == "region" and region["tabindex"] == "0"
        assert region.get("aria-label") or region.get("aria-labelledby")
    for table in found.all("table"):
        assert table == {}
        assert {one.get("scope") for one in found.all("th")} == {"col", "row"}
        assert len(found.all("caption")) == 1


def test_every_result_is_in_the_table_newest_first() -> None:
    found = read(MIXED)
    rows = found.all("tr")
    assert len(rows) == 1 + len(MIXED)
    assert [row.get("class") for row in rows[1:]] == [None, "odd", "odd", *[None] * 5]
    said = found.text[found.text.index("Every result") :]
    assert said.index("not checked") < said.index("failed") < said.rindex("passed")
    assert "Of 8 in all, 1 failed and 1 could not be checked" in " ".join(found.text.split())


def test_no_result_yet() -> None:
    found = read([])
    assert "No self-test was kept yet." in found.text
    assert not found.all("svg") and not found.all("table")


def test_text_from_elsewhere_stays_text() -> None:
    hostile = FAILED._replace(
        localai=HOSTILE, kernel=HOSTILE, refusing=("</td><script>alert(1)</script>", HOSTILE)
    )
    plain, found = read(days(PASSED, FAILED)), read(days(PASSED, hostile), HOSTILE)
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert "<script>alert(1)</script>" in found.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", found.text)


def drawn(results: list[Result]) -> Element:
    root = fromstring(chart(results))
    assert root.tag == "svg"
    return root


def groups(root: Element) -> list[tuple[str, list[str], str]]:
    """For each bar: its words, the kinds of its parts, its mark."""
    return [
        (
            group.findtext("title") or "",
            [part.attrib["class"] for part in group.findall("rect")],
            group.findtext("text") or "",
        )
        for group in root.findall("g")
    ]


def test_a_bar_says_its_figures_in_words_pattern_and_mark() -> None:
    (bar,) = groups(drawn(days(PASSED, UNCHECKED, PASSED, FAILED, hours=0)))
    assert bar[0] == "2026-03-01: 2 passed, 1 not checked, 1 failed"
    assert bar[1:] == (["fail", "unchecked", "pass"], "×")
    parts = drawn(MIXED).findall("g")
    odd = [one for one in groups(drawn(MIXED)) if one[2]]
    assert [(kinds, mark) for _, kinds, mark in odd] == [(["fail"], "×"), (["unchecked"], "?")]
    assert len(parts) == 8
    assert "1 failed" in (drawn(MIXED).findtext("desc") or "")


def test_parts_lie_on_each_other_within_the_drawing() -> None:
    (group,) = drawn(days(*[PASSED] * 5, FAILED, UNCHECKED, hours=0)).findall("g")
    edges = [(int(part.attrib["y"]), int(part.attrib["height"])) for part in group.findall("rect")]
    for (above, _), (below, tall) in pairwise(edges):
        assert below + tall == above
    assert all(y >= 0 for y, _ in edges)


def test_a_missed_day_is_a_gap() -> None:
    results = [one for one in days(*[PASSED] * 7) if one.number not in (3, 4)]
    assert len(days_of(results)) == 7
    assert len(groups(drawn(results))) == 5
    assert "7 days up to 2026-03-01, 2 of them without a result" in (
        drawn(results).findtext("desc") or ""
    )


def test_one_day_is_one_day() -> None:
    assert (drawn(MIXED[:1]).findtext("desc") or "").startswith("1 day up to 2026-02-22, 0 of")
    outside = PASSED._replace(time=NOW.replace(year=1970), number=9)
    assert "days are drawn; outside of them: 1." in " ".join(read([outside, *MIXED]).text.split())


def test_a_long_history_is_cut_to_its_newest_days() -> None:
    results = days(*[PASSED] * 200)
    shown = days_of(results)
    assert len(shown) == DAYS and shown[-1] == results[-1].time.date()
    assert len(groups(drawn(results))) == DAYS
    assert f"outside of them: {200 - DAYS}." in " ".join(read(results).text.split())


@pytest.mark.parametrize("year", [1970, 2025, 2099, 9999])
def test_a_clock_that_was_wrong_spoils_nothing(year: int) -> None:
    """Neither the newest result nor one before it can stretch the chart."""
    wrong = PASSED._replace(time=NOW.replace(year=year), number=9)
    for results in ([*MIXED, wrong], [wrong, *MIXED]):
        assert 1 <= len(days_of(results)) <= DAYS
        drawn(results)
        assert len(read(results).all("tr")) == 1 + len(results)


def test_days_of_nothing() -> None:
    assert days_of([]) == []
    assert days_of(MIXED[:1]) == [date(2026, 2, 22)]
