"""What tests of the laboratory's parts change in this process is put back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The laboratory works with umask 0, as a process of its own."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
