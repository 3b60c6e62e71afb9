"""What is worth saying of a result in a list, in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from localai.selftests.result import Result

_NAMED = 6  # more names than these are only counted
_OVERLAP = timedelta(minutes=1)  # of two at once the first to begin may be the last to end


def remarks(result: Result, before: Result | None) -> list[str]:
    """Why it refused and which probes did, or the figures of a pass; and what changed since the
    one ``before``."""
    said = [*result.refusing, *_name_odd(result)] or _figures(result)
    if result.waived:
        said.append(f"waived: {', '.join(result.waived)}")
    if before and before.time - result.time > _OVERLAP:
        said.append("the clock had been put back")
    if before and (before.localai, before.kernel) != (result.localai, result.kernel):
        said.append(f"now localai {result.localai}, Linux {result.kernel}")
    return said


def _name_odd(result: Result) -> Iterator[str]:
    under = {"": result.worker}
    under |= {f" ({name} filter)": found for name, found in result.filters.items()}
    arrived = [name + where for where, found in under.items() for name in found.arrived]
    unchecked = [name + where for where, found in under.items() for name in found.not_checked]
    if arrived:
        yield f"got out: {_list(arrived)}"
    if unchecked:
        yield f"not checked: {_list(unchecked)}"


def _figures(result: Result) -> list[str]:
    if not result.worker.probes:
        return ["nothing was probed"]
    tried = sum(found.probes for found in result.filters.values())
    return [f"0 of {result.worker.probes} got out, filters alone 0 of {tried}"]


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
