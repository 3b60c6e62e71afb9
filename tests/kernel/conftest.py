"""Fixtures of the kernel tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from trials import Outcomes, run_trial


@pytest.fixture(scope="session")
def as_root() -> bool:
    return os.getuid() == 0


@pytest.fixture(scope="session")
def probe_all() -> Callable[..., Outcomes]:
    """Outcomes of many probes with some layers left out. Those that may replace their process get
    a worker each."""
    from localai.egress.probes import BY_NAME

    def probe(names: Iterable[str], **asked: Any) -> Outcomes:
        wanted = sorted(names)
        together = [name for name in wanted if not BY_NAME[name].alone]
        groups = [together, *([name] for name in wanted if BY_NAME[name].alone)]
        outcomes: Outcomes = {}
        for group in filter(None, groups):
            found = run_trial(only=group, **asked)["outcomes"]
            outcomes |= {name: found[name] for name in group}
        return outcomes

    return probe
