"""Run ``localai`` on another day: ``python otherday.py 2027-01-11 manifest status``.

No clock can be set for one process: time namespaces move only those that count from the start of
the machine (time_namespaces(7)). So this moves what localai reads the day from, and nothing else:
days and hours that it writes are of that day, what other programs and the kernel say is of today.
It lies with the tests, and no switch of localai does the same.
"""

from __future__ import annotations

import datetime
import sys
from datetime import UTC, date, tzinfo
from typing import Self

_SHIFT = date.fromisoformat(sys.argv.pop(1)) - datetime.datetime.now(UTC).date()


class OtherDay(datetime.datetime):
    """The clock, so many days later or earlier."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + _SHIFT


datetime.datetime = OtherDay  # type: ignore[misc]

if __name__ == "__main__":
    from localai.__main__ import main

    sys.exit(main())
