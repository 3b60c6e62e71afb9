"""``python -m fuzzing TARGET FOLDER [libFuzzer option...]``: fuzz one target with atheris.
``python -m fuzzing TARGET FOLDER --replay FILE...``: give it these inputs, without atheris.
``python -m fuzzing TARGET FOLDER --cover``: lines and branches that the corpus reaches.

``FOLDER`` keeps ``corpus`` (what was found worth keeping, also for the next time), ``seeds`` and
``defects``. ``scripts/fuzz`` starts this and reads what it prints.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzzing.judge import MEMORY, judged


def main(arguments: Sequence[str]) -> None:
    name, folder, rest = f"fuzzing.{arguments[0]}", Path(arguments[1]), arguments[2:]
    if rest[:1] == ["--replay"]:
        run = judged(importlib.import_module(name).run)
        for path in rest[1:]:
            run(Path(path).read_bytes())
    elif rest[:1] == ["--cover"]:
        print(json.dumps(cover(name, folder)))
    else:
        fuzz(name, folder, rest)


def fuzz(name: str, folder: Path, options: Sequence[str]) -> None:
    """Run until libFuzzer has had enough; it ends the process itself."""
    import atheris

    with atheris.instrument_imports(include=["localai"]):
        target = importlib.import_module(name)
    target.prepare()
    for kept in ("corpus", "seeds", "defects"):
        (folder / kept).mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (folder / "seeds" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = folder / "words"
    lines = ["# a dictionary for libFuzzer", *(f'"{_escaped(word)}"' for word in target.WORDS)]
    words.write_text("\n".join(lines) + "\n", encoding="ascii")
    command = [
        sys.argv[0],
        f"-max_len={target.LONGEST}",
        *([f"-dict={words}"] if target.WORDS else []),
        f"-artifact_prefix={folder / 'defects'}/",
        "-timeout=60",  # seconds by the clock: what never ends; judged() counts processor time
        f"-rss_limit_mb={1024 + (MEMORY >> 20)}",  # the same for memory
        "-print_final_stats=1",
        *options,
        str(folder / "corpus"),
        str(folder / "seeds"),
    ]
    atheris.Setup(command, judged(target.run))
    atheris.Fuzz()


def cover(name: str, folder: Path) -> dict[str, Any]:
    """Per module: statements, those that no input reached, and the same of branches."""
    from coverage import Coverage

    measured = Coverage(data_file=None, branch=True, source_pkgs=["localai"])
    measured.start()
    target = importlib.import_module(name)
    target.prepare()
    for path in sorted(p for kept in ("seeds", "corpus") for p in (folder / kept).iterdir()):
        target.run(path.read_bytes())
    measured.stop()
    report: dict[str, Any] = {}
    for module in sorted(name for name in sys.modules if name.startswith(target.MODULES)):
        found = measured._analyze(sys.modules[module])
        numbers = found.numbers
        report[module] = {
            "lines": [numbers.n_executed, numbers.n_statements],
            "branches": [numbers.n_executed_branches, numbers.n_branches],
            "missing": found.missing_formatted(branches=True),
        }
    return report


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1:])
