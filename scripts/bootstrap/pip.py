"""Run the virtual environment's pip, and say what can be said when it fails.

pip's own settings (index, proxy, certificates, from its files and from the environment) are left
as they are: they are how a site reaches its package index.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.commands import read_tail, run_logged
from bootstrap.errors import CannotError
from bootstrap.screen import Step, say

# Not pip's, but pip obeys them.
NETWORK_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
# These would make pip install elsewhere than into our environment, or hide what it does.
UNWANTED = frozenset(
    ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_QUIET", "PIP_LOG")
)
# The engine is compiled without what localai never loads: docs/adr/0034-engine-parts.md.
ENGINE_PARTS = (
    "-DLLAVA_BUILD=OFF",
    f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={Path(__file__).with_name('engine.cmake')}",
)
JOB_MEMORY = 1 << 30  # bytes that one compiler of the engine's sources may need
LAST_LINES, FIRST_ERRORS, LINE_WIDTH = 15, 5, 240
ERRORS = re.compile(r"\berror: |CMake Error|^\s*ERROR")
PHASES = re.compile(
    r"^\s*\[(?P<at>\d+)/(?P<of>\d+)\] "
    r"|^\s*(?P<what>Collecting|Downloading|Installing collected packages|Building wheel for)"
    r"(?: (?P<name>[\w.-]+))?",
    re.MULTILINE,
)


class Pip:
    """pip of one virtual environment. ``offline`` cuts it off from every index and setting."""

    def __init__(self, venv: Path, environ: Mapping[str, str], *, offline: bool = False) -> None:
        self._python = venv / "bin" / "python"
        self._log = venv / "pip.log"
        # On many hardened hosts nothing in /tmp may be executed, and cmake comes as a wheel.
        self._temporary = venv / "tmp"
        self._given = dict(environ)
        self._environ = pip_environ(environ, self._temporary, offline=offline)
        self._offline = offline

    def run(self, step: Step, purpose: str, *arguments: str | Path) -> None:
        """Run pip; raises CannotError with pip's last lines and its settings if it fails."""
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        try:
            status = run_logged(
                [self._python, "-I", "-m", "pip", *arguments],
                log=self._log,
                environ=self._environ,
                step=step,
                doing=describe_phase,
            )
        finally:
            shutil.rmtree(self._temporary, ignore_errors=True)
        if status:
            step.end("failed")
            self._explain()
            raise CannotError(f"pip could not {purpose} (exit {status})", self._hint())

    def _explain(self) -> None:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        say(f"\nfrom {self._log}:")
        for line in telling_lines(lines):
            say("    " + mask(line)[:LINE_WIDTH])
        if self._offline:
            return
        say("\nwhat pip was told on this machine (pip config list, environment):")
        for line in self.settings() or ["nothing: its default index, no proxy"]:
            say("    " + line)
        say()

    def _hint(self) -> str:
        tail = read_tail(self._log)
        if self._offline:
            return "the folder does not fit: make it again with scripts/wheelhouse"
        if "No space left" in tail:
            return "free some disk space and run this again"
        if "Failed building wheel" in tail or "Failed to build" in tail:
            return "the lines above say what did not compile; --wheels DIR needs no compiler"
        return (
            "check index, proxy and certificate above and run this again, or install "
            "without network: scripts/wheelhouse elsewhere, then scripts/quickstart --wheels DIR"
        )

    def settings(self) -> list[str]:
        """pip's settings and the network variables that are set, credentials masked."""
        answer = subprocess.run(
            [self._python, "-I", "-m", "pip", "config", "list"],
            env=self._given,
            capture_output=True,
            text=True,
            check=False,
        )
        return [mask_setting(line) for line in answer.stdout.splitlines()] + [
            f"{name} = {mask_value(value)}"
            for name, value in sorted(self._given.items())
            if name.upper() in NETWORK_VARIABLES
        ]


def pip_environ(environ: Mapping[str, str], temporary: Path, *, offline: bool) -> dict[str, str]:
    """The environment for pip: the caller's, less what would lead it astray."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in UNWANTED and not (offline and name.startswith("PIP_"))
    }
    kept |= {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",  # it asks the index
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_VERBOSE": "1",  # else a compilation says nothing for minutes
        "TMPDIR": str(temporary),
    }
    if offline:
        kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    jobs = min(len(os.sched_getaffinity(0)), max(1, _available_memory() // JOB_MEMORY))
    kept.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(jobs))
    given = environ.get("CMAKE_ARGS", "")  # stands last, so that the site's word counts
    kept["CMAKE_ARGS"] = f"{shlex.join(ENGINE_PARTS)} {given}".strip()
    return kept


def describe_phase(log: str) -> str:
    """What pip is at, by the last of its log."""
    phase = "working"
    for match in PHASES.finditer(log):
        if match["at"]:
            phase = f"compiling the engine, {match['at']} of {match['of']}"
        elif match["what"].startswith("Installing"):
            phase = "installing"
        elif match["what"].startswith("Building"):
            phase = f"building {match['name']}"
        else:
            phase = f"fetching {match['name']}"
    return phase


def telling_lines(lines: Sequence[str]) -> list[str]:
    """The lines of pip's log that say why it failed: the first errors and the last lines."""
    last = list(lines[-LAST_LINES:])
    # A compiler's errors stand far above the end: its neighbours are compiled to their end first.
    errors = [line for line in lines[:-LAST_LINES] if ERRORS.search(line)]
    return [*errors[:FIRST_ERRORS], "...", *last] if errors else last


def mask(text: str) -> str:
    """A line of a log with the credentials of every URL in it hidden."""
    return re.sub(r"//\S*@", "//****@", text)


def mask_value(value: str) -> str:
    """A setting's value with all that stands before a host hidden, also where there is no //."""
    return " ".join(re.sub(r"^(.*?//)?.*@", r"\1****@", word) for word in value.split())


def mask_setting(line: str) -> str:
    """One line of ``pip config list`` (``name='value'``), masked."""
    name, _, quoted = line.partition("=")
    try:
        value = str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        value = quoted
    return f"{name} = {mask_value(value)}"


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return JOB_MEMORY
