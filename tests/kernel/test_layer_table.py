"""``localai selftest --layers``: the table that an officer sees, measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mutants import Mutant, Workshop
from trials import full_trial

from localai.egress.attribution import NO_SECOND_LAYER

LAYERS = ["selftest", "--layers"]


def environment(home: Path, **changes: str) -> dict[str, str]:
    return {**os.environ, "LOCALAI_HOME": str(home), "LOCALAI_ENVIRONMENT": "sandbox", **changes}


def run(home: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localai", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120,
                          env=environment(home, **changes))  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = run(tmp_path_factory.mktemp("home"), *LAYERS, "--json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return dict(json.loads(done.stdout))


def test_every_probe_that_was_blocked_has_a_row(table: dict[str, Any]) -> None:
    assert (table["schema"], table["exit_code"]) == ("localai.layers/1", 0)
    outcomes = full_trial()["outcomes"]
    names = [name for name, outcome in outcomes.items() if outcome == "blocked"]
    assert [row["probe"] for row in table["probes"]] == names
    assert table["arrived"] == table["not_checked"] == []


def test_every_probe_is_stopped_by_something_alone(table: dict[str, Any]) -> None:
    assert [row["probe"] for row in table["probes"] if not row["stopped_by"]] == []


def test_what_hangs_on_one_layer_is_what_the_reasons_say(table: dict[str, Any]) -> None:
    hanging = {row["probe"]: row["hangs_on"] for row in table["probes"] if row["hangs_on"]}
    rows = {row["probe"] for row in table["probes"]}
    assert set(hanging) == set(NO_SECOND_LAYER) & rows
    assert {row["probe"]: row["stopped_by"] for row in table["probes"] if row["hangs_on"]} == {
        name: [layer] for name, layer in hanging.items()
    }


def test_a_layer_that_no_longer_stops_anything_is_seen(tmp_path: Path) -> None:
    """Without a worker's own network, what only that and the filter stop hangs on the filter."""
    if "net" not in full_trial()["namespaces"]:
        pytest.skip("no network namespace can be had here")
    shared = Mutant("sandbox/spec.py", 'if kind != "user"', 'if kind not in ("user", "net")')
    tmp_path.chmod(0o755)
    done = Workshop(tmp_path).run(
        (shared,), lambda _: ["-m", "localai", *LAYERS], environment(tmp_path / "home")
    )
    assert done.returncode == 3, done.stderr
    assert "udp4                 seccomp only" in done.stdout
    assert "udp4 (seccomp): a second layer should stop it" in done.stdout


def test_no_probe_is_sent_where_the_label_refuses(tmp_path: Path) -> None:
    done = run(tmp_path, *LAYERS, LOCALAI_ENVIRONMENT="production")
    assert done.returncode == 3
    assert "production" in done.stdout
    assert "tcp4" not in done.stdout


def test_it_has_no_other_report(tmp_path: Path) -> None:
    done = run(tmp_path, *LAYERS, "--junit", str(tmp_path / "report.xml"))
    assert done.returncode == 2
    assert "--layers has only --json" in done.stderr
