"""A hub of our own on loopback: a real server for the requests that huggingface_hub makes.

It serves one repository at one revision, as hubs do: a listing with digests, HEAD and GET of every
file, what is large by a redirect to another address (``files_at``) where it has one. ``faults``
are what it does wrong, by name; every request is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

REPOSITORY = "example/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
CARD = b"---\nlicense: mit\nbase_model: example/base\n---\n# Tiny\n"
_RESOLVE = re.compile(r"/(?:datasets/)?example/tiny/resolve/([^/]+)/(.+)")
_API = re.compile(r"/api/(?:models|datasets)/example/tiny(?:/revision/(.+))?")


class Seen(NamedTuple):
    """A request: its line, without what a mirror puts in front, and its headers, names in lower
    case."""

    method: str
    path: str
    headers: dict[str, str]


class Hub(ThreadingHTTPServer):
    """``files`` by path. What is in ``plain`` lies in git itself, the rest in LFS."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"README.md": CARD, **files}
        self.plain = {"README.md"}
        self.seen: list[Seen] = []
        self.faults: dict[str, Any] = {}
        self.revision = REVISION
        self.gated: bool | str = False
        self.files_at = ""
        self.prefix = ""
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}{self.prefix}"

    def digest(self, path: str) -> str:
        content = self.files[path]
        if path in self.plain:
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return hashlib.sha256(content).hexdigest()

    def take(self, fault: str) -> Any:
        """What a fault says, None if it is not there (any more): a number counts down."""
        left = self.faults.get(fault)
        if isinstance(left, int) and left > 0:
            self.faults[fault] = left - 1
        return left or None

    def paths(self, method: str = "GET") -> list[str]:
        return [one.path for one in self.seen if one.method == method]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        path = path.removeprefix(self.server.prefix)
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.seen.append(Seen(self.command, path, headers))
        if hub.take("failing"):
            told = hub.faults.get("headers", {})
            self._send(hub.faults["code"], b"{}", told)
        elif found := _API.fullmatch(path):
            self._list(found[1])
        elif (found := _RESOLVE.fullmatch(path)) and found[2] in hub.files:
            self._give(found[1], found[2])
        elif path.startswith("/lfs/") and path[5:] in hub.files:
            self._send_file(path[5:], {})
        else:
            why = "Repo" if path.startswith("/api/") else "Entry"
            self._send(404, b"{}", {"X-Error-Code": f"{why}NotFound"})

    def _list(self, revision: str | None) -> None:
        hub = self.server
        if to := hub.take("api elsewhere"):
            self._send(302, b"", {"Location": to})
            return
        if revision not in (None, "main", hub.revision):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return
        siblings = [
            {"rfilename": path, "size": len(content)}
            | ({"blobId": hub.digest(path)} if path in hub.plain else
               {"blobId": "1" * 40,
                "lfs": {"size": len(content), "sha256": hub.digest(path), "pointerSize": 130}})
            for path, content in hub.files.items()
        ]  # fmt: skip
        card = hub.faults.get("card", {"license": "mit", "base_model": ["example/base"]})
        said = {
            "id": REPOSITORY,
            "author": "example",
            "sha": hub.faults.get("sha", hub.revision),
            "gated": hub.gated,
            "cardData": card,
            "siblings": siblings,
            **hub.faults.get("listing", {}),
        }
        self._send(200, hub.faults.get("raw", json.dumps(said).encode()), {})

    def _give(self, revision: str, path: str) -> None:
        hub = self.server
        digest = hub.faults.get("etag", {}).get(path) or hub.digest(path)
        size = hub.faults.get("size", {}).get(path, len(hub.files[path]))
        told = {"X-Repo-Commit": hub.faults.get("commit", revision), "ETag": f'"{digest}"'}
        if path not in hub.plain:
            told |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(size)}
        if (to := hub.faults.get("elsewhere")) or (hub.files_at and path not in hub.plain):
            target = f"{to or hub.files_at}/lfs/{path}"
            self._send(302, b"", {**told, "Location": target})
        else:
            self._send_file(path, told)

    def _send_file(self, path: str, told: dict[str, str]) -> None:
        hub, content = self.server, self.server.files[path]
        content = hub.faults.get("content", {}).get(path, content)
        start, end = 0, len(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and not hub.faults.get("no ranges"):
            start, end = int(asked[1]), min(int(asked[2] or end) + 1, end)
            told = {**told, "Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        self.send_response(206 if "Content-Range" in told else 200)
        for name, value in {**told, "Content-Length": str(end - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = content[start:end]
        with contextlib.suppress(OSError):
            if path not in hub.plain and hub.take("cut"):
                self.wfile.write(body[: hub.faults.get("cut at", len(body) // 2)])
                self.wfile.flush()
                while hub.faults.get("stay"):
                    time.sleep(0.05)
                self.close_connection = True
                self.connection.shutdown(2)
            elif path not in hub.plain and (pause := hub.faults.get("slow")):
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    time.sleep(pause)
            else:
                self.wfile.write(body)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def running(files: dict[str, bytes], tls: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """Such a hub, serving."""
    with Hub(files, tls) as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
