"""pip: its settings are shown without their secrets, its failures with their reason."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from bootstrap.errors import CannotError
from bootstrap.pip import (
    ENGINE_PARTS,
    Pip,
    describe_phase,
    mask,
    mask_setting,
    mask_value,
    pip_environ,
    telling_lines,
)
from bootstrap.screen import Step


@pytest.mark.parametrize(
    ("secret", "masked"),
    [
        ("https://user:pass@host/simple", "https://****@host/simple"),
        ("https://user:pa/s@s@host/simple", "https://****@host/simple"),
        ("https://token@host/simple", "https://****@host/simple"),
        ("user:pass@proxy:3128", "****@proxy:3128"),
        ("token@proxy:3128", "****@proxy:3128"),
        ("https://a:b@c/x https://d/y", "https://****@c/x https://d/y"),
        ("http://host/simple", "http://host/simple"),
    ],
)
def test_a_value_is_masked(secret: str, masked: str) -> None:
    assert mask_value(secret) == masked


def test_settings_of_several_lines_are_masked_one_by_one() -> None:
    line = "global.extra-index-url='https://a:b@c/simple\\nhttps://d/simple'"
    assert mask_setting(line) == "global.extra-index-url = https://****@c/simple https://d/simple"


def test_a_log_line_keeps_what_is_no_secret() -> None:
    assert mask("localai @ file:///x by a@b.c") == "localai @ file:///x by a@b.c"
    assert mask("Looking in https://u:p@h/simple, now") == "Looking in https://****@h/simple, now"


def test_pip_obeys_the_site_and_not_what_leads_it_astray(tmp_path: Path) -> None:
    given = {
        "PIP_INDEX_URL": "https://mirror/simple",
        "HTTPS_PROXY": "http://proxy:1",
        "PIP_CERT": "/ca.pem",
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "CMAKE_BUILD_PARALLEL_LEVEL": "1",
    }
    environ = pip_environ(given, tmp_path, offline=False)
    assert environ["PIP_INDEX_URL"] == "https://mirror/simple"
    assert environ["HTTPS_PROXY"] == "http://proxy:1"
    assert environ["PIP_CERT"] == "/ca.pem"
    assert environ["CMAKE_BUILD_PARALLEL_LEVEL"] == "1"
    assert environ["TMPDIR"] == str(tmp_path)
    assert not {"PIP_USER", "PIP_TARGET", "PYTHONPATH"} & set(environ)


def test_offline_pip_knows_no_index(tmp_path: Path) -> None:
    given = {"PIP_INDEX_URL": "https://mirror/simple", "PIP_FIND_LINKS": "https://mirror/wheels"}
    environ = pip_environ(given, tmp_path, offline=True)
    assert not any("mirror" in value for value in environ.values())
    assert environ["PIP_NO_INDEX"] == "1"
    assert environ["PIP_CONFIG_FILE"] == "/dev/null"


def test_the_engine_is_compiled_without_what_is_never_loaded(tmp_path: Path) -> None:
    options = shlex.split(pip_environ({}, tmp_path, offline=False)["CMAKE_ARGS"])
    assert options == list(ENGINE_PARTS)
    hook = Path(options[-1].partition("=")[2])
    assert "set(LLAMA_BUILD_COMMON OFF)" in hook.read_text()


def test_what_the_site_asks_of_the_engine_counts(tmp_path: Path) -> None:
    given = {"CMAKE_ARGS": "-DGGML_CUDA=ON -DLLAVA_BUILD=ON"}
    options = shlex.split(pip_environ(given, tmp_path, offline=False)["CMAKE_ARGS"])
    assert options[-2:] == ["-DGGML_CUDA=ON", "-DLLAVA_BUILD=ON"]


@pytest.mark.parametrize(
    ("log", "phase"),
    [
        ("", "working"),
        ("Collecting typer<0.30,>=0.15\n", "fetching typer"),
        ("  [46/193] /usr/bin/g++ -O3 -c x.cpp\n", "compiling the engine, 46 of 193"),
        ("Collecting a\n  [1/2] cc\nInstalling collected packages: a\n", "installing"),
        (
            "Building wheel for llama-cpp-python (pyproject.toml): started\n",
            "building llama-cpp-python",
        ),
    ],
)
def test_the_phase_is_read_from_the_log(log: str, phase: str) -> None:
    assert describe_phase(log) == phase


def test_the_first_error_is_shown_however_far_up() -> None:
    log = ["x.cpp:1: error: no thread"] + ["[1/2] cc"] * 100 + ["Failed to build"]
    shown = telling_lines(log)
    assert shown[0] == "x.cpp:1: error: no thread"
    assert shown[-1] == "Failed to build"
    assert len(shown) < 30


def test_a_failure_names_settings_but_no_secret(
    venv: Path, environ: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    # No index is asked: --no-index. The settings are shown all the same.
    site = {
        **environ,
        "PIP_INDEX_URL": "http://me:secret@127.0.0.1:9/simple",
        "https_proxy": "me:secret@127.0.0.1:9",
    }
    pip = Pip(venv, site)
    with pytest.raises(CannotError) as raised:
        pip.run(Step("trial"), "install nothing", "install", "--no-index", "no-such-project-here")
    shown = capfd.readouterr().err
    assert "no-such-project-here" in shown
    assert "http://****@127.0.0.1:9/simple" in shown
    assert "https_proxy = ****@127.0.0.1:9" in shown
    assert "secret" not in shown
    assert "pip could not install nothing" in raised.value.message
    assert "--wheels" in raised.value.hint
    assert not (venv / "tmp").exists()
