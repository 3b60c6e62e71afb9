"""Files that no hub sends in one answer, and a line that breaks off all the time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from errands import CONTENT, Fetch

import hub as hubs
from localai.errors import HubError
from localai.fetch.courier import Courier, make_environment
from localai.fetch.errand import Errand, Piece
from localai.fetch.listing import LARGEST_ANSWER
from localai.store.held import Held

# The same process, changed.
CHANGED = """
import runpy, sys, time
from huggingface_hub import constants
from localai.fetch import library
{change}
runpy.run_module("localai.fetch", run_name="__main__")
"""

LIMITED = "constants.MAX_HTTP_DOWNLOAD_SIZE = 100_000"
SMALL = f"{LIMITED}; library.LARGEST_ANSWER = 100_000"
HASTY = "time.sleep = lambda _: None"


def courier_with(change: str) -> Courier:
    command = (sys.executable, "-I", "-B", "-c", CHANGED.format(change=change))
    return Courier(make_environment({}), lambda *_: None, command=command)


def ranges(served: hubs.Hub) -> list[str]:
    return [one.headers["range"] for one in served.seen if "range" in one.headers]


def test_a_large_file_comes_in_ranges(fetch: Fetch, served: hubs.Hub) -> None:
    held = fetch(courier=courier_with(SMALL))
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    assert ranges(served) == [
        "bytes=0-99999", "bytes=100000-199999", "bytes=200000-299999", "bytes=300000-"
    ]  # fmt: skip


def test_the_library_would_not_bring_it_at_once(fetch: Fetch, served: hubs.Hub) -> None:
    with pytest.raises(HubError, match="too large"):
        fetch(courier=courier_with(LIMITED))


def test_a_break_within_a_range(fetch: Fetch, served: hubs.Hub) -> None:
    served.faults |= {"cut": 1, "cut at": 70_000}
    held = fetch(courier=courier_with(SMALL))
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    assert ranges(served)[:3] == ["bytes=0-99999", "bytes=65536-99999", "bytes=100000-199999"]


def test_a_hub_that_knows_no_ranges(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    """Whatever it sends in their place, nothing of it is taken for something else."""
    served.faults["no ranges"] = True
    found = fetch(courier=courier_with(SMALL))
    assert not isinstance(found, Held) and "wrong length" in found
    assert not [*store.rglob("*.part")]


class Hollow:
    """Zeros that nobody has in memory, and an end."""

    def __init__(self, size: int, end: bytes) -> None:
        self._size, self._end = size, end

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, asked: slice) -> bytes:
        """The last bytes; of what comes before them, not all that was asked for."""
        assert asked.stop == self._size or asked.start == 0
        return self._end[asked.start - self._size :] if asked.start else b"nothing"


@pytest.mark.parametrize("there", [0, 2 * LARGEST_ANSWER])
def test_as_large_as_they_are(served: hubs.Hub, tmp_path: Path, there: int) -> None:
    """The first range of more than a hundred gigabytes, and the last: all before is a hole."""
    end = b"the end" * 100
    size, part = 2 * LARGEST_ANSWER + len(end), tmp_path / "part"
    served.files["tiny.gguf"] = Hollow(size, end)  # type: ignore[assignment]
    served.faults |= {"etag": {"tiny.gguf": "a" * 64}, "cut": 0 if there else -1}
    with part.open("wb") as file:
        file.truncate(there)
    piece = Piece("tiny.gguf", size, "a" * 64, str(part))
    errand = Errand(served.url, (served.url,), hubs.REPOSITORY, False, hubs.REVISION,
                    pieces=(piece,), pauses_s=())  # fmt: skip
    said = courier_with(HASTY).run(errand)
    if there:
        assert said == {"brought": "1"}
        assert ranges(served) == [f"bytes={2 * LARGEST_ANSWER}-"]
        with part.open("rb") as file:
            file.seek(there)
            assert file.read() == end
    else:
        assert {*ranges(served)} == {f"bytes=0-{LARGEST_ANSWER - 1}"}


def test_a_line_that_breaks_off_all_the_time(fetch: Fetch, served: hubs.Hub) -> None:
    """The library calls itself after each break: some day that is too deep."""
    served.faults |= {"cut": 580, "cut at": 600}
    change = f"library._CHUNK = 512; {HASTY}; sys.setrecursionlimit(400)"
    told: list[str] = []
    courier = courier_with(change)._replace(tell=lambda _, why: told.append(why))
    held = fetch(courier=courier)
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    assert "the line breaks off too often" in told
