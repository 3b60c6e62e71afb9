"""The probes of ``egress.probes.locks``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "lock-files": Explanation(
        "Locks some of 28 files that it may only read (flock(2)), one for each bit of the nonce"
        " that is set.",
        "Nothing is written anywhere, and yet everybody who may open the files can tell which are"
        " locked.",
        ("seccomp", "landlock", "namespaces"),
    ),
    "lock-range": Explanation(
        "Locks one byte of a file that it may only read, at the place that the nonce names"
        " (F_SETLK in fcntl(2)).",
        "One lock says a whole number to everybody who may open the file (F_GETLK), and the file"
        " itself stays as it is.",
        ("seccomp", "landlock", "namespaces"),
    ),
}
