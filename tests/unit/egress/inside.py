"""Work done in namespaces of its own, as the laboratory has them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localai.egress.isolation import isolate
from localai.sandbox import kernel


def do_inside(directory: Path, needed: str, work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a child that has a namespace of the kind ``needed``. ``directory``
    is covered there. Skips where this host grants none."""
    reader, writer = os.pipe()

    def live() -> None:
        granted = isolate(directory)
        os.write(writer, json.dumps(work() if needed in granted else None).encode())

    child = kernel.fork(live)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        answer = said.read()
    assert os.waitpid(child, 0)[1] == 0
    if answer == b"null":
        pytest.skip(f"this host grants no {needed} namespace")
    return json.loads(answer)
