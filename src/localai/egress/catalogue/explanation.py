"""What there is to say about a probe."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """One probe, for a reader.

    ``what`` it does and ``why`` that matters: one sentence each. ``stopped_by`` are the layers
    that stop it alone, all others left out; measured where the probe is not closed, on a host
    with namespaces, Landlock 7, and root as the launcher's account. What a worker says is stopped
    by no layer but by the launcher's sanitiser. ``lesson`` is the CVE or the incident that taught
    it, with its year; "" where there is none.
    """

    what: str
    why: str
    stopped_by: tuple[str, ...]
    lesson: str = ""
