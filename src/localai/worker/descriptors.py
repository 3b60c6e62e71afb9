"""The descriptors that a worker starts with, by number."""

from __future__ import annotations

ERRORS = 2  # a pipe: the last words of native code
REQUESTS = 3
REPLIES = 4
HANDOFF = 5  # a local socket, until the descriptors have come
KEPT = frozenset({0, 1, ERRORS, REQUESTS, REPLIES, HANDOFF})
