"""The evidence log: whole lines, numbered, chained, and nothing half-written."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localai.errors import StateError
from localai.records import log
from localai.records.log import FIRST, append, read_last, read_lines


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_records_are_numbered_and_each_names_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "state" / "records.jsonl"
    assert [append(path, {"event": name}) for name in ("a", "b", "c")] == [1, 2, 3]
    records = [json.loads(line) for line in lines(path)]
    assert [record["number"] for record in records] == [1, 2, 3]
    assert [record["event"] for record in records] == ["a", "b", "c"]
    digests = [hashlib.sha256(line).hexdigest() for line in lines(path)]
    assert [record["previous"] for record in records] == [FIRST, *digests[:2]]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_break_in_a_value_stays_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append(path, {"name": 'a\n{"number": 99}\n\u2028\udc80'})
    assert append(path, {}) == 2


def test_writers_at_the_same_time_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    numbers: list[int] = []

    def write() -> None:
        for _ in range(10):
            numbers.append(append(path, {}))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))
    assert [json.loads(line)["number"] for line in lines(path)] == list(range(1, 41))


@pytest.mark.parametrize(
    "end", [b'{"number": 2', b"\n", b"[]\n", b'{"number": 0}\n', b'{"number": "3"}\n', b"\xff\n"]
)
def test_a_damaged_log_is_not_continued(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "records.jsonl"
    append(path, {})
    with path.open("ab") as file:
        file.write(end)
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        append(path, {})
    assert "damaged" in caught.value.message and "mv" in caught.value.hint
    assert path.read_bytes() == before


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    (tmp_path / "records.jsonl").symlink_to(target)
    with pytest.raises(StateError):
        append(tmp_path / "records.jsonl", {})
    assert target.read_bytes() == b""


def test_a_log_that_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append(path, {})
    path.chmod(0o622)
    with pytest.raises(StateError, match="other accounts"):
        append(path, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_an_unwritable_directory_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StateError, match="cannot"):
            append(tmp_path / "records.jsonl", {})
    finally:
        tmp_path.chmod(0o700)


def test_a_state_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StateError):
        append(tmp_path / "state" / "records.jsonl", {})


def test_no_room_leaves_nothing_half_written(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stops the write in the middle, as a full disk would."""
    path = tmp_path / "records.jsonl"
    append(path, {})
    before = path.read_bytes()
    script = (
        "import sys; from pathlib import Path; from localai.records.log import append\n"
        "from localai.errors import StateError\n"
        "try: append(Path(sys.argv[1]), {'filler': 'x' * 500})\n"
        "except StateError as error: print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (len(before) + 100, len(before) + 100)
        ),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot write" in done.stdout
    assert path.read_bytes() == before
    assert append(path, {}) == 2


def test_every_line_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    assert list(read_lines(path)) == [] and read_last(path) is None
    for event in ("a", "b", "c"):
        append(path, {"event": event})
    assert [line["event"] for line in read_lines(path)] == ["a", "b", "c"]
    last = read_last(path)
    assert last and (last["number"], last["event"]) == (3, "c")


@pytest.mark.parametrize("number", [1, 2])
def test_a_line_that_was_changed_breaks_the_chain(tmp_path: Path, number: int) -> None:
    path = tmp_path / "records.jsonl"
    for _ in range(3):
        append(path, {"event": "check"})
    kept = lines(path)
    kept[number - 1] = kept[number - 1].replace(b"check", b"run")
    path.write_bytes(b"\n".join(kept) + b"\n")
    with pytest.raises(StateError, match=f"line {number + 1} of"):
        list(read_lines(path))


def test_a_log_that_somebody_holds_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped in the middle; one that ended holds nothing."""
    monkeypatch.setattr(log, "PATIENCE_S", 0.02)
    path = tmp_path / "records.jsonl"
    append(path, {})
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for act in (lambda: append(path, {}), lambda: read_last(path)):
            with pytest.raises(StateError, match="another process has held"):
                act()
    assert append(path, {}) == 2
