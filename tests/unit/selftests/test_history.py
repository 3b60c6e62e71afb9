"""The log of results: the last line is the newest, and a log that was changed says so."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.findings import Verdict
from localai.records.log import append
from localai.selftests.history import keep, newest, read_history
from localai.selftests.remarks import remarks
from localai.selftests.result import Boundary, Result

NOW = datetime(2026, 3, 1, 3, 4, 5, 678000, UTC)
PASSED = Result(NOW, Verdict.PASS, "0.1.0", "6.18.0", Boundary(76), {"launcher": Boundary(51)}, 76)
FAILED = PASSED._replace(verdict=Verdict.FAIL, refusing=("sandbox-egress: 1 of 76 got out",))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three results."""
    path = tmp_path / "state" / "selftests.jsonl"
    for result in (PASSED, FAILED, PASSED):
        keep(path, result)
    return path


def test_nothing_was_kept_yet(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "selftests.jsonl"
    assert newest(path) is None
    assert read_history(path) == ()
    assert not path.parent.exists()
    empty = tmp_path / "selftests.jsonl"
    empty.touch(0o600)
    assert newest(empty) is None
    assert read_history(empty) == ()


def test_what_is_kept_is_numbered(log: Path) -> None:
    assert keep(log, PASSED).number == 4
    assert [result.number for result in read_history(log)] == [1, 2, 3, 4]
    assert [result.passed for result in read_history(log)] == [True, False, True, True]


def test_a_clock_that_was_put_back_changes_no_order(log: Path) -> None:
    earlier = FAILED._replace(time=NOW - timedelta(days=4000))
    keep(log, earlier)
    assert newest(log) == earlier._replace(number=4)
    *_, before, last = read_history(log)
    assert remarks(last, before)[-1] == "the clock had been put back"
    assert "the clock had been put back" not in remarks(before, None)


def test_two_at_once_are_no_sign_of_a_wrong_clock() -> None:
    """The one that began first may be the last to be written."""
    began_before = PASSED._replace(time=NOW - timedelta(seconds=2))
    assert remarks(began_before, PASSED) == remarks(PASSED, None)


def test_another_version_or_kernel_is_worth_saying() -> None:
    assert remarks(PASSED, PASSED) == ["0 of 76 got out, filters alone 0 of 51"]
    assert remarks(FAILED, PASSED) == ["sandbox-egress: 1 of 76 got out"]
    said = remarks(PASSED._replace(kernel="6.19.0"), PASSED)
    assert said[-1] == "now localai 0.1.0, Linux 6.19.0"


def test_the_probes_that_did_not_hold_are_named() -> None:
    worker = Boundary(76, ("tcp4",), tuple(f"way-{number}" for number in range(8)))
    spoiled = FAILED._replace(worker=worker, filters={"gpu": Boundary(51, ("udp4",), ())})
    assert remarks(spoiled, None) == [
        "sandbox-egress: 1 of 76 got out",
        "got out: tcp4, udp4 (gpu filter)",
        "not checked: way-0, way-1, way-2, way-3, way-4, way-5 and 2 more",
    ]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_failure_that_was_made_a_pass_is_noticed(log: Path) -> None:
    log.write_bytes(log.read_bytes().replace(b'"verdict": "fail"', b'"verdict": "pass"'))
    with pytest.raises(StateError, match=r"line 3 of .* does not follow"):
        read_history(log)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_line_that_was_taken_out_is_noticed(log: Path, gone: int) -> None:
    kept = lines_of(log)
    del kept[gone]
    log.write_bytes(b"".join(kept))
    with pytest.raises(StateError, match=rf"line {gone + 1} of .* does not follow"):
        read_history(log)


@pytest.mark.parametrize("end", [b'{"number": 4', b"\n", b"[]\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_end_is_no_result(log: Path, end: bytes) -> None:
    with log.open("ab") as file:
        file.write(end)
    for read in (newest, read_history):
        with pytest.raises(StateError, match="damaged") as caught:
            read(log)
        assert f"mv {log}" in caught.value.hint


def test_a_line_of_another_kind_is_no_result(log: Path) -> None:
    append(log, {"record": "localai.record/1"})
    for read in (newest, read_history):
        with pytest.raises(StateError, match="line 4 is no result"):
            read(log)


def test_a_log_that_others_can_write_counts_for_nothing(log: Path) -> None:
    log.chmod(0o666)
    for read in (newest, read_history):
        with pytest.raises(StateError, match="other accounts"):
            read(log)


def test_neither_a_link_nor_a_pipe_is_read(log: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link.jsonl", tmp_path / "pipe.jsonl"
    link.symlink_to(log)
    os.mkfifo(pipe, 0o600)
    for path in (link, pipe):
        with pytest.raises(StateError):
            newest(path)


def test_the_newest_of_a_long_log_is_found_from_its_end(log: Path) -> None:
    number, previous = 3, lines_of(log)[-1]
    with log.open("ab") as file:
        while log.stat().st_size < 3 << 20:
            line = json.loads(previous) | {"number": (number := number + 1)}
            previous = json.dumps(line).encode() + b"\n"
            file.write(previous)
            file.flush()
    found = newest(log)
    assert found and found.number == number
