"""The process that speaks to a hub. It reads an errand on stdin and answers in lines of JSON:

* ``done``: bytes of the pieces that are there so far; ``wait`` and ``why``: a pause;
* at the end one of ``listing``, ``brought``, ``refused`` (``summary``, ``evidence``), ``elsewhere``
  (an origin), ``error`` (``message``, ``hint``).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time

from localai.fetch.errand import read_errand
from localai.sandbox import kernel

_MEMORY = 1 << 30  # bytes: a listing without an end ends there
_EVERY_S = 0.25  # how often progress is told


def main() -> None:
    """Do one errand."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.hide()  # what is in its memory (a token) is nobody else's
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    errand = read_errand(sys.stdin.buffer.read())
    told = [0.0]

    def say(**message: object) -> None:
        if "done" in message:
            if time.monotonic() - told[0] < _EVERY_S:
                return
            told[0] = time.monotonic()
        os.write(1, (json.dumps(message) + "\n").encode())

    from localai.fetch import guard, library  # within the limits

    try:
        library.run(errand, say)
    except guard.Refused as error:
        say(refused={"summary": error.summary, "evidence": error.evidence})
    except guard.Elsewhere as error:
        say(elsewhere=error.origin)
    except guard.TROUBLE as error:
        message, hint = guard.explain(error, errand)
        say(error={"message": message, "hint": hint})


if __name__ == "__main__":
    main()
