"""Tokens a second of a greedy answer of 200 tokens: localai's worker against bare llama_cpp.

    .venv/bin/python benchmarks/speed.py MODEL [--runs N] [--threads N]

Both measure from their first token on, in the same context with the same number of threads. The
target is a ratio of 0.97 or more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import measuring

from localai.hardware import count_cores

PROMPT = "Explain at length why public records matter, and who keeps them."
TOKENS, CONTEXT = 200, 1024


def main() -> None:
    asked = measuring.parse(__doc__, runs=5, model=True)
    threads = str(count_cores())
    said: dict[str, str] = {}
    with measuring.home(asked.model) as environ:

        def worker() -> float:
            command: list[str | Path] = [measuring.LOCALAI, "run", asked.model, "-p", PROMPT]
            command += ["-n", str(TOKENS), "--temperature", "0", "--ctx", str(CONTEXT)]
            command += ["--threads", threads, "--gpu", "off", "--json"]
            answer = json.loads(measuring.run(command, environ).printed)
            said["localai"] = answer["text"]
            tokens = int(answer["tokens"]["generated"]) - 1  # the clock starts at the first
            return 1000 * tokens / float(answer["timings_ms"]["generation"])

        def bare() -> float:
            script = measuring.HERE / "bare.py"
            command = [sys.executable, script, asked.model, PROMPT, str(TOKENS), str(CONTEXT)]
            answer = json.loads(measuring.run([*command, threads, "--speed"], environ).printed)
            said["bare"] = answer["text"]
            return float(answer["speed"])

        medians = measuring.alternate(asked.runs, worker, bare)
    measuring.show("tokens/s", ["localai", "bare llama_cpp"], medians)
    print(f"{'same answer':<30} {'yes' if said['localai'] == said['bare'] else 'NO'}")


if __name__ == "__main__":
    main()
