"""The probes of ``egress.probes.windows``."""

from __future__ import annotations

from collections.abc import Mapping

from localai.egress.catalogue.explanation import Explanation

EXPLANATIONS: Mapping[str, Explanation] = {
    "wsl-execute": Explanation(
        "Runs a Windows program by its path, where a stand-in lies, with the nonce as its"
        " argument.",
        "The program runs in Windows, where nothing that confines a process of Linux holds.",
        ("seccomp", "landlock", "namespaces"),
    ),
    "wsl-interop": Explanation(
        "Asks the socket of the interop service for a Windows process, where a stand-in listens.",
        "Through it a process runs Windows programs without execve(2).",
        ("seccomp", "namespaces"),
    ),
    "wsl-drive": Explanation(
        "Leaves a file with the nonce on a drive of Windows, where a stand-in lies.",
        "Programs of Windows find it there: OneDrive uploads it, and what lies among the startup"
        " programs is run.",
        ("seccomp", "landlock", "namespaces"),
    ),
    "wsl-gpu": Explanation(
        "Writes the nonce to the device of the GPU of Windows (/dev/dxg), where a stand-in lies.",
        "A driver of the host's kernel reads what is written there.",
        ("seccomp", "landlock", "namespaces"),
    ),
}
