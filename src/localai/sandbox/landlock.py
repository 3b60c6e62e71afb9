"""Landlock: files, TCP and scopes denied to this process, as far as this kernel's ABI goes.

Source: landlock(7), Documentation/userspace-api/landlock.rst. A ruleset binds the calling thread
and what it starts later, so it must come before the first thread.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import NamedTuple

from localai.sandbox import kernel

# LANDLOCK_ACCESS_FS_* of <linux/landlock.h>.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, IOCTL_DEV = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR  # shared libraries are mapped for execution
NOT_FOR_FILES = READ_DIR
_TCP_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3

_VERSION_FLAG = 1  # LANDLOCK_CREATE_RULESET_VERSION
_RULE_PATH_BENEATH = 1


class Coverage(NamedTuple):
    """What a ruleset handles: everything that ``abi`` knows."""

    abi: int

    @property
    def files(self) -> int:
        bits = 13 if self.abi < 2 else 14 if self.abi < 3 else 15 if self.abi < 5 else 16
        return (1 << bits) - 1

    @property
    def tcp(self) -> int:
        return _TCP_BIND_AND_CONNECT if self.abi >= 4 else 0

    @property
    def scopes(self) -> int:
        return _ABSTRACT_SOCKETS_AND_SIGNALS if self.abi >= 6 else 0

    def describe(self) -> str:
        also = [name for name, had in (("tcp", self.tcp), ("scopes", self.scopes)) if had]
        return ", ".join([f"{self.files.bit_count()} file rights", *also])


class Allowed(NamedTuple):
    """``rights`` beneath ``path``. A path that does not exist needs no rule and gets none."""

    path: str
    rights: int


def best_abi() -> int:
    """The newest Landlock ABI of this kernel; 0 where there is none or it is switched off."""
    try:
        return kernel.syscall("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(allowed: Iterable[Allowed], abi: int) -> Coverage:
    """Deny everything that ``abi`` knows except ``allowed``, for this thread, for good.

    Needs no-new-privs or CAP_SYS_ADMIN. Raises OSError if the kernel refuses any step.
    """
    coverage = Coverage(abi)
    attributes = struct.pack("=QQQ", coverage.files, coverage.tcp, coverage.scopes)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = kernel.syscall("landlock_create_ruleset", attributes[:size], size, 0)
    try:
        for rule in allowed:
            _allow(ruleset, rule, coverage)
        kernel.syscall("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)
    return coverage


def _allow(ruleset: int, rule: Allowed, coverage: Coverage) -> None:
    try:
        beneath = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # nothing to allow: what cannot be reached stays denied
    try:
        rights = rule.rights & coverage.files
        if not os.path.isdir(f"/proc/self/fd/{beneath}"):  # noqa: PTH112
            rights &= ~NOT_FOR_FILES
        attribute = struct.pack("=Qi", rights, beneath)
        kernel.syscall("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, attribute, 0)
    finally:
        os.close(beneath)
