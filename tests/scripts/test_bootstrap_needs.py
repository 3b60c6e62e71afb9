"""What is missing is found before anything starts, and all of it is said at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bootstrap import needs
from bootstrap.errors import CannotError
from bootstrap.paths import Checkout

from localai.places import RULES


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = needs.compiler({})
    assert missing is not None
    assert missing.what == "no C++ compiler was found"
    assert "--wheels" in missing.remedy


def test_a_compiler_that_does_not_work(tmp_path: Path) -> None:
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho 'fatal: thread: no such file' >&2\nexit 1\n")
    broken.chmod(0o755)
    missing = needs.compiler({"CXX": str(broken)})
    assert missing is not None
    assert "does not work: fatal: thread: no such file" in missing.what


def test_a_compiler_that_is_named_but_not_there() -> None:
    missing = needs.compiler({"CXX": "/no/such/compiler"})
    assert missing is not None
    assert "/no/such/compiler" in missing.what


def test_too_little_space(tmp_path: Path) -> None:
    missing = needs.space(Checkout(tmp_path), 1 << 60)
    assert missing is not None
    assert "are needed" in missing.what
    assert needs.space(Checkout(tmp_path), 0) is None


@pytest.mark.parametrize("name", RULES)
def test_an_administrators_host_keeps_its_rules(tmp_path: Path, name: str) -> None:
    assert needs.no_administrator(tmp_path) is None
    (tmp_path / name).symlink_to("gone")
    missing = needs.no_administrator(tmp_path)
    assert missing is not None
    assert str(tmp_path / name) in missing.what


def test_an_incomplete_checkout(tmp_path: Path) -> None:
    missing = needs.whole_checkout(Checkout(tmp_path))
    assert missing is not None
    assert "pyproject.toml is missing" in missing.what


def test_a_checkout_of_somebody_else(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o555)
    missing = needs.writable(Checkout(tmp_path))
    tmp_path.chmod(0o755)
    assert missing is not None
    assert "cannot write" in missing.what


def test_everything_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(CannotError) as raised:
        needs.require([needs.Missing("one", "get one"), None, needs.Missing("two", "get two")])
    for said in ("2 things are missing", "one", "get one", "two", "get two"):
        assert said in raised.value.message
    needs.require([None, None])
