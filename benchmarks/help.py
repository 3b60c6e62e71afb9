"""``localai --help`` against a Python that does nothing.

    .venv/bin/python benchmarks/help.py [--runs N]

The target is at most 0.15 s.
"""

from __future__ import annotations

import sys

import measuring


def main() -> None:
    asked = measuring.parse(__doc__, runs=21, model=False)
    environ = measuring.plain_environ()
    medians = measuring.alternate(
        asked.runs,
        lambda: measuring.run([measuring.LOCALAI, "--help"], environ).total_s,
        lambda: measuring.run([sys.executable, "-c", "pass"], environ).total_s,
    )
    measuring.show("s", ["localai --help", "python -c pass"], medians)


if __name__ == "__main__":
    main()
