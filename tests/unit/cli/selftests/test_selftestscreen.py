"""The screens of self-tests: every probe has its place, in any width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localai.cli.selftests import selftestscreen
from localai.egress.catalogue import EXPLANATIONS
from localai.egress.probes import BY_NAME, PROBES
from localai.egress.selftest import EgressReport, FilterReport, Outcome, ProbeResult
from localai.errors import UsageError
from localai.findings import Verdict
from localai.reports.report import Report
from localai.selftests.result import Boundary, Result

ODD = {
    "tcp4": (Outcome.ARRIVED, "its nonce reached the sink"),
    "tcp6": (Outcome.NOT_CHECKED, "control: no report"),
    "x32": (Outcome.CLOSED, "ENOSYS"),
    "multicast": (Outcome.UNSAFE_HERE, "no private network; see udp4"),
    "dns-libc": (Outcome.UNSAFE_HERE, "no private network; see tcp4"),
}


@pytest.fixture
def every(report: Report) -> Report:
    """A report of all real probes: some odd ones, the others blocked."""
    results = tuple(
        ProbeResult(probe.name, *_became(probe.name), by_class=probe.name == "fork")
        for probe in PROBES
    )
    under = FilterReport(tuple(one for one in results if one.probe in ("tcp4", "x32", "udp4")))
    return report._replace(egress=EgressReport(results, {"launcher": under}, 0.4))


def _became(name: str) -> tuple[Outcome, bool, int, str]:
    outcome, detail = ODD.get(name, (Outcome.BLOCKED, "EPERM"))
    return outcome, True, 0, detail


def rows(text: str) -> dict[str, str]:
    """The rows of the matrix by their titles, each on one line."""
    found: dict[str, str] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("  ") and line[2:3].strip():
            title = line[2:15].strip()
            found[title] = line[15:]
        elif title and line.startswith(" " * 15):
            found[title] += " " + line.strip()
    return found


def test_every_probe_stands_in_one_row(every: Report) -> None:
    found = rows(selftestscreen.selftest(every, 80))
    assert found["got out"].split("; ") == [
        "tcp4: its nonce reached the sink",
        "tcp4 (launcher filter): its nonce reached the sink",
    ]
    assert found["not checked"] == "tcp6: control: no report"
    assert found["closed here"] == "x32: ENOSYS, else seccomp, namespaces would stop it"
    assert found["unsafe here"] == "no private network: multicast (see udp4), dns-libc (see tcp4)"
    assert found["by class"].startswith("fork: ")
    assert found["filters"] == "each alone blocked: launcher 1 of 2"
    blocked = [
        name
        for row in found.values()
        if " blocked: " in row and "each alone" not in row
        for name in row.partition(" blocked: ")[2].split(", ")
    ]
    assert sorted(blocked) == sorted(set(BY_NAME) - set(ODD))


def test_a_row_says_how_many_it_names(every: Report) -> None:
    for row in rows(selftestscreen.selftest(every, 80)).values():
        number, said, names = row.partition(" blocked: ")
        if said and number.isdigit():
            assert int(number) == len(names.split(", "))


@pytest.mark.parametrize(
    ("verdict", "refusing", "end"),
    [
        (Verdict.PASS, (), "passed: nothing got out. result 7, exit code 0"),
        (Verdict.FAIL, ("a: b",), "failed; a: b. result 7, exit code 3"),
        (Verdict.NOT_CHECKED, ("a: b", "c: d"), "not checked; a: b; c: d. result 7, exit code 4"),
    ],
)
def test_the_last_line_says_what_follows(
    every: Report, verdict: Verdict, refusing: tuple[str, ...], end: str
) -> None:
    spoiled = every._replace(result=every.result._replace(verdict=verdict, refusing=refusing))
    assert selftestscreen.selftest(spoiled, 80).splitlines()[-1] == end


@pytest.mark.parametrize("width", [20, 40, 71, 72, 80, 200])
def test_no_line_is_wider_than_the_terminal(every: Report, width: int) -> None:
    for text in (
        selftestscreen.selftest(every, width),
        selftestscreen.history([every.result] * 3, 2, width),
        *(selftestscreen.explanation(name, width) for name in EXPLANATIONS),
    ):
        assert max(map(len, text.splitlines())) <= width


def test_without_a_worker_there_is_no_matrix(report: Report) -> None:
    assert " blocked: " not in selftestscreen.selftest(report._replace(egress=None), 80)


def test_text_from_elsewhere_cannot_command_the_terminal(report: Report) -> None:
    evil = "evil\x1b]0;x\x07\u202e\n\udc80"
    assert report.egress
    bad = ProbeResult("tcp4", Outcome.ARRIVED, True, 0, evil)
    result = report.result._replace(kernel=evil, localai=evil, refusing=(evil,))
    spoiled = report._replace(
        result=result, host=evil, egress=report.egress._replace(results=(bad,))
    )
    shown = selftestscreen.selftest(spoiled, 80) + selftestscreen.history([result] * 2, 2, 80)
    assert not {"\x1b", "\x07", "\u202e", "\udc80"} & set(shown)


NOW = datetime(2026, 3, 1, 3, 4, tzinfo=UTC)
PASSED = Result(NOW, Verdict.PASS, "0.1.0", "6.18.0", Boundary(76), {"gpu": Boundary(9)}, number=1)


def test_the_history_is_a_list() -> None:
    failed = PASSED._replace(
        verdict=Verdict.FAIL, refusing=("sandbox-egress: 1 of 76 got out",), number=2
    )
    back = PASSED._replace(time=NOW - timedelta(days=1), kernel="6.19.0", number=3)
    assert selftestscreen.history([PASSED, failed, back], 9, 88).splitlines() == [
        "    1  2026-03-01 03:04  pass         0 of 76 got out, filters alone 0 of 9",
        "    2  2026-03-01 03:04  fail         sandbox-egress: 1 of 76 got out",
        "    3  2026-02-28 03:04  pass         0 of 76 got out, filters alone 0 of 9; the clock",
        " " * 38 + "had been put back; now localai 0.1.0, Linux 6.19.0",
    ]


@pytest.mark.parametrize(("last", "first"), [(1, 3), (2, 2), (3, 1), (9, 1)])
def test_the_newest_are_shown(last: int, first: int) -> None:
    results = [PASSED._replace(number=number) for number in (1, 2, 3)]
    shown = selftestscreen.history(results, last, 80)
    assert (f"{first - 1} older not shown: --last 3 shows all" in shown) == (first > 1)
    assert [int(one[:5]) for one in shown.splitlines() if one[:5].strip().isdigit()] == list(
        range(first, 4)
    )


def test_no_history() -> None:
    assert selftestscreen.history([], 20, 80) == "no result yet: localai selftest makes one"


def test_every_probe_is_explained() -> None:
    for probe in PROBES:
        said = " ".join(selftestscreen.explanation(probe.name, 80).split())
        assert said.startswith(f"{probe.name}: {probe.way}")
        assert EXPLANATIONS[probe.name].what.split()[0] in said


def test_an_unknown_probe_is_an_error_with_its_neighbour() -> None:
    with pytest.raises(UsageError) as caught:
        selftestscreen.explanation("tpc4", 80)
    assert caught.value.hint == "localai selftest --explain tcp4"
