"""What a schedule can stand on here: systemd, cron, and what would stop either of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from localai.errors import StateError
from localai.places import Places
from localai.sandbox import kernel

BOOTED = Path("/run/systemd/system")  # sd_booted(3): there while systemd is the init
SYSTEM_UNITS = Path("/etc/systemd/system")  # systemd.unit(5): units that the administrator made
LINGERING = Path("/var/lib/systemd/linger")  # a file for each account, loginctl(1) enable-linger
KERNEL_RELEASE = Path("/proc/sys/kernel/osrelease")
PROGRAM_SECONDS = 60  # systemctl may wait for a manager that is busy; nothing here waits for ever
# -P keeps the directory that it is started in out of the search for modules.
SELFTEST = (sys.executable, "-P", "-m", "localai", "selftest")
# Where a self-test finds its places. A unit and a crontab start without a login's variables.
_CARRIED = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


class Ground(NamedTuple):
    """One account on one host.

    ``user`` asks for the account's own systemd, not the host's. ``units`` is where unit files go.
    ``moved`` is true with ``LOCALAI_HOME``: then files are written there, and nothing of this
    host's is changed. ``booted`` says whether systemd is the init. Programs are full paths, "" if
    missing. ``lingers`` is true if the account's systemd runs without a login; ``distribution`` is
    the name under WSL, "" on any other host; ``program`` is what is to be started,
    ``writes`` names directories that it writes beside its state.
    """

    account: str
    user: bool
    units: Path
    moved: bool
    places: Places
    environ: Mapping[str, str]
    booted: bool = False
    systemctl: str = ""
    systemd_analyze: str = ""
    crontab: str = ""
    lingers: bool = False
    distribution: str = ""
    program: tuple[str, ...] = SELFTEST
    writes: tuple[Path, ...] = ()


def find_ground(
    environ: Mapping[str, str],
    places: Places,
    account: str,
    *,
    user: bool,
    booted: Path = BOOTED,
    system_units: Path = SYSTEM_UNITS,
    lingering: Path = LINGERING,
    kernel_release: Path = KERNEL_RELEASE,
) -> Ground:
    """Look for systemd and cron. Starts and changes nothing."""
    moved = bool(environ.get("LOCALAI_HOME")) and not places.moved_ignored
    path = f"{environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"
    units = system_units
    if user:
        units = places.config.parent / "systemd" / "user"
    if moved:
        units = places.config / "systemd" / ("user" if user else "system")
    return Ground(
        account,
        user,
        units,
        moved,
        places,
        environ,
        booted=booted.is_dir(),
        systemctl=shutil.which("systemctl", path=path) or "",
        systemd_analyze=shutil.which("systemd-analyze", path=path) or "",
        crontab=shutil.which("crontab", path=path) or "",
        lingers=(lingering / account).exists(),
        distribution=_distribution(environ, kernel_release),
    )


def variables(ground: Ground) -> dict[str, str]:
    """What a scheduled self-test needs in its environment to find the same places."""
    carried = {name: ground.environ[name] for name in _CARRIED if ground.environ.get(name)}
    if ground.moved:
        carried["LOCALAI_HOME"] = str(ground.places.config.parent)
    return carried


class Answer(NamedTuple):
    """How a program ended and what it wrote, byte for byte, and what it said on stderr."""

    code: int
    out: str
    said: str


def ask(ground: Ground, command: Sequence[str], text: str = "") -> Answer:
    """Run a program of the host's with ``text`` on its stdin and return how it ended.

    Raises StateError if it cannot be run or does not end.
    """
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            env={**ground.environ, "LC_ALL": "C"},  # what it says is read
            timeout=PROGRAM_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StateError(
            f"cannot run {command[0]}: {error}", hint=f"try it by hand: {' '.join(command)}"
        ) from error
    out, said = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return Answer(done.returncode, out, " ".join(said.split()))


def _distribution(environ: Mapping[str, str], kernel_release: Path) -> str:
    """The name of the distribution, which WSL leaves in a variable; "" elsewhere."""
    try:
        release = kernel_release.read_text("ascii", "replace")
    except OSError:
        return ""
    if not kernel.is_microsofts(release):
        return ""
    name = environ.get("WSL_DISTRO_NAME", "")
    return name if re.fullmatch(r"[\w.-]{1,64}", name) else "DISTRIBUTION"
