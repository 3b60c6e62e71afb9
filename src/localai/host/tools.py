"""What other local AI tools send home of their own, as far as their settings can be read.

Where a tool keeps them was looked up in its documentation or its source, which each entry names.
What has no setting, or one that cannot be read from outside, is said to have none.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from localai.errors import StateError
from localai.host.names import AI_TOOLS
from localai.host.programs import Program
from localai.smallfile import read_small

_NO = frozenset({"0", "false", "no", "off"})
_YES = frozenset({"1", "true", "yes", "on"})
DOCKER_DESKTOP = ".docker/desktop/settings-store.json"
_UNIT = re.compile(r"^\s*Environment\s*=(.*)$", re.MULTILINE)


class Ground(NamedTuple):
    """Where to look: a home directory, the root of the file system, and the switches in the
    environment that the tool runs in."""

    home: Path
    root: Path
    environ: Mapping[str, str]


class Setting(NamedTuple):
    """What one tool was found to be set to. ``off`` is None where that cannot be read."""

    tool: str
    off: bool | None
    detail: str


class Tool(NamedTuple):
    """One tool. ``processes`` are the names it runs under, ``traces`` what it leaves behind in a
    home directory, ``read`` says whether it is off, and how that was seen."""

    name: str
    processes: frozenset[str]
    traces: tuple[str, ...]
    switches: tuple[str, ...]
    read: Callable[[Ground], tuple[bool | None, str]]


def read_settings(
    programs: Iterable[Program], home: Path, root: Path, environ: Mapping[str, str]
) -> tuple[Setting, ...]:
    """The settings of every tool that runs, or that has left traces in ``home``.

    ``environ`` is this account's environment: what a tool that does not run now would start with.
    """
    found = []
    running = tuple(programs)
    for tool in TOOLS:
        own = [program for program in running if program.name in tool.processes]
        if not own and not any(_is_there(home / trace) for trace in tool.traces):
            continue
        environments = [dict(one.environ) for one in own if one.environ is not None]
        hidden = len(environments) < len(own)
        for one in environments or [{} if hidden else dict(environ)]:
            off, detail = _read(tool, Ground(home, root, one))
            if hidden and not off:
                off, detail = None, f"{detail}; runs under another account"
            found.append(Setting(tool.name, off, detail))
    known = frozenset().union(*(tool.processes for tool in TOOLS))
    found += [
        Setting(program.name, None, "has no setting that localai knows")
        for program in running
        if program.name in AI_TOOLS - known
    ]
    return tuple(dict.fromkeys(found))


def _read(tool: Tool, ground: Ground) -> tuple[bool | None, str]:
    try:
        return tool.read(ground)
    except StateError as error:
        return None, error.message
    except (ValueError, configparser.Error, RecursionError):
        return None, "its settings are malformed"


def _ollama(ground: Ground) -> tuple[bool | None, str]:
    """docs.ollama.com/faq: OLLAMA_NO_CLOUD=1, or disable_ollama_cloud in ~/.ollama/server.json;
    the installer's service has a home of its own, and a unit that may set the variable."""
    if ground.environ.get("OLLAMA_NO_CLOUD", "").casefold() in _YES:
        return True, "OLLAMA_NO_CLOUD"
    units = ground.root / "etc/systemd/system"
    for unit in (units / "ollama.service", *sorted(units.glob("ollama.service.d/*.conf"))):
        said = _UNIT.findall((read_small(unit) or b"").decode("utf-8", "replace"))
        if any("OLLAMA_NO_CLOUD=1" in line.replace('"', " ").split() for line in said):
            return True, f"OLLAMA_NO_CLOUD in {unit}"
    for home in (ground.home, ground.root / "usr/share/ollama"):
        path = home / ".ollama/server.json"
        if _json(path).get("disable_ollama_cloud") is True:
            return True, f"disable_ollama_cloud in {path}"
    return False, "cloud models and web search are on: set OLLAMA_NO_CLOUD=1"


def _gpt4all(ground: Ground) -> tuple[bool | None, str]:
    """mysettings.cpp of nomic-ai/gpt4all: both keys are false where they are missing."""
    path = ground.home / ".config/nomic.ai/GPT4All.ini"
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string("[General]\n" + (read_small(path) or b"").decode("utf-8", "replace"))
    on = [
        key
        for key in ("isActive", "usageStatsActive")
        if parser.get("network", key, fallback="false").casefold() not in _NO
    ]
    if on:
        return False, f"network/{', network/'.join(on)} in {path}: switch it off in its settings"
    return True, "neither datalake nor usage statistics"


def _docker(ground: Ground) -> tuple[bool | None, str]:
    """docker/model-runner, pkg/metrics: DO_NOT_TRACK=1. Docker Desktop: settings-store.json."""
    if ground.environ.get("DO_NOT_TRACK") == "1":
        return True, "DO_NOT_TRACK"
    said = {key.casefold(): value for key, value in _json(ground.home / DOCKER_DESKTOP).items()}
    own = "off" if said.get("analyticsenabled") is False else "not off"
    detail = f"reports which models are used: start it with DO_NOT_TRACK=1 (analytics: {own})"
    return False, detail


def _open_webui(ground: Ground) -> tuple[bool | None, str]:
    """.env.example of open-webui/open-webui, and its documented environment."""
    wanted = {
        "ANONYMIZED_TELEMETRY": _NO,
        "DO_NOT_TRACK": _YES,
        "SCARF_NO_ANALYTICS": _YES,
        "ENABLE_VERSION_UPDATE_CHECK": _NO,
    }
    if ground.environ.get("OFFLINE_MODE", "").casefold() in _YES:
        del wanted["ENABLE_VERSION_UPDATE_CHECK"]  # implied
    missing = [
        n for n, words in wanted.items() if ground.environ.get(n, "").casefold() not in words
    ]
    if missing:
        return False, f"not switched off: {', '.join(missing)}"
    return True, ", ".join(wanted)


def _lm_studio(ground: Ground) -> tuple[bool | None, str]:
    return None, "asks for updates when it starts, and has no setting that can be read"


def _jan(ground: Ground) -> tuple[bool | None, str]:
    return None, "asks for consent to analytics, and keeps the answer where it cannot be read"


def _llamafile(ground: Ground) -> tuple[bool | None, str]:
    return None, "has no setting that can be read"


TOOLS: tuple[Tool, ...] = (
    Tool("Ollama", frozenset({"ollama"}), (".ollama",), ("OLLAMA_NO_CLOUD",), _ollama),
    Tool("LM Studio", frozenset({"lm-studio", "lm studio"}), (".lmstudio",), (), _lm_studio),
    Tool("GPT4All", frozenset({"gpt4all"}), (".config/nomic.ai/GPT4All.ini",), (), _gpt4all),
    Tool("Jan", frozenset({"jan"}), (".local/share/Jan",), (), _jan),
    Tool("llamafile", frozenset({"llamafile"}), (), (), _llamafile),
    Tool(
        "Open WebUI",
        frozenset({"open-webui"}),
        (),
        (
            "ANONYMIZED_TELEMETRY",
            "DO_NOT_TRACK",
            "SCARF_NO_ANALYTICS",
            "ENABLE_VERSION_UPDATE_CHECK",
            "OFFLINE_MODE",
        ),
        _open_webui,
    ),
    Tool(
        "Docker Model Runner",
        frozenset({"model-runner"}),
        (DOCKER_DESKTOP,),
        ("DO_NOT_TRACK",),
        _docker,
    ),
)

SWITCHES = frozenset(switch for tool in TOOLS for switch in tool.switches)
"""The variables that are kept of a running tool's environment."""


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # not this account's to see
        return False


def _json(path: Path) -> dict[str, object]:
    content = read_small(path)
    document = json.loads(content) if content else {}
    if not isinstance(document, dict):
        raise ValueError(f"{path}: an object was expected")
    return document
