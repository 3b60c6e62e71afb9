"""Run the virtual environment's pip, and say what can be said when it fails.

pip's own settings (index, proxy, certificates, from its files and from the environment) are left
as they are: they are how a site reaches its package index.
"""

from __future__ import annotations

import ast
import os
import re
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
JOB_MEMORY = 1 << 30  # bytes that one compiler of the engine's sources may need
PHASES = re.compile(
    r"^\s*\[(?P<at>\d+)/(?P<of>\d+)\] Building"
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
        say(f"\nthe last lines of {self._log}:")
        for line in read_tail(self._log).splitlines()[-20:]:
            say("    " + mask(line))
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
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return [mask_setting(line) for line in answer.stdout.splitlines()] + [
            f"{name} = {mask(value)}"
            for name, value in sorted(self._environ.items())
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
        "TMPDIR": str(temporary),
    }
    if offline:
        kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    jobs = min(len(os.sched_getaffinity(0)), max(1, _available_memory() // JOB_MEMORY))
    kept.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(jobs))
    return kept


def describe_phase(log: str) -> str:
    """What pip is at, by the last of its log."""
    phase = "starting pip"
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


def mask(text: str) -> str:
    """``text`` with the credentials of every URL, and of ``user:password@host``, hidden."""
    return "".join(
        re.sub(r"^(.*?//)?(.*)@", r"\1****@", word) if _has_credentials(word) else word
        for word in re.split(r"(\s+)", text)
    )


def _has_credentials(word: str) -> bool:
    # "//user@host" or "user:password@host"; not "name@1.2" or an e-mail address.
    return bool(re.search(r"//.*@|:.*@", word))


def mask_setting(line: str) -> str:
    """One line of ``pip config list`` (``name='value'``), masked."""
    name, _, quoted = line.partition("=")
    try:
        value = str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        value = quoted
    return f"{name} = {' '.join(mask(value).split())}"


def _available_memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return JOB_MEMORY


def names_of(requirements: Sequence[str]) -> tuple[str, ...]:
    """The bare project names of requirements such as ``jinja2>=3.1.6,<4``."""
    return tuple(re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements)
