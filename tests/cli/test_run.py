"""``localai run`` as a person meets it: real models, the real sandbox, a real terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from home import INTERRUPTED, LOCALAI, Home

import gguf_maker as maker
from localai.cli.console import DISCLOSURE
from localai.sandbox.spec import find_gpu_devices


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Home:
    place = tmp_path_factory.mktemp("tiny")
    model = place / "tiny.gguf"
    model.write_bytes(maker.make_model())
    return Home(place, model)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, demo_model: Path) -> Home:
    return Home(tmp_path_factory.mktemp("demo"), demo_model)


GREEDY = ("--temperature", "0", "-n", "16")


@pytest.mark.parametrize("way", ["argument", "option", "stdin", "dash"])
def test_one_answer(demo: Home, way: str) -> None:
    given = {"argument": ("hi",), "option": ("-p", "hi"), "stdin": (), "dash": ("-",)}[way]
    piped = {"input": b"hi\n"} if way in ("stdin", "dash") else {}
    ran = demo.run(*given, *GREEDY, **piped)
    assert ran.returncode == 0
    assert ran.stdout.decode().startswith("Hello")
    assert ran.stdout.endswith(b"\n")
    said = ran.stderr.decode()
    assert DISCLOSURE in said
    assert re.search(r"egress +0 of \d+ got out", said)
    assert "weights" in said


def test_an_answer_as_json(demo: Home) -> None:
    ran = demo.run("hi", "--json", "--seed", "7", "-n", "5", "--system", "Be brief.")
    document = json.loads(ran.stdout)
    record = demo.records()[-1]
    assert document["schema"] == "localai.answer/1"
    assert document["disclosure"] == DISCLOSURE
    assert document["record"] == record["number"]
    (digest,) = document["model"]["digests"]
    assert digest.startswith("tree-sha256:")
    assert digest in json.dumps(record)
    assert document["sampling"]["seed"] == 7
    assert document["tokens"]["generated"] <= 5
    assert document["stop"] in ("stop", "length")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["date"])
    assert document["text"]
    assert document["text"] not in json.dumps(record)
    again = json.loads(
        demo.run("hi", "--json", "--seed", "7", "-n", "5", "--system", "Be brief.").stdout
    )
    assert again["text"] == document["text"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_answer_in_a_file(demo: Home, form: str, tmp_path: Path) -> None:
    out = tmp_path / "answer"
    ran = demo.run("hi", *GREEDY, "--out", str(out), *(["--json"] if form == "json" else []))
    assert (ran.returncode, ran.stdout) == (0, b"")
    text = out.read_text()
    record = str(demo.records()[-1]["number"])
    assert DISCLOSURE in text
    assert "Hello" in text
    if form == "json":
        assert json.loads(text)["record"] == int(record)
    else:
        assert re.search(rf"^record: {record}$", text, re.MULTILINE)
        assert re.search(r"^digest: tree-sha256:[0-9a-f]{64}$", text, re.MULTILINE)
        assert re.search(r"^date:   \d{4}-", text, re.MULTILINE)
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_that_is_there_stays_and_nothing_starts(tiny: Home, tmp_path: Path) -> None:
    out = tmp_path / "answer"
    out.write_text("precious")
    before = len(tiny.records())
    ran = tiny.run("hi", "--out", str(out))
    assert ran.returncode == 2
    assert b"exists already" in ran.stderr
    assert out.read_text() == "precious"
    assert len(tiny.records()) == before


def test_a_refusal_leaves_no_file(tiny: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(maker.make_model(seed=2))
    ran = tiny.call("run", str(other), "hi", "--out", str(tmp_path / "answer"))
    assert ran.returncode == 3
    assert ran.stdout == b""
    assert b"localai approve" in ran.stderr
    assert not (tmp_path / "answer").exists()
    assert tiny.records()[-1]["decision"] == "refuse"


USAGE = {
    "two prompts": (("hi", "-p", "ho"), None, "two prompts"),
    "empty argument": ((" ",), None, "the prompt is empty"),
    "empty stdin": ((), b" \n", "the prompt is empty"),
    "not UTF-8": ((), b"caf\xe9", "not UTF-8 text (byte 3)"),
    "temperature": (("hi", "--temperature", "nan"), None, "--temperature nan"),
    "top-p": (("hi", "--top-p", "0"), None, "--top-p 0"),
    "gpu": (("hi", "--gpu", "some"), None, "--gpu some"),
    "tokens": (("hi", "-n", "-1"), None, "--max-tokens"),
    "out nowhere": (("hi", "--out", "/nonexistent/x"), None, "/nonexistent"),
    "internal data on the command line": (
        ("hi", "--data-class", "internal"),
        None,
        "ps and the shell's history show it",
    ),
    "internal system message on the command line": (
        ("--system", "x", "--data-class", "internal"),
        b"hi",
        "(--system)",
    ),
}


@pytest.mark.parametrize("mistake", USAGE)
def test_mistakes_start_nothing(tiny: Home, mistake: str) -> None:
    arguments, piped, message = USAGE[mistake]
    before = len(tiny.records())
    ran = tiny.run(*arguments, **({} if piped is None else {"input": piped}))
    said = ran.stderr.decode()
    assert ran.returncode == 2, said
    assert message in said
    assert "hint:" in said
    assert "Traceback" not in said
    assert len(tiny.records()) == before


@pytest.mark.skipif(bool(find_gpu_devices()), reason="there is a GPU here, which would be used")
def test_layers_for_a_gpu_that_is_not_there(tiny: Home) -> None:
    """Asked for in so many words, they are not left on the processor in silence."""
    ran = tiny.run("hi", "--gpu", "3")
    assert (ran.returncode, ran.stdout) == (4, b"")
    assert b"--gpu 3: there is no GPU" in ran.stderr
    assert b"hint: --gpu auto" in ran.stderr


def test_a_closed_stdin(tiny: Home) -> None:
    command = " ".join([*LOCALAI, "run", str(tiny.model)])
    ran = subprocess.run(
        ["sh", "-c", f"{command} <&-"], env=tiny.environ, capture_output=True, check=False
    )
    assert ran.returncode == 2, ran.stderr.decode()
    assert b"error:" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_internal_data_on_stdin_is_the_gates_to_judge(tiny: Home) -> None:
    ran = tiny.run("--data-class", "internal", input=b"hi")
    assert ran.returncode == 3
    assert b"internal data; approved: public" in ran.stderr


def test_what_the_model_says_is_made_safe(tiny: Home) -> None:
    """Random weights say random bytes, control characters among them."""
    shown = b"".join(
        tiny.run("hi", "-n", "200", "--temperature", "5", "--seed", str(seed)).stdout
        for seed in range(3)
    ).decode()
    assert "<U+00" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


def test_a_locale_without_unicode(tiny: Home) -> None:
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = tiny.run("hi", "-n", "200", "--temperature", "5", "--seed", "1", environ=environ)
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout.isascii()
    assert rb"\u" in ran.stdout


def test_a_full_disk(tiny: Home) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = tiny.run("hi", stdout=full)
    assert ran.returncode == 4
    assert b"error: cannot write" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_nobody_reads_stdout(demo: Home) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        ran = demo.run("hi", *GREEDY, stdout=write)
    finally:
        os.close(write)
    assert ran.returncode == 4
    assert b"error: whatever read" in ran.stderr
    assert b"Traceback" not in ran.stderr


@pytest.fixture
def long_answer(demo: Home, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A long answer under way: its process, and where the result would go."""
    out = tmp_path / "answer"
    # The prompt alone takes seconds. How long the model then goes on differs by processor: the
    # last bit of a sum may decide whether it ends at once.
    wanted = ("Tell me a long story. " * 300, *GREEDY, "--out", str(out))
    process = subprocess.Popen(
        [*LOCALAI, "run", str(demo.model), *wanted],
        env=demo.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    while DISCLOSURE.encode() not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)  # into the answer
    yield process, out
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_ctrl_c_leaves_no_file(long_answer: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, out = long_answer
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode in INTERRUPTED
    assert b"interrupted" in said
    assert list(out.parent.iterdir()) == []


def test_a_worker_that_dies_leaves_no_file_and_a_record(
    long_answer: tuple[subprocess.Popen[bytes], Path], demo: Home
) -> None:
    process, out = long_answer
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(
        1000
    ):  # while a sibling ends the list may be cut short (proc_pid_task_children(5))
        if children := listed.read_text().split():
            break
        time.sleep(0.005)
    assert children
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 4
    assert b"error: the worker " in said
    assert b"SIGKILL" in said
    assert b"Traceback" not in said
    assert list(out.parent.iterdir()) == []


@pytest.fixture
def terminal(demo: Home) -> Iterator[Callable[..., pexpect.spawn[str]]]:
    """A chat on a terminal of its own."""
    opened: list[pexpect.spawn[str]] = []

    def open_chat(*arguments: str, columns: int = 100) -> pexpect.spawn[str]:
        environ = {**demo.environ, "COLUMNS": str(columns)}
        child = pexpect.spawn(
            LOCALAI[0],
            [*LOCALAI[1:], "run", str(demo.model), *arguments],
            env=environ,
            cwd=str(demo.place),
            encoding="utf-8",
            timeout=30,
            dimensions=(24, columns),
            echo=False,
        )
        opened.append(child)
        return child

    yield open_chat
    for child in opened:
        child.close(force=True)


def test_a_chat(terminal: Callable[..., pexpect.spawn[str]], demo: Home, tmp_path: Path) -> None:
    chat = terminal("--temperature", "0", "-n", "0")
    chat.expect("AI-generated text")
    chat.expect("> ")
    chat.sendline("Write a story")
    chat.expect("[A-Z]")
    time.sleep(0.2)
    chat.sendintr()
    chat.expect(r"\(interrupted\)")
    chat.expect("> ")
    chat.sendintr()  # on the empty prompt: stays
    chat.sendline("/reset")
    chat.expect("forgotten")
    chat.sendline("/stats")
    chat.expect("answer +none yet")
    chat.sendline("hi")
    chat.expect("Hello")
    chat.expect("> ")
    chat.sendline("/stats")
    chat.expect(r"answer +\d+ tokens, \d+\.\d a second")
    chat.expect(r"context +\d+ of 4096")
    chat.sendline("/nonsense")
    chat.expect("there is no /nonsense")
    chat.sendline("/help")
    chat.expect("/save FILE")
    chat.sendline("/system Answer in capitals.")
    chat.expect("from the next answer on")
    chat.sendline("/system")
    chat.expect("Answer in capitals.")
    saved = tmp_path / "talk.txt"
    chat.sendline(f"/save {saved}")
    chat.expect("written to")
    chat.sendline(f"/save {saved}")
    chat.expect("exists already")
    chat.expect("> ")
    chat.sendeof()
    chat.expect(pexpect.EOF)
    chat.wait()
    assert chat.exitstatus == 0
    text = saved.read_text()
    assert text.startswith(DISCLOSURE)
    assert "[user]\nhi\n" in text
    assert "[assistant]\nHello" in text
    assert re.search(r"^digest: tree-sha256:", text, re.MULTILINE)
    kept = [path.name for path in demo.place.iterdir()]
    assert not [name for name in kept if "history" in name]


def test_lines_can_be_edited_and_had_again(terminal: Callable[..., pexpect.spawn[str]]) -> None:
    chat = terminal("-n", "1")
    chat.expect("> ")
    chat.send("/sats\x1b[D\x1b[D\x1b[Dt\n")  # three to the left, and the letter that is missing
    chat.expect("answer +none yet")
    chat.send("\x1b[A\n")  # the line before, once more
    chat.expect("answer +none yet")
    chat.sendline("/exit")
    chat.expect(pexpect.EOF)


def test_a_terminal_of_twenty_columns(terminal: Callable[..., pexpect.spawn[str]]) -> None:
    chat = terminal("-n", "4", "--temperature", "0", columns=20)
    for said in ("/help", "hi", "/stats", "/exit"):
        chat.expect("> ")
        lines = re.split(r"[\r\n]+", str(chat.before))
        assert [line for line in lines if len(line) > 20 and "cut off" not in line] == []
        chat.sendline(said)
    chat.expect(pexpect.EOF)


def test_a_chat_has_no_file_to_answer_into(terminal: Callable[..., pexpect.spawn[str]]) -> None:
    chat = terminal("--json")
    chat.expect("are for one answer")
    chat.expect(pexpect.EOF)
    chat.wait()
    assert chat.exitstatus == 2
