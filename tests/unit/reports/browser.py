"""A real browser that judges a page by axe-core: Chromium, spoken to over two pipes, in a network
namespace of its own, so that it can reach nothing.

Source: the Chrome DevTools Protocol with ``--remote-debugging-pipe``: JSON, each message ended by a
zero byte; descriptor 3 is what the browser reads, 4 what it writes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def find_browser() -> list[str]:
    """The command that starts it. Skips, with the reason, where it cannot be had."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this host: the pages were not judged by axe-core")
    alone = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be had here: the pages were not judged by axe-core")
    return [*alone, chromium]


class Browser:
    """One browser with a profile of its own below ``place``."""

    def __init__(self, place: Path) -> None:
        self._place = place
        command = [
            *find_browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking",
            f"--user-data-dir={place / 'profile'}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        script = f'exec "$@" 3<&{read} 4>&{write} {read}<&- {write}>&-'
        # a socket that is a file is reached from any network namespace: no bus of this host
        buses = dict.fromkeys(("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"), "disabled:")
        environ = {**os.environ, **buses, "HOME": str(place), "XDG_RUNTIME_DIR": str(place)}
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(read, write),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read)
        os.close(write)
        self._heard = b""
        self._events: set[str] = set()
        self._numbers = count(1)

    def close(self) -> None:
        self.call("Browser.close")
        self._process.wait(PATIENCE_S)
        os.close(self._read)
        os.close(self._write)

    def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        number = next(self._numbers)
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._hear()).get("id") != number:
            self._events.add(str(answer.get("method")))
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def judge(self, page: bytes, *, dark: bool = False) -> list[str]:
        """What axe-core finds wrong with a page."""
        path = self._place / "page.html"
        path.write_bytes(page)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        session = attached["sessionId"]
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", session, features=[scheme])
        self.call("Page.enable", session)
        self._events.clear()
        self.call("Page.navigate", session, url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._events.add(str(self._hear().get("method")))
        self._evaluate(session, axe_source())
        found = self._evaluate(session, f"axe.run({json.dumps(RULES)})")
        self.call("Target.closeTarget", targetId=target)
        assert len(found["passes"]) > 5, "axe-core looked at next to nothing"
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]

    def _evaluate(self, session: str, script: str) -> Any:
        answer = self.call(
            "Runtime.evaluate", session, expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._heard:
            said = os.read(self._read, 1 << 16)
            assert said, f"the browser ended: {self._process.poll()}"
            self._heard += said
        message, _, self._heard = self._heard.partition(b"\0")
        heard: dict[str, Any] = json.loads(message)
        return heard


def axe_source() -> str:
    spec = find_spec("axe_core_python")
    assert spec and spec.origin
    return Path(spec.origin).with_name("axe.min.js").read_text("utf-8")
