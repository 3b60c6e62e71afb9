"""A whole start, as ``localai run`` makes it, and who holds the model's sealed memory while it
answers: run as a program in a changed copy of localai.

    python loaded.py MODEL

Prints as JSON: the processes that have some of that memory mapped or open, and the answer. Root's
alone: nobody else can look into a worker.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing, suppress
from pathlib import Path

from localai.launch import start
from localai.places import find_places
from localai.plan.facts import Use
from localai.plan.request import Around, StartRequest
from localai.sandbox import kernel
from localai.worker.protocol import Message, Sampling

SEALED = "/memfd:localai-1-of-"


def main(model: Path) -> None:
    around = Around(os.environ, find_places(os.environ, Path.home()), "host", False)
    request = StartRequest(model, Use(), context=256, threads=1, gpu_layers=-1)
    with closing(start(request, around)) as begun:
        assert begun.client, [one for one in begun.decision.findings if one.refuses]
        begun.client.ready()
        holders = sorted(find_holders())
        sampling = Sampling(max_tokens=8, temperature=0, top_p=1, seed=0)
        pieces = begun.client.generate([Message("user", "hi")], sampling)
        answer = "".join(piece for piece in pieces if isinstance(piece, str))
    print(json.dumps([holders, answer]))


def find_holders() -> set[str]:
    """Which of this process and its descendants have a sealed file mapped or open, by name."""
    found = set[str]()
    for process in find_family():
        name = (process / "comm").read_text().strip()
        found |= {f"{name} mapped"} if SEALED in (process / "maps").read_text() else set()
        for link in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # the one of iterdir itself
                found |= {f"{name} open"} if str(link.readlink()).startswith(SEALED) else set()
    return found


def find_family() -> list[Path]:
    """This process and its descendants: whatever lost its parent is a child of this one's."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[process.name] = kernel.read_status(int(process.name))["PPid"]
    family = [str(os.getpid())]
    for member in family:  # which grows meanwhile
        family += [child for child, parent in parents.items() if parent == member]
    return [Path("/proc") / member for member in family]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
