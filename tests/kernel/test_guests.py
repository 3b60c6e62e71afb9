"""``localai sandbox``: an officer's own attempts, each of which works without the sandbox."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localai.sandbox.limits import LIMITS, parse_limits
from localai.sandbox.spec import LAYERS

SIGSYS = 128 + 31
SEND = """
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.sendto(b"gone", ("127.0.0.1", int({port})))
"""
ATTEMPTS = {
    "read a file": "open({file!r}).read()",
    "list a directory": "__import__('os').listdir({directory!r})",
    "write a file": "open({directory!r} + '/new', 'w')",
    "start a process": "__import__('os').fork() or __import__('os')._exit(0)",
    "read the root": "__import__('os').listdir('/')",
}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LOCALAI_HOME": str(tmp_path / "home"), "COLUMNS": "200"}


@pytest.fixture
def sink() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


def run(
    home: dict[str, str], *arguments: str, code: int | None = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localai", "sandbox", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=home)
    assert code is None or done.returncode == code, done.stderr
    return done


def arrived(sink: socket.socket) -> bool:
    try:
        return bool(sink.recv(64))
    except BlockingIOError:
        return False


def attempt_all(tmp_path: Path) -> Path:
    """A script that tries everything and says what worked."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    tries = {name: text.format(file=str(secret), directory=str(tmp_path))
             for name, text in ATTEMPTS.items()}  # fmt: skip
    script = tmp_path / "attempts.py"
    script.write_text(
        f"for name, text in {tries!r}.items():\n"
        "    try:\n        eval(text)\n"
        "    except OSError as error:\n        print(name, type(error).__name__)\n"
        "    else:\n        print(name, 'worked')\n"
    )
    return script


def test_a_script_gets_nowhere(home: dict[str, str], tmp_path: Path) -> None:
    script = attempt_all(tmp_path)
    unconfined = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert unconfined.stdout.splitlines() == [f"{name} worked" for name in ATTEMPTS]
    (tmp_path / "new").unlink()
    said = run(home, "script", str(script)).stdout.splitlines()
    assert len(said) == len(ATTEMPTS)
    assert not [line for line in said if line.endswith("worked")]


def test_a_script_that_asks_for_a_socket_is_ended(
    home: dict[str, str], tmp_path: Path, sink: socket.socket
) -> None:
    script = tmp_path / "send.py"
    script.write_text(SEND.format(port=sink.getsockname()[1]) + "print('sent')\n")
    subprocess.run([sys.executable, script], check=True, capture_output=True)
    assert arrived(sink)
    done = run(home, "script", str(script), code=SIGSYS)
    assert not arrived(sink)
    assert done.stdout == ""
    assert "ended by SIGSYS: it tried a system call that ends a worker" in done.stderr


def test_a_scripts_end_and_its_words_are_passed_on(home: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "words.py"
    script.write_text("import sys\nprint('\\x1b]52;c;eA==\\x07 \\u00e9')\nsys.exit(5)\n", "utf-8")
    done = run(home, "script", str(script), code=5)
    assert done.stdout == "<U+001B>]52;c;eA==<U+0007> é\n"
    script.write_text("1 / 0\n")
    assert "ZeroDivisionError" in run(home, "script", str(script), code=1).stdout


def test_what_was_in_force_is_said_first(home: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "nothing.py"
    script.write_text("pass\n")
    said = run(home, "script", str(script)).stderr.splitlines()
    assert said[0] == "confined as a worker is around a model:"
    layers = {line.split()[0]: line.split()[1] for line in said[1:]}
    assert set(layers) >= {"seccomp", "landlock", "no-new-privs", "descriptors"}
    assert {state for name, state in layers.items() if name != "namespaces"} == {"in"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "expected 1 to"),
        (b"#" * (1 << 20) + b"\n", "expected 1 to"),
        (b"def", "is no Python"),
        (b"\0", "is no Python"),
    ],
    ids=["missing", "empty", "too-long", "broken", "binary"],
)
def test_a_script_that_is_none(
    home: dict[str, str], tmp_path: Path, content: bytes | None, said: str
) -> None:
    script = tmp_path / "script.py"
    if content is not None:
        script.write_bytes(content)
    done = run(home, "script", str(script), code=2)
    assert said in done.stderr
    assert "hint:" in done.stderr


def python(code: str) -> list[str]:
    return ["exec", "--", sys.executable, "-I", "-c", code]


def test_a_command_sends_nothing(home: dict[str, str], sink: socket.socket) -> None:
    code = SEND.format(port=sink.getsockname()[1])
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    assert arrived(sink)
    done = run(home, *python(code), code=1)
    assert not arrived(sink)
    assert "PermissionError" in done.stderr


def test_a_command_starts_nothing_else(home: dict[str, str]) -> None:
    done = run(home, "exec", "--", "sh", "-c", "cat /etc/passwd; exec cat /etc/passwd", code=None)
    assert done.stdout == ""
    assert done.returncode != 0
    unconfined = subprocess.run(["sh", "-c", "exec cat /etc/passwd"], capture_output=True)
    assert unconfined.returncode == 0
    assert unconfined.stdout


def test_a_command_writes_nothing(home: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "new"
    command = ["sh", "-c", f"echo x > {target}"]
    run(home, "exec", "--", *command, code=2)
    assert not target.exists()
    subprocess.run(command, check=True)
    assert target.exists()


def test_a_commands_words_and_end_are_its_own(home: dict[str, str]) -> None:
    done = run(home, "exec", "--", "sh", "-c", "echo hi; exit 7", code=7)
    assert done.stdout == "hi\n"
    assert done.stderr.startswith("confined as a worker is while it imports:\n")
    assert run(home, "exec", "--", "sh", "-c", "kill -9 $$", code=None).returncode != 0


def test_a_command_is_told_what_is_not_in_force(home: dict[str, str]) -> None:
    said = run(home, "exec", "--", "true").stderr.splitlines()[1:]
    assert [line.split()[0] for line in said] == list(LAYERS)
    table = {line.split()[0]: line for line in said if "namespaces" not in line}
    missing = {name for name, line in table.items() if " NOT in force only around a model" in line}
    # an ordinary user's worker keeps the account as well
    own = set() if os.geteuid() == 0 else {"account"}
    assert missing == {"capabilities", "account", "rlimits", "descriptors"} - own
    assert all(" in force " in line for line in table.values())
    # and it is so: nothing that the command keeps is denied
    limits = run(home, "exec", "--", "cat", "/proc/self/limits").stdout
    assert all(name in table["rlimits"] for name in LIMITS)
    assert parse_limits(limits.encode()) == parse_limits(Path("/proc/self/limits").read_bytes())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "localai", "sandbox", *python("print('gone')")]
        done = subprocess.run(command, stdout=theirs.fileno(), stderr=subprocess.PIPE, env=home)
        ours.setblocking(False)
        assert b"stdout is a socket" in done.stderr
        assert ours.recv(8) == b"gone\n", done.stderr


def test_a_command_may_change_what_a_file_is_called_by(
    home: dict[str, str], tmp_path: Path
) -> None:
    """As the help says. Around a model nothing of the kind is left."""
    changes = "import os\nos.fchmod(0, 0o640)\nos.utime(0, (1, 1))\n"
    script, file = tmp_path / "changes.py", tmp_path / "file"
    script.write_text(changes.replace("0,", f"{str(file)!r},", 1).replace("fchmod", "chmod"))
    file.touch(0o600)
    assert "Error" in run(home, "script", str(script), code=1).stdout
    assert file.stat().st_mode & 0o777 == 0o600
    command = [sys.executable, "-m", "localai", "sandbox", *python(changes)]
    with file.open() as own:
        subprocess.run(command, check=True, stdin=own, stderr=subprocess.PIPE, env=home)
    assert (file.stat().st_mode & 0o777, file.stat().st_mtime) == (0o640, 1)
    said = " ".join(run(home, "exec", "--help").stdout.split())
    assert "chmod, chown, utime, setxattr" in said
    assert "final confinement" in said


def test_a_command_has_no_descriptor_and_no_environment_of_ours(home: dict[str, str]) -> None:
    code = (
        "import os\n"
        "def is_open(n):\n"
        "    try:\n        os.fstat(n)\n    except OSError:\n        return False\n"
        "    return True\n"
        "print([*filter(is_open, range(3, 256))])\nprint(sorted(os.environ))\n"
    )
    said = run(home, *python(code)).stdout.splitlines()
    assert said[0] == "[]"
    assert "LOCALAI_HOME" not in said[1]


def test_a_command_that_does_not_exist(home: dict[str, str]) -> None:
    assert "there is no command" in run(home, "exec", "--", "no-such-command", code=2).stderr
