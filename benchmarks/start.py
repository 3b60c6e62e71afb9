"""From exec to the first token: ``localai run MODEL -p hi -n 1`` against bare llama_cpp.

    .venv/bin/python benchmarks/start.py MODEL [--runs N]

The bare script loads and answers with no check at all, in its own usual context, with as many
threads as localai takes. The target is a ratio of at most 1.3. Processor seconds count all
processes: those of localai try every way out, and hash the model.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import measuring

from localai.hardware import count_cores

PROMPT, CONTEXT = "hi", 512


def main() -> None:
    asked = measuring.parse(__doc__, runs=11, model=True)
    ours, bare = f"localai run -p {PROMPT} -n 1", "bare llama_cpp"
    spent: dict[str, list[float]] = {ours: [], bare: []}
    with measuring.home(asked.model) as environ:

        def measure(name: str, command: list[str | Path]) -> float:
            ran = measuring.run(command, environ)
            spent[name].append(ran.cpu_s)
            return ran.first_s

        sealed: list[str | Path] = [measuring.LOCALAI, "run", asked.model, "-p", PROMPT, "-n", "1"]
        script = measuring.HERE / "bare.py"
        naked: list[str | Path] = [sys.executable, script, asked.model, PROMPT, "1"]
        naked += [str(CONTEXT), str(count_cores())]
        medians = measuring.alternate(
            asked.runs, lambda: measure(ours, sealed), lambda: measure(bare, naked)
        )
    print("exec to first token")
    measuring.show("s", [ours, bare], medians)
    print("\nprocessor time of the whole run")
    measuring.show("s", [ours, bare], [statistics.median(times[1:]) for times in spent.values()])


if __name__ == "__main__":
    main()
