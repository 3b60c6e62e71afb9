"""The environment of a program that tests ask: whole, or not there at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from bootstrap.model_signing import VARIABLE, bring_model_signing
from bootstrap.paths import Checkout


def test_without_a_way_to_get_it_the_run_goes_on(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = Checkout(tmp_path)
    half_made = checkout.model_signing / "bin" / "python"
    half_made.parent.mkdir(parents=True)
    half_made.touch()
    assert bring_model_signing(checkout, {**environ, "PIP_NO_INDEX": "1"}) == {}
    said = capsys.readouterr().err
    assert "could not install model_signing" in said
    assert "the tests that ask it are skipped" in said
    assert half_made.stat().st_size  # made anew
    assert not (checkout.model_signing / "wanted").exists()


def test_what_is_there_is_not_fetched_again(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootstrap.model_signing.WANTED", ("pip",))  # which every one has
    checkout = Checkout(tmp_path)
    checkout.home.mkdir()
    offline = {**environ, "PIP_NO_INDEX": "1"}
    named = bring_model_signing(checkout, offline)
    assert named == {VARIABLE: str(checkout.model_signing / "bin" / "python")}
    log = checkout.model_signing / "pip.log"
    log.unlink()
    assert bring_model_signing(checkout, offline) == named
    assert not log.exists()
