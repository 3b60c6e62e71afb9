"""What other AI tools are set to, each in the form in which it keeps its settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from machine import Machine

from localai.host.programs import read_programs
from localai.host.tools import SWITCHES, TOOLS, Setting, read_settings

WEBUI = "ANONYMIZED_TELEMETRY=false\0DO_NOT_TRACK=true\0SCARF_NO_ANALYTICS=True\0"


def ask(machine: Machine, **environ: str) -> dict[str, bool | None]:
    return {one.tool: one.off for one in settings(machine, **environ)}


def settings(machine: Machine, **environ: str) -> tuple[Setting, ...]:
    programs = read_programs(machine.root / "proc", SWITCHES)
    return read_settings(programs, machine.home, machine.root, environ)


def test_no_tool(machine: Machine) -> None:
    assert settings(machine) == ()


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ('{"disable_ollama_cloud": true}', True),
        ('{"disable_ollama_cloud": false}', False),
        ('{"disable_ollama_cloud": "true"}', False),
        ("{}", False),
        ("", False),
        ("{", None),
        ("[]", None),
        ("[" * 100_000, None),
    ],
)
def test_ollama_by_its_file(machine: Machine, text: str, off: bool | None) -> None:
    machine.write("home/pat/.ollama/server.json", text)
    assert ask(machine) == {"Ollama": off}


def test_ollama_by_the_environment_that_it_runs_in(machine: Machine) -> None:
    """What this account's shell says does not count for a server that runs already."""
    machine.run(40, "ollama")
    assert ask(machine, OLLAMA_NO_CLOUD="1") == {"Ollama": False}
    machine.write("proc/40/environ", "OLLAMA_NO_CLOUD=1\0")
    assert ask(machine) == {"Ollama": True}


def test_ollama_that_does_not_run_starts_with_this_environment(machine: Machine) -> None:
    (machine.home / ".ollama").mkdir()
    assert ask(machine, OLLAMA_NO_CLOUD="1") == {"Ollama": True}
    assert ask(machine, OLLAMA_NO_CLOUD="0") == {"Ollama": False}


def test_ollama_as_a_service_of_another_account(machine: Machine) -> None:
    machine.run(40, "ollama", environ=None)
    (before,) = settings(machine)
    assert before.off is None and "another account" in before.detail
    machine.write("etc/systemd/system/ollama.service", "[Service]\nExecStart=ollama serve\n")
    assert ask(machine) == {"Ollama": None}
    machine.write(
        "etc/systemd/system/ollama.service.d/local.conf",
        '[Service]\nEnvironment="OLLAMA_HOST=127.0.0.1" "OLLAMA_NO_CLOUD=1"\n',
    )
    assert ask(machine) == {"Ollama": True}


@pytest.mark.parametrize(
    "line", ['#Environment="OLLAMA_NO_CLOUD=1"', "Environment=OLLAMA_NO_CLOUD=0"]
)
def test_a_unit_that_does_not_say_it(machine: Machine, line: str) -> None:
    machine.run(40, "ollama")
    machine.write("etc/systemd/system/ollama.service", f"[Service]\n{line}\n")
    assert ask(machine) == {"Ollama": False}


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("[General]\nfontSize=Small\n", True),
        ("modelPath=/m\n", True),
        ("[network]\nisActive=false\nusageStatsActive=false\n", True),
        ("[network]\nisActive=true\n", False),
        ("[network]\nusageStatsActive=true\n", False),
        ("[network]\nusageStatsActive=%&$\n", False),
        ("[network\nisActive\n", None),
    ],
)
def test_gpt4all(machine: Machine, text: str, off: bool | None) -> None:
    machine.write("home/pat/.config/nomic.ai/GPT4All.ini", text)
    assert ask(machine) == {"GPT4All": off}


@pytest.mark.parametrize(
    ("environ", "off"),
    [
        ("", False),
        (WEBUI, False),
        (f"{WEBUI}ENABLE_VERSION_UPDATE_CHECK=False\0", True),
        (f"{WEBUI}OFFLINE_MODE=true\0", True),
        (
            f"{WEBUI}ENABLE_VERSION_UPDATE_CHECK=False\0".replace("TELEMETRY=false", "X=false"),
            False,
        ),
    ],
)
def test_open_webui(machine: Machine, environ: str, off: bool) -> None:
    machine.run(40, "open-webui", environ=environ)
    assert ask(machine) == {"Open WebUI": off}


@pytest.mark.parametrize(("value", "off"), [("1", True), ("true", False), ("", False)])
def test_docker_model_runner_knows_one_value(machine: Machine, value: str, off: bool) -> None:
    machine.run(40, "model-runner", environ=f"DO_NOT_TRACK={value}\0")
    assert ask(machine) == {"Docker Model Runner": off}


@pytest.mark.parametrize(
    ("trace", "name"), [(".lmstudio", "LM Studio"), (".local/share/Jan", "Jan")]
)
def test_what_has_no_setting_is_unknown(machine: Machine, trace: str, name: str) -> None:
    (machine.home / trace).mkdir(parents=True)
    assert ask(machine) == {name: None}


def test_another_ai_tool_that_runs_is_unknown_and_a_sync_client_is_none(machine: Machine) -> None:
    machine.run(40, "koboldcpp")
    machine.run(41, "dropbox")
    assert ask(machine) == {"koboldcpp": None}


def test_a_file_that_cannot_be_read_is_unknown(machine: Machine) -> None:
    path = machine.write("home/pat/.ollama/server.json", "{}")
    path.unlink()
    os.mkfifo(path)
    assert ask(machine) == {"Ollama": None}


def test_two_that_run_are_two(machine: Machine) -> None:
    machine.run(40, "ollama", environ="OLLAMA_NO_CLOUD=1\0")
    machine.run(41, "ollama", environ="")
    assert [one.off for one in settings(machine)] == [True, False]


def test_every_tool_that_is_promised_is_known() -> None:
    promised = {
        "Ollama", "LM Studio", "GPT4All", "Jan", "llamafile", "Open WebUI", "Docker Model Runner",
    }  # fmt: skip
    assert {tool.name for tool in TOOLS} == promised


def test_nothing_is_written(machine: Machine) -> None:
    machine.write("home/pat/.ollama/server.json", "{}")
    before = sorted(Path(machine.root).rglob("*"))
    settings(machine)
    assert sorted(Path(machine.root).rglob("*")) == before
