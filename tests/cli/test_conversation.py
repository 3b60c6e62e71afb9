"""Setup and approval as a person meets them: on a terminal, asked one thing after another."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from hashlib import sha256
from pathlib import Path

import pytest

PASSPHRASE = "four words nobody guesses"
PATIENCE = 60.0


def _take_terminal() -> None:
    """So that Ctrl-C is a signal, and is not ignored: a job in the background inherits that."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command on a terminal of its own, and a person who answers when asked."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        controller, terminal = pty.openpty()
        self._controller = controller
        self.seen = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "localai", *arguments],
            cwd=directory,
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
                "HOME": str(directory),
                "LOCALAI_HOME": str(directory / "home"),
                "LANG": "C.UTF-8",
                "TERM": "dumb",
            },
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(terminal)

    def answer(self, question: str, words: str) -> None:
        """Wait for ``question`` and type ``words``."""
        self.wait_for(question)
        os.write(self._controller, words.encode() + b"\n")

    def wait_for(self, question: str) -> None:
        end = time.monotonic() + PATIENCE
        while question not in self.seen:
            assert self._read(end - time.monotonic()), f"no {question!r} in:\n{self.seen}"
        self.seen = self.seen.partition(question)[2]

    def finish(self) -> tuple[int, str]:
        """Wait for the end: exit code and what was printed since the last question."""
        end = time.monotonic() + PATIENCE
        while self._read(end - time.monotonic()):
            pass
        os.close(self._controller)
        return self._process.wait(PATIENCE), self.seen

    def _read(self, patience: float) -> bool:
        if not select.select([self._controller], [], [], max(0.0, patience))[0]:
            self._process.kill()
            raise AssertionError(f"nothing more came after:\n{self.seen}")
        try:
            piece = os.read(self._controller, 4096)
        except OSError:  # EIO: the other side has been closed
            return False
        self.seen += piece.decode().replace("\r\n", "\n")
        return bool(piece)


@pytest.fixture(autouse=True)
def own_host() -> None:
    if Path("/etc/localai/policy.yaml").exists():
        pytest.skip("this host has an administrator's policy, which LOCALAI_HOME does not move")


def test_the_first_approval_sets_everything_up(tiny_model: Path) -> None:
    directory = tiny_model.parent
    terminal = Terminal(directory, "approve", "tiny.gguf")
    terminal.answer("label (development, sandbox, test) [sandbox]: ", "")
    terminal.answer("passphrase: ", PASSPHRASE)
    terminal.answer("again: ", PASSPHRASE)
    terminal.answer("where is it from (publisher/repository)", "example/tiny@1")
    terminal.answer("under which licence (SPDX)", "MIT")
    terminal.answer("(yes/no) [no]: ", "yes")
    terminal.answer("passphrase of", PASSPHRASE)
    code, printed = terminal.finish()
    assert code == 0, printed
    assert "approved for evaluation: localai run tiny.gguf" in printed
    assert PASSPHRASE not in printed
    manifest = (directory / "home/config/manifests/own.yaml").read_text()
    assert "revision: 1" in manifest and "self-approved: true" in manifest
    assert "ENCRYPTED" in (directory / "home/config/keys/own.pem").read_text()


def test_a_passphrase_that_went_wrong_is_asked_for_again(tiny_model: Path) -> None:
    terminal = Terminal(tiny_model.parent, "setup", "--label", "sandbox")
    terminal.answer("passphrase: ", "short")
    terminal.wait_for("5 characters; expected 12 or more")
    terminal.answer("passphrase: ", PASSPHRASE)
    terminal.answer("again: ", PASSPHRASE + "!")
    terminal.wait_for("the two passphrases differ")
    terminal.answer("passphrase: ", PASSPHRASE)
    terminal.answer("again: ", PASSPHRASE)
    code, printed = terminal.finish()
    assert code == 0, printed
    assert "ENCRYPTED" in (tiny_model.parent / "home/config/keys/own.pem").read_text()


def test_a_wrong_passphrase_leaves_the_manifest_as_it_was(tiny_model: Path) -> None:
    directory = tiny_model.parent
    terminal = Terminal(directory, "setup", "--label", "sandbox")
    terminal.answer("passphrase: ", PASSPHRASE)
    terminal.answer("again: ", PASSPHRASE)
    assert terminal.finish()[0] == 0
    manifest = directory / "home/config/manifests/own.yaml"
    before = manifest.read_bytes()
    told = ("--yes", "--source", "example/tiny", "--licence", "MIT")
    terminal = Terminal(directory, "approve", "tiny.gguf", *told)
    terminal.answer("passphrase of", "something else")
    code, printed = terminal.finish()
    assert code == 4 and "wrong passphrase" in printed, printed
    assert manifest.read_bytes() == before


def test_no_is_no(tiny_model: Path) -> None:
    directory = tiny_model.parent
    terminal = Terminal(directory, "setup", "--label", "sandbox", "--unencrypted-key")
    assert terminal.finish()[0] == 0
    terminal = Terminal(directory, "approve", "tiny.gguf", "--source", "a/b", "--licence", "MIT")
    terminal.answer("(yes/no) [no]: ", "")
    code, printed = terminal.finish()
    assert (code, "nothing was written" in printed) == (3, True)
    assert "tiny" not in (directory / "home/config/manifests/own.yaml").read_text()


def test_interrupted_is_130(tiny_model: Path) -> None:
    terminal = Terminal(tiny_model.parent, "setup", "--label", "sandbox")
    terminal.answer("passphrase: ", "\x03")
    code, printed = terminal.finish()
    assert (code, "interrupted" in printed) == (130, True), printed
    assert not (tiny_model.parent / "home/config/keys").exists()


def propose(directory: Path, *said: str) -> Path:
    """A proposal by somebody else, and a manifest to put it into."""
    for words in (("setup", "--label", "sandbox", "--unencrypted-key"), ("manifest", "propose",
                  "tiny.gguf", *said)):  # fmt: skip
        terminal = Terminal(directory, *words)
        assert terminal.finish()[0] == 0
    proposal = directory / "tiny.proposal.json"
    told = json.loads(proposal.read_text())
    proposal.write_text(json.dumps({**told, "proposed-by": "somebody else"}))
    return directory / "home/config/manifests/own.yaml"


def test_a_review_asks_what_is_unknown_and_then_whether(tiny_model: Path) -> None:
    manifest = propose(tiny_model.parent)
    terminal = Terminal(tiny_model.parent, "manifest", "review", "tiny.proposal.json")
    terminal.answer("where is it from (publisher/repository): ", "example/tiny@1")
    terminal.answer("approve it for evaluation, with public data, until ", "yes")
    code, printed = terminal.finish()
    assert code == 0, printed
    assert "now allowed:" in printed and "localai manifest sign" in printed
    written = manifest.read_text()
    assert "revision: 1" in written and "self-approved" not in written


def test_a_review_that_ends_with_no_writes_nothing(tiny_model: Path) -> None:
    manifest = propose(tiny_model.parent, "--source", "example/tiny")
    before = manifest.read_bytes()
    terminal = Terminal(tiny_model.parent, "manifest", "review", "tiny.proposal.json")
    terminal.answer("(yes/no) [no]: ", "")
    code, printed = terminal.finish()
    assert (code, "nothing was written" in printed) == (3, True)
    assert manifest.read_bytes() == before


def test_a_review_does_not_ask_over_what_refuses(tiny_model: Path) -> None:
    propose(tiny_model.parent, "--source", "example/tiny")
    rules = "schema: localai.policy/1\nname: mine\nlicences: [MIT]\n"
    (tiny_model.parent / "home/config/policy.yaml").write_text(rules)
    code, printed = Terminal(tiny_model.parent, "manifest", "review", "tiny.proposal.json").finish()
    assert (code, "(yes/no)" in printed, "not allowed" in printed) == (3, False, True)


def test_an_answer_is_judged_as_an_option_is(tiny_model: Path) -> None:
    manifest = propose(tiny_model.parent)
    before = manifest.read_bytes()
    rules = """schema: localai.policy/1\nname: mine
restricted-technologies: {source: Office, as-of: 2026-01-01, names: [Forbidden Labs]}\n"""
    (tiny_model.parent / "home/config/policy.yaml").write_text(rules)
    terminal = Terminal(tiny_model.parent, "manifest", "review", "tiny.proposal.json")
    terminal.answer("where is it from (publisher/repository): ", "forbidden-labs/tiny@1")
    code, printed = terminal.finish()
    assert (code, "Forbidden Labs" in printed, "(yes/no)" in printed) == (3, True, False)
    assert manifest.read_bytes() == before


def test_what_is_revoked_is_told_before_anything_is_asked(tiny_model: Path) -> None:
    propose(tiny_model.parent)
    digest = sha256(tiny_model.read_bytes()).hexdigest()
    revoke = ("trust", "revoke", "--sha256", digest, "--reason", "it leaks", "--key", "own")
    assert Terminal(tiny_model.parent, *revoke).finish()[0] == 0
    terminal = Terminal(tiny_model.parent, "manifest", "review", "tiny.proposal.json")
    code, printed = terminal.finish()
    assert (code, "it leaks" in printed, "where is it from" in printed) == (3, True, False)


def test_a_review_of_an_entry_leads_to_its_renewal(tiny_model: Path) -> None:
    directory = tiny_model.parent
    setup = Terminal(directory, "setup", "--label", "sandbox", "--unencrypted-key")
    assert setup.finish()[0] == 0
    told = ("--yes", "--source", "example/tiny@1", "--licence", "MIT")
    assert Terminal(directory, "approve", "tiny.gguf", *told).finish()[0] == 0
    terminal = Terminal(directory, "manifest", "review", "tiny", "--by", "Office")
    terminal.answer("approve it again for evaluation, with public data, until ", "yes")
    code, printed = terminal.finish()
    assert code == 0, printed
    assert "approval by: " in printed and "-> Office" in printed


def test_what_was_changed_after_it_was_shown_is_not_renewed(tiny_model: Path) -> None:
    directory = tiny_model.parent
    setup = Terminal(directory, "setup", "--label", "sandbox", "--unencrypted-key")
    assert setup.finish()[0] == 0
    told = ("--yes", "--source", "example/tiny@1", "--licence", "MIT")
    assert Terminal(directory, "approve", "tiny.gguf", *told).finish()[0] == 0
    terminal = Terminal(directory, "manifest", "review", "tiny", "--by", "Office")
    terminal.wait_for("approve it again for evaluation, with public data, until ")
    manifest = directory / "home/config/manifests/own.yaml"
    changed = manifest.read_text().replace("[public]", "[public, secret]")
    manifest.write_text(changed)
    terminal.answer("?", "yes")
    code, printed = terminal.finish()
    assert code == 2, printed
    assert "tiny was changed after it was shown" in printed
    assert manifest.read_text() == changed
