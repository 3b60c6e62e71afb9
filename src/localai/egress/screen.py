"""The screen: a terminal of ours that shows what a worker says, and the end that sees it obeyed.

What a terminal merely displays has gone nowhere: the user reads it. So this sink takes in only
what a terminal acts on: the contents of control strings and of media copies (ECMA-48, and
"XTerm Control Sequences").
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator, Mapping

from localai.egress.probes import BY_NAME
from localai.egress.probes.probe import Attempt
from localai.egress.sinks import read_all

SANITISER = "sanitiser"  # what stops these probes: no layer of the kernel's
Show = Callable[[str], str]
"""What the launcher makes of a worker's words before they meet a terminal."""

_OBEYED = re.compile(
    r"(?:\x1b\]|\x9d)(?P<osc>.*?)(?:\a|\x1b\\|\x9c)"
    r"|(?:\x1bP|\x90)(?P<dcs>.*?)(?:\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)\??5i(?P<printed>.*?)(?:\x1b\[|\x9b)\??4i",
    re.DOTALL,
)


class Screen:
    """The far end of the terminal: ``end`` is its descriptor, in non-blocking mode."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._shown = b""

    def drain(self) -> bytes:
        """All that a terminal would have obeyed so far."""
        self._shown += read_all(self._end)
        return "\n".join(obeyed(self._shown.decode("utf-8", "replace"))).encode()


def obeyed(shown: str) -> Iterator[str]:
    """What a terminal does not display but act on, decoded where it is encoded."""
    for found in _OBEYED.finditer(shown):
        said = found["osc"] or found["dcs"] or found["printed"] or ""
        yield said
        if said.startswith("52;"):
            yield _decode(base64.b64decode, said.rpartition(";")[2])
        elif found["dcs"]:
            yield _decode(bytes.fromhex, said.rpartition("/")[2])


def _decode(how: Callable[[str], bytes], said: str) -> str:
    try:
        return how(said).decode("latin-1")
    except ValueError:
        return ""


def show_said(attempts: Mapping[str, Attempt], screen: int, show: Show) -> dict[str, Attempt]:
    """Show the words of every probe that speaks on the terminal ``screen``, as ``show`` makes
    them, and return what is left to be judged: the screen has what was said."""
    judged = dict(attempts)
    for name, attempt in attempts.items():
        if BY_NAME[name].speaks and not attempt.failed:
            failed = _write(screen, show(attempt.learned))
            judged[name] = attempt._replace(learned="", failed=failed)
    return judged


def _write(screen: int, words: str) -> str:
    """Write ``words``; return why they cannot all be shown, "" if they are."""
    if not words:
        return "nothing was shown"
    encoded = words.encode()
    try:
        return "" if os.write(screen, encoded) == len(encoded) else "not all was shown"
    except OSError as error:
        return f"not shown: {error.strerror}"
