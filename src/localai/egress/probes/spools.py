"""Ways out by what others will pick up: spools, folders that are synchronised, the kernel's log and
its way with core dumps.

Stand-ins of ours lie at the well-known paths. Each probe looks first that it is one of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from localai.egress.probes.probe import WRITERS, Probe, Target, number, text

DIRECTORIES = {
    "cron-spool": "/var/spool/cron/crontabs",
    "at-spool": "/var/spool/cron/atjobs",
    "mail-spool": "/var/mail",
    "mail-queue": "/var/spool/postfix/maildrop",
    "print-spool": "/var/spool/cups",
    "network-folder": "/run/user/{uid}/gvfs/smb-share",
    "synced-folder": "{home}/Dropbox",
}
FILES = {"kmsg": "/dev/kmsg", "core-pattern": "/proc/sys/kernel/core_pattern"}


def find_standin(target: Target) -> str:
    """The target's path. Raises RuntimeError if what lies there is not the sink's own: nothing is
    ever left in a real spool, or told to a real kernel."""
    path = text(target, "path")
    found = os.stat(path)  # noqa: PTH116
    if (found.st_dev, found.st_ino) != (number(target, "device"), number(target, "inode")):
        raise RuntimeError(f"what lies at {path} is not ours")
    return path


def leave(words: bytes) -> Callable[[Target, bytes], None]:
    """An attempt that leaves a new file in a directory, with the nonce in ``words`` for %s."""

    def attempt(target: Target, nonce: bytes) -> None:
        path = f"{find_standin(target)}/{nonce.decode()}"
        _write(path, words % nonce, os.O_CREAT | os.O_EXCL)

    return attempt


def tell(words: bytes) -> Callable[[Target, bytes], None]:
    """An attempt that writes to what is there, with the nonce in ``words`` for %s."""

    def attempt(target: Target, nonce: bytes) -> None:
        _write(find_standin(target), words % nonce, os.O_NONBLOCK)

    return attempt


def _write(path: str, words: bytes, flags: int) -> None:
    out = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o666)
    try:
        os.write(out, words)
    finally:
        os.close(out)


def _probe(name: str, way: str, attempt: Callable[[Target, bytes], None]) -> Probe:
    return Probe(name, way, name, attempt, passes=WRITERS)


PROBES = (
    _probe("cron-spool", "a job for cron", leave(b"@reboot : %s\n")),
    _probe("at-spool", "a job for at", leave(b"#!/bin/sh\n: %s\n")),
    _probe("mail-spool", "a letter in a mailbox",
           leave(b"From localai Thu Jan  1 00:00:00 1970\n\n%s\n")),
    _probe("mail-queue", "a letter in the queue of the mail service", leave(b"N%s")),
    _probe("print-spool", "a job for the printer", leave(b"%%!PS\n(%s) show showpage\n")),
    _probe("network-folder", "a file on a share of the network", leave(b"%s\n")),
    _probe("synced-folder", "a file in a folder that is synchronised", leave(b"%s\n")),
    _probe("kmsg", "a line in the kernel's log", tell(b"<14>localai: %s\n")),
    _probe("core-pattern", "a program for the kernel to start at the next crash",
           tell(b"|/bin/true %s\n")),
)  # fmt: skip
