"""The demo's home: made again where it is unfinished, outdated, or its label will lapse."""

from __future__ import annotations

from pathlib import Path

import pytest
from bootstrap.errors import CannotError
from bootstrap.home import DAY, LABEL_DAYS, DemoHome
from bootstrap.paths import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout whose ``localai`` writes down how it was called, and fails if told to."""
    checkout = Checkout(tmp_path)
    checkout.manifests.mkdir(parents=True)
    for name in ("allowlist.yaml", "allowlist.dsse.json", "root.json"):
        (checkout.manifests / name).write_text(name)
    localai = checkout.venv / "bin" / "localai"
    localai.parent.mkdir(parents=True)
    localai.write_text(
        '#!/bin/sh\necho "$LOCALAI_HOME $1 $2" >> calls\n'
        'if [ -e "fail-$1" ]; then echo "error: told to fail" >&2; exit 3; fi\n'
    )
    localai.chmod(0o755)
    return checkout


def make(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, *, machine: bytes = b"m", days: int = 0
) -> list[str]:
    monkeypatch.chdir(checkout.root)
    stamp = checkout.home / "made"
    now = stamp.stat().st_mtime if stamp.exists() else 0.0
    DemoHome(checkout, {}, machine).make(now + days * DAY)
    calls = checkout.root / "calls"
    said = calls.read_text().splitlines() if calls.exists() else []
    calls.unlink(missing_ok=True)
    return said


def test_made_once(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    home = checkout.home
    assert make(checkout, monkeypatch) == [f"{home} trust init", f"{home} env set"]
    assert (home / "config" / "manifests" / "allowlist.yaml").read_text() == "allowlist.yaml"
    assert make(checkout, monkeypatch) == []


@pytest.mark.parametrize("step", ["trust", "env"])
def test_an_unfinished_one_is_made_again(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = checkout.root / f"fail-{step}"
    told.touch()
    with pytest.raises(CannotError, match=f"localai {step}"):
        make(checkout, monkeypatch)
    assert "told to fail" in capfd.readouterr().err
    told.unlink()
    (checkout.root / "calls").unlink()
    assert len(make(checkout, monkeypatch)) == 2


def test_another_manifest_another_machine_or_an_old_label_make_it_again(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(checkout, monkeypatch)
    assert make(checkout, monkeypatch, machine=b"other")
    assert make(checkout, monkeypatch, machine=b"other", days=LABEL_DAYS - 1) == []
    assert make(checkout, monkeypatch, machine=b"other", days=LABEL_DAYS)
    (checkout.manifests / "allowlist.yaml").write_text("changed")
    assert make(checkout, monkeypatch, machine=b"other")


def test_what_was_in_an_older_home_is_kept(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(checkout, monkeypatch)
    (checkout.home / "config" / "own").write_text("kept")
    (checkout.manifests / "root.json").write_text("changed")
    make(checkout, monkeypatch)
    assert [path.read_text() for path in checkout.home.glob("config.before-*/own")] == ["kept"]
