"""A machine with rules of an administrator: commands in a mount namespace of their own, where
/etc/localai is a directory that stays from one command to the next."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

# An /etc of our own over the host's: a layer in memory, and in it what is kept.
_SCRIPT = """
mount -t tmpfs tmpfs "$0/space"
mkdir "$0/space/upper" "$0/space/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/space/upper,workdir=$0/space/work" /etc
test ! -e /etc/localai
mkdir /etc/localai
mount --bind "$0/rules" /etc/localai
exec "$@"
"""


def wrap(place: Path) -> tuple[str, ...]:
    """The command that runs another one there; what it needs lies in ``place``."""
    for name in ("space", "rules"):
        (place / name).mkdir(mode=0o755, exist_ok=True)
    return ("unshare", "--mount", "--propagation", "private", "sh", "-euc", _SCRIPT, str(place))


def find_obstacle(command: Sequence[str]) -> str:
    """Why it cannot be had here, "" if it can."""
    if os.geteuid():
        return "an /etc of our own takes root"
    done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""
