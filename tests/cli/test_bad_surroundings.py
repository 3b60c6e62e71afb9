"""A host on which localai cannot work: no space, no memory, no right to write.

Each gets one message with its remedy and its exit code, and nothing half-done is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from home import STARTS, TERMS, Home, in_full_file_system, start, wait_for_processes

from localai.sandbox import kernel

pytestmark = pytest.mark.usefixtures("subreaper")


def shell(script: str, *arguments: str) -> list[str]:
    """A command that runs another one after ``script``."""
    return ["bash", "-c", f'{script} && exec "$@"', "bash", *arguments]


def lock(directory: Path) -> None:
    (directory / "records.jsonl").unlink()
    directory.chmod(0o500)


def put_file(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.touch()


def put_directory(directory: Path) -> None:
    (directory / "records.jsonl").unlink()
    (directory / "records.jsonl").mkdir()


def put_link(directory: Path) -> None:
    (directory / "records.jsonl").unlink()
    (directory / "records.jsonl").symlink_to("elsewhere")


STATES = {
    "read-only": (lock, "Permission denied", "make it writable"),
    "a file in its place": (put_file, "cannot make the directory", "make it writable"),
    "a directory for the records": (put_directory, "Is a directory", "make it writable"),
    "a link for the records": (put_link, "symbolic links", "make it writable"),
}


@pytest.mark.parametrize("command", STARTS)
@pytest.mark.parametrize("flaw", STATES)
def test_a_state_that_cannot_be_written(moved: Home, flaw: str, command: str) -> None:
    """What cannot be recorded is not started."""
    spoil, problem, remedy = STATES[flaw]
    if spoil is lock and os.getuid() == 0:
        pytest.skip("root writes everywhere")
    state = moved.directory / "state"
    spoil(state)
    before = moved.files()
    try:
        ran = moved.call(*start(moved, command))
        assert moved.files() == before
    finally:
        state.chmod(0o700)
    assert ran.returncode == 4
    assert ran.stdout == b""
    assert problem in ran.stderr.decode()
    assert remedy in ran.stderr.decode()
    assert wait_for_processes() == []


@pytest.mark.parametrize("command", STARTS)
def test_no_space_for_the_state(moved: Home, command: str) -> None:
    full = in_full_file_system(moved.directory / "state")
    ran = moved.call(*start(moved, command), wrap=full)
    assert ran.returncode == 4
    assert b"No space left on device" in ran.stderr
    assert b"hint: " in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert ran.stdout == b"filler\n"
    assert wait_for_processes() == []


def test_no_space_for_an_answer(moved: Home) -> None:
    place = moved.place / "out"
    place.mkdir()
    full = in_full_file_system(place)
    ran = moved.run("hi", "-n", "9", "--out", str(place / "answer"), wrap=full)
    assert ran.returncode == 4
    assert b"No space left on device" in ran.stderr
    assert b"free some space" in ran.stderr
    assert ran.stdout == b"filler\n"


def test_no_space_for_a_manifest(moved: Home) -> None:
    """Neither half a manifest nor one without its signatures."""
    config = moved.directory / "config"
    kept = moved.place / "kept"
    shutil.copytree(config, kept)
    fill = in_full_file_system(config, "1m")
    fill[-2] = fill[-2].replace("dd if", f'cp -r "{kept}/." "{config}"; dd if')
    fill[-2] = fill[-2].replace('ls -A "', f'diff -r -x filler "{kept}" "')
    ran = moved.call("approve", str(moved.model), *TERMS, wrap=fill)
    assert ran.returncode == 4, ran.stderr.decode()
    assert b"No space left on device" in ran.stderr
    assert ran.stdout == b""


@pytest.mark.parametrize("command", STARTS)
def test_a_limit_on_file_sizes(moved: Home, command: str) -> None:
    """It stops a copy into memory as well: seen before anything is copied."""
    (moved.directory / "state/records.jsonl").unlink()
    (record,) = moved.refuses(
        *start(moved, command), wrap=shell("ulimit -f 100"), code=3,
        problem="180 KiB needed, 100 KiB free (RLIMIT_FSIZE)", remedy="ulimit -f unlimited",
    )  # fmt: skip
    assert not record["artifact"]["sealed"]


@pytest.mark.parametrize("command", STARTS)
def test_a_limit_that_the_model_fits_into(moved: Home, command: str) -> None:
    """No probe and no control needs a larger file."""
    ran = moved.call(*start(moved, command), wrap=shell("ulimit -f 4000"))
    assert ran.returncode == 0, ran.stderr.decode()


@pytest.mark.parametrize("limit", ["-n 32", "-u 1"])
def test_a_limit_on_files_and_processes(moved: Home, limit: str) -> None:
    if limit.startswith("-u") and os.getuid() == 0:
        pytest.skip("root may start any number of processes")
    refused = moved.refuses(
        *start(moved, "run"), wrap=shell(f"ulimit {limit}"), code=4,
        problem="no worker can be started", remedy="ulimit -a",
    )  # fmt: skip
    assert refused == []


@pytest.fixture
def memory_group() -> Iterator[tuple[str, int]]:
    """A control group of 200 MiB: what moves a shell into it, and its size."""
    size = 200 << 20
    name = f"localai-test-{os.getpid()}"
    for top, limit in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup") / top / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(size))
            yield f'echo $$ > "{group}/cgroup.procs"', size
            return
        except OSError:  # no memory controller here
            continue
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
    pytest.skip("no memory control group can be made here: too little memory was not tested")


@pytest.mark.parametrize("command", STARTS)
def test_a_limit_on_memory(moved: Home, command: str, memory_group: tuple[str, int]) -> None:
    script, _ = memory_group
    (record,) = moved.refuses(
        *start(moved, command), wrap=shell(script), code=3,
        problem="not enough memory", remedy="free some memory, take a smaller model",
    )  # fmt: skip
    (finding,) = [one for one in record["findings"] if one["check"] == "resources"]
    needed, free = re.findall(r"(\d+) MiB", finding["evidence"])
    assert int(free) <= 200 < int(needed)
    assert "cgroup" in finding["evidence"]
    assert not record["artifact"]["sealed"]


def test_the_subreaper_sees_what_is_left() -> None:
    """The judge itself: a process that stays is noticed."""
    script = "sleep 60 >/dev/null & echo $!"
    ran = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True)
    left = wait_for_processes(0.2)
    assert [line.split()[1] for line in left] == ["sleep"]
    os.kill(int(ran.stdout), 9)
    assert wait_for_processes() == []
    assert kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1) == 0
