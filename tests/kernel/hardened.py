"""Run a command under what a unit's lines ask for, as systemd.exec(5) describes them; run as a
program, because all of it is for good.

    python hardened.py UNIT COMMAND...

The state directory that the unit names is made anew, empty, and lies in memory. A line that is
not known here is an error: what it does to a self-test has to be looked at first.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from localai.sandbox import kernel
from localai.sandbox.seccomp import Action, Condition, Filter, Rule, install

CAP_SYS_MODULE = 16
PR_CAPBSET_DROP = 24
_SETID = stat.S_ISUID, stat.S_ISGID
# call and the number of its argument that holds a mode
_MODES = {
    "chmod": 1,
    "fchmod": 1,
    "fchmodat": 2,
    "mkdir": 1,
    "mkdirat": 2,
    "mknod": 1,
    "mknodat": 2,
}


def mount(*arguments: str) -> None:
    subprocess.run(["mount", "--no-mtab", *arguments], check=True)


def read_only(*, everything: bool = True, at: str = "/") -> None:
    """All mounts below ``at``; without ``everything`` that one alone."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    below = [point for point in points if Path(point).is_relative_to(at)]
    for point in below if everything else [at]:
        if not point.startswith(("/dev", "/proc", "/sys")) or at != "/":
            mount("-o", "remount,bind,ro", point)


def protect_tunables() -> None:
    mount("--bind", "/proc/sys", "/proc/sys")
    read_only(everything=False, at="/proc/sys")


def private_tmp() -> None:
    for place in ("/tmp", "/var/tmp"):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", place)


def deny(*rules: Rule) -> None:
    """systemd's filters let every call of another ABI pass that they do not speak of."""
    install(Filter(Action.ALLOW, rules, foreign=Action.ALLOW))


def no_realtime() -> None:
    scheduling = (1, 2, 6)  # FIFO, RR, DEADLINE of <linux/sched.h>
    deny(
        *(
            Rule("sched_setscheduler", Action.DENY, (Condition(1, 0xFFFF, policy),))
            for policy in scheduling
        )
    )


def no_set_id() -> None:
    deny(
        *(
            Rule(call, Action.DENY, (Condition(number, bit, bit),))
            for call, number in _MODES.items()
            for bit in _SETID
        )
    )


# In the order in which they can be had: mounts before no-new-privs, filters last.
KNOWN: dict[str, Callable[[], object]] = {
    "ProtectSystem=strict": read_only,
    "ProtectHome=read-only": lambda: None,  # strict says that already
    "ProtectControlGroups=yes": lambda: read_only(at="/sys/fs/cgroup"),
    "ProtectKernelTunables=yes": protect_tunables,
    "PrivateTmp=yes": private_tmp,
    "ProtectKernelModules=yes": lambda: kernel.prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE),
    "UMask=0077": lambda: os.umask(0o077),
    "NoNewPrivileges=yes": lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1),
    "LockPersonality=yes": lambda: deny(Rule("personality", Action.DENY)),
    "RestrictRealtime=yes": no_realtime,
    "RestrictSUIDSGID=yes": no_set_id,
}
_OTHER = ("Type", "ExecStart", "TimeoutStartSec", "Environment", "ReadWritePaths")


def main(unit: Path, command: list[str]) -> None:
    service = unit.read_text().partition("[Service]\n")[2].splitlines()
    lines = [line for line in service if line.partition("=")[0] not in _OTHER]
    assert set(lines) <= set(KNOWN), sorted(set(lines) - set(KNOWN))
    writable = [line.split('"')[1] for line in service if line.startswith("ReadWritePaths=")]
    order = [line for line in KNOWN if line in lines]
    for line in order:
        KNOWN[line]()
        if line == "ProtectSystem=strict":
            for place in writable:
                mount("-t", "tmpfs", "tmpfs", place)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
