"""A host on which localai cannot work: no space, no memory, no streams, other locales.

Each gets one message with its remedy and its exit code, and nothing half-done is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from home import LOCALAI, TERMS, Home, wait_for_processes

from localai.sandbox import kernel

pytestmark = pytest.mark.usefixtures("subreaper")

STARTS = ("run", "check")
SHORT = ("hi", "-n", "4", "--temperature", "0")


@pytest.fixture
def moved(home: Home, tmp_path: Path) -> Home:
    """A home of its own for every test."""
    moved = home.copy(tmp_path)
    moved.call("check", str(moved.model), check=True)
    return moved


def start(home: Home, command: str) -> list[str]:
    return [command, str(home.model), *(SHORT if command == "run" else ())]


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


def in_full_file_system(directory: Path, size: str = "64k") -> list[str]:
    """A command that runs another one where ``directory`` is a full file system, which only it
    sees; what lies in there at the end is listed on stdout."""
    uid, gid = os.getuid(), os.getgid()
    again = "" if uid == 0 else f"unshare -U --map-user={uid} --map-group={gid} "
    script = (
        f'mount -t tmpfs -o size={size},mode=777 full "{directory}" || exit 99; '
        f'dd if=/dev/zero of="{directory}/filler" bs=1k 2>/dev/null; '
        f'{again}"$@"; code=$?; ls -A "{directory}"; exit $code'
    )
    unshare = ["unshare", "-m"] if uid == 0 else ["unshare", "-Urm"]
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount namespace can be had here: the full disk was not tested")
    return [*unshare, "sh", "-c", script, "sh"]


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


CLOSED: dict[str, tuple[str, int]] = {
    "stdin": ("<&-", 0),
    "stdout": (">&-", 4),
    "stderr": ("2>&-", 0),
    "stdin and stdout": ("<&- >&-", 4),
    "stdin and stderr": ("<&- 2>&-", 0),
    "all": ("<&- >&- 2>&-", 4),
}


@pytest.mark.parametrize("streams", CLOSED)
@pytest.mark.parametrize("command", ["run", "check", "approve", "verify"])
def test_closed_streams(moved: Home, command: str, streams: str) -> None:
    """What has nowhere to go is not begun; no file of ours takes the place of a stream."""
    closing, code = CLOSED[streams]
    arguments = {"run": SHORT, "approve": TERMS}.get(command, ())
    known, before = moved.records(), moved.files()
    ran = moved.call(
        command, str(moved.model), *arguments, wrap=["sh", "-c", f'exec "$@" {closing}', "sh"]
    )
    assert ran.returncode == code, ran.stderr.decode()
    assert b"Traceback" not in ran.stderr
    records = moved.records()  # every line of it is whole
    started = command in STARTS and code == 0
    assert len(records) - len(known) == started
    if code:
        assert moved.files() == before
        assert ran.stdout == b""
        assert ran.stderr == (b"" if "2>" in closing else
                              b"error: stdout is closed\n"
                              b"hint: give this command somewhere to write to\n")  # fmt: skip
    assert wait_for_processes() == []


def test_what_is_opened_later_takes_no_streams_place() -> None:
    """A message of the C library would go into whatever is descriptor 2."""
    script = (
        "import os\n"
        "from localai.__main__ import main\n"
        "main(['--version'])\n"
        "print(*(os.readlink(f'/proc/self/fd/{fd}') for fd in (0, 2)))\n"
    )
    wrap = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh"]
    ran = subprocess.run([*wrap, LOCALAI[0], "-c", script], capture_output=True, check=True)
    assert ran.stdout.splitlines()[-1] == b"/dev/null /dev/null"


@pytest.mark.parametrize("arguments", [("check", "--json"), ("check",), ("verify",)])
def test_a_reader_that_goes_away(moved: Home, arguments: Sequence[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command, *options = arguments
        ran = moved.call(command, str(moved.model), *options, stdout=write)
    finally:
        os.close(write)
    assert ran.returncode == 4
    assert b"error: whatever read this program's output has gone away" in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert wait_for_processes() == []


LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_without_unicode(moved: Home, locale: str) -> None:
    """Everything is printed, in ASCII, and names and prompts are what their bytes say in UTF-8."""
    model = moved.place / "modèle.gguf"
    shutil.copy(moved.model, model)
    environ = LOCALES[locale]
    approved = moved.call("approve", str(model), *TERMS, environ=environ, check=True)
    assert approved.stderr.isascii()
    assert "modèle.gguf" in (moved.directory / "config/manifests/own.yaml").read_text("utf-8")
    checked = moved.call("check", str(model), environ=environ, check=True)
    assert b"tree " in checked.stdout
    assert checked.stdout.isascii()
    assert b"renamed" not in checked.stdout
    asked = ("run", str(model), "à quoi bon ?", *SHORT[1:])
    plain = moved.call(*asked, "--json", environ=environ, check=True).stdout
    usual = moved.call(*asked, "--json", check=True).stdout
    assert plain.isascii()
    assert plain[plain.index(b'"text"') : plain.index(b'"stop"')] in usual


@pytest.mark.parametrize("asked", ["prompt", "--system"])
def test_a_prompt_that_is_no_text(moved: Home, asked: str) -> None:
    words = os.fsdecode(b"caf\xe9")
    given = (words,) if asked == "prompt" else ("hi", "--system", words)
    refused = moved.refuses(
        "run", str(moved.model), *given, code=2,
        problem="is not UTF-8 text", remedy="localai run MODEL < prompt.txt",
    )  # fmt: skip
    assert refused == []


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_nothing_is_said_by_colour(moved: Home, environ: dict[str, str]) -> None:
    coloured = {"CLICOLOR_FORCE": "1", "FORCE_COLOR": "1"}
    for command in STARTS:
        ran = moved.call(*start(moved, command), environ=environ, check=True)
        forced = moved.call(*start(moved, command), environ=coloured, check=True)
        for stream in (ran.stdout, ran.stderr, forced.stdout, forced.stderr):
            assert b"\x1b" not in stream


@pytest.mark.parametrize("command", ["run", "check", "approve", "verify"])
def test_twenty_columns(moved: Home, command: str) -> None:
    """Nothing but a path or a digest is longer than the line, in an answer or in a refusal."""
    other = moved.place / "other.gguf"
    other.write_bytes(moved.model.read_bytes()[:-1] + b"\x01")
    for model in (moved.model, other):
        arguments = {"run": SHORT, "approve": ("--source", "a/b", "--licence", "MIT", "--yes")}
        ran = moved.call(
            command, str(model), *arguments.get(command, ()), environ={"COLUMNS": "20"}
        )
        assert ran.returncode in (0, 3)
        if command in ("approve", "verify"):
            continue  # one line a file, for programs to read
        screen = (ran.stderr if command == "run" else ran.stdout).decode()
        lines = screen.split("AI-generated")[0].splitlines()
        assert [line for line in lines if len(line) > 20 and " " in line.strip()] == []


def test_the_subreaper_sees_what_is_left() -> None:
    """The judge itself: a process that stays is noticed."""
    script = "sleep 60 >/dev/null & echo $!"
    ran = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True)
    left = wait_for_processes(0.2)
    assert [line.split()[1] for line in left] == ["sleep"]
    os.kill(int(ran.stdout), 9)
    assert wait_for_processes() == []
    assert kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1) == 0
