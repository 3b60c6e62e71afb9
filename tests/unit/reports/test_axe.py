"""Every page that localai writes, judged by axe-core in a real browser: WCAG 2.1 AA."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Browser
from test_approved_systems import DATASET, ENTRY, HOSTILE_ENTRY, approved
from test_audit_reports import EVIL, PLAIN
from test_page import MIXED, NOW
from test_request import VECTOR, request

from localai.reports.approved_page import approved_page
from localai.reports.audit_page import audit_page
from localai.reports.page import page
from localai.reports.request import PAGE

PAGES = {
    "approved": approved_page(approved(ENTRY, DATASET)),
    "approved-nothing": approved_page(approved()),
    "approved-hostile": approved_page(approved(HOSTILE_ENTRY)),
    "audit": audit_page(PLAIN),
    "audit-hostile": audit_page(EVIL),
    "request": request(VECTOR.read_bytes())[1][PAGE],
    "selftests": page(MIXED, "it-7", NOW),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wrong_with_a_page(browser: Browser, name: str, dark: bool) -> None:
    assert browser.judge(PAGES[name], dark=dark) == []


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        (b' lang="en"', b"", "html-has-lang"),
        (b"body {", b"td { color: #999; background: #fff; } body {", "color-contrast"),
        (b"<main>", b"<div>", "landmark-one-main"),
        (b' tabindex="0"', b"", "scrollable-region-focusable"),
    ],
)
def test_what_is_wrong_is_seen(browser: Browser, good: bytes, bad: bytes, rule: str) -> None:
    spoiled = PAGES["approved"]
    assert good in spoiled
    spoiled = spoiled.replace(b"max-width: 62rem", b"max-width: 20rem").replace(good, bad)
    assert [one for one in browser.judge(spoiled) if one.startswith(rule)]
