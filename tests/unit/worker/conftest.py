"""A worker without its confinement: the service in a child process, as the launcher sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localai.worker.client import Client

SERVE = """
import json, os, sys
from localai.worker.engine import EngineOptions, lib
from datetime import date
from localai.worker.service import run
before, options, requests, replies, *models = map(json.loads, sys.argv[1:])
exec(before)
run(models, EngineOptions(**options), date(2025, 3, 5), requests, replies)
"""


class Worker:
    """A running service and the client that talks to it. It runs the program ``before`` first."""

    def __init__(self, models: tuple[Path, ...], options: dict[str, Any], before: str) -> None:
        request_end, self.requests = os.pipe()
        self.replies, reply_end = os.pipe()
        files = [os.open(model, os.O_RDONLY | os.O_CLOEXEC) for model in models]
        passed = (request_end, reply_end, *files)
        arguments = [json.dumps(one) for one in (before, options, *passed)]
        self.process = subprocess.Popen([sys.executable, "-c", SERVE, *arguments], pass_fds=passed)
        for fd in passed:
            os.close(fd)
        self.client = Client(self.requests, self.replies)

    def close(self) -> None:
        """Close the request pipe, which ends the worker, and wait for that."""
        if self.requests >= 0:
            os.close(self.requests)
            self.requests = -1
        self.process.wait(30)

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.close()
        os.close(self.replies)


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    """Start a worker on these model files; it is gone when the test is over."""
    running: list[Worker] = []

    def begin(
        *models: Path, context: int | None = None, before: str = "", **options: Any
    ) -> Worker:
        options = {"context": context, "threads": 2, **options}
        running.append(Worker(models, options, before))
        return running[-1]

    yield begin
    for worker in running:
        worker.clean_up()
