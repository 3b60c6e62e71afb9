"""A service and a timer of systemd's: their text, and how they come and go.

Sources: systemd.service(5), systemd.timer(5), systemd.exec(5), systemctl(1).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from localai.atomicfile import write_whole
from localai.errors import PlatformError, StateError
from localai.places import make_directory, make_private
from localai.schedule.ground import Ground, ask, variables
from localai.smallfile import read_small

NAME = "localai-selftest"
TIMER = f"{NAME}.timer"
_WRITTEN_BY = "# Written by localai selftest schedule; localai selftest unschedule takes it away.\n"

# Every line here leaves the probes and their controls what they have in a login; a test holds it
# to that. Left out on purpose is what would take a way out away before it is tried, so that it
# counted as closed: PrivateNetwork, PrivateDevices, PrivateUsers, IPAddressDeny, ProtectClock,
# RestrictAddressFamilies, RestrictNamespaces, SystemCallFilter, SystemCallArchitectures,
# MemoryDenyWriteExecute, CapabilityBoundingSet, ProtectKernelTunables (a read-only /proc/sys keeps
# the laboratory from opening ICMP to itself) and ProtectKernelLogs.
_HARDENED = """\
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
"""
# These take a mount namespace, which an account's own systemd has only beside a user namespace.
_HARDENED_HOST = """\
ProtectSystem=strict
ProtectHome=read-only
ProtectControlGroups=yes
ProtectKernelModules=yes
PrivateTmp=yes
"""
_PRIVATE = ("/tmp", "/var/tmp")  # noqa: S108 - by PrivateTmp; nothing is written to them


class Installed(NamedTuple):
    """Files with their text, and the commands that are left for somebody to type."""

    files: tuple[tuple[Path, str], ...]
    left: tuple[str, ...] = ()


class Timer(NamedTuple):
    """A timer that was found: how often, and why it does not run, where it does not."""

    path: Path
    rhythm: str
    problem: str = ""
    remedy: str = ""


def service_text(ground: Ground) -> str:
    """The unit that runs one self-test. Raises StateError for a path that no unit can name."""
    if set(ground.program[0]) & set("\"'\\"):  # string_is_safe() of systemd's
        raise _unwritable(ground.program[0])
    lines = [f"Environment={_quote(f'{n}={value}')}" for n, value in variables(ground).items()]
    hardened = _HARDENED
    if not ground.user:
        _check_shared(Path(ground.program[0]), "install it in a directory that stays")
        for directory in ground.writes:
            _check_shared(directory, "name a file elsewhere")
        hardened += _HARDENED_HOST
        writes = (ground.places.state, *ground.writes)
        lines.append(f"ReadWritePaths={' '.join(_quote(str(path)) for path in writes)}")
    return (
        f"{_WRITTEN_BY}[Unit]\nDescription=localai self-test: nothing may leave the sandbox\n\n"
        "[Service]\nType=oneshot\n"
        # ":" keeps systemd from reading variables into the words
        f"ExecStart=:{' '.join(_quote(word) for word in ground.program)}\n"
        "TimeoutStartSec=10min\n" + "\n".join(lines) + f"\n{hardened}"
    )


def _check_shared(path: Path, remedy: str) -> None:
    """Raise StateError for what a service with a /tmp of its own would not find, or lose."""
    for place in (path, path.resolve()):
        for private in _PRIVATE:
            if place.is_relative_to(private):
                raise StateError(
                    f"{path} lies in {private}, which no service of the host's shares",
                    hint=f"{remedy}, or give --user",
                )


def timer_text(rhythm: str) -> str:
    """The unit that starts it. A run that was missed while the host was off is made up for."""
    return (
        f"{_WRITTEN_BY}[Unit]\nDescription=localai self-test: {rhythm}\n\n"
        f"[Timer]\nOnCalendar={rhythm}\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def install(ground: Ground, rhythm: str) -> Installed:
    """Write both units and have systemd take them up, if it runs here and this is no moved home.

    ``rhythm`` was checked. Raises StateError if that cannot be done; then no unit is left.
    """
    make_private(ground.places.state)  # the service may write there and nowhere else
    files = (
        (ground.units / f"{NAME}.service", service_text(ground)),
        (ground.units / TIMER, timer_text(rhythm)),
    )
    target = str(ground.units / TIMER) if ground.moved else TIMER
    commands = [("daemon-reload",), ("enable", target), ("restart", TIMER)]
    try:
        make_directory(ground.units, 0o755)
        for path, text in files:
            write_whole(path, text.encode(), mode=0o644)
        left = _call(ground, commands)
    except StateError:
        _unlink(ground)
        raise
    return Installed(files, left)


def remove(ground: Ground) -> Installed | None:
    """Stop the timer and delete both units; None if there are none. Raises StateError."""
    paths = tuple(path for path in _paths(ground) if path.exists())
    if not paths:
        return None
    left = _call(ground, [("disable", "--now", TIMER)])
    _unlink(ground)
    left += _call(ground, [("daemon-reload",)])
    return Installed(tuple((path, "") for path in paths), left)


def find_timer(ground: Ground) -> Timer | None:
    """The timer of this account (or of the host), None if there is none. Raises StateError."""
    service, path = _paths(ground)
    content = read_small(path)
    if content is None:
        return None
    lines = content.decode("utf-8", "replace").splitlines()
    rhythms = [line.partition("=")[2] for line in lines if line.startswith("OnCalendar=")]
    again = "localai selftest schedule --daily, or as it was meant"
    if len(rhythms) != 1 or not service.exists():
        return Timer(path, "", "the units are not as localai wrote them", again)
    if not ground.booted:
        return Timer(path, rhythms[0], "systemd does not run here", "start it on a host it runs on")
    return Timer(path, rhythms[0], *_why_inactive(ground, path))


def _why_inactive(ground: Ground, path: Path) -> tuple[str, str]:
    """Problem and remedy where systemd does not have this very timer waiting."""
    command = [*_systemctl(ground), "show", TIMER, "--property=ActiveState,FragmentPath"]
    answer = ask(ground, command)
    if answer.code:
        return f"systemd does not answer: {answer.said}", " ".join(command)
    shown = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
    if shown.get("ActiveState") != "active" or shown.get("FragmentPath") != str(path):
        start = " ".join([*_systemctl(ground), "enable", "--now", str(path)])
        return f"systemd has it {shown.get('ActiveState') or 'nowhere'}", start
    return "", ""


def _paths(ground: Ground) -> tuple[Path, Path]:
    return ground.units / f"{NAME}.service", ground.units / TIMER


def _systemctl(ground: Ground) -> list[str]:
    if not ground.systemctl:
        raise PlatformError("systemctl is not installed", hint="install systemd, or cron")
    return [ground.systemctl, *(["--user"] if ground.user else [])]


def _call(ground: Ground, commands: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Have systemctl do this where systemd runs; else return what is left to type there."""
    whole = [[*_systemctl(ground), *command] for command in commands]
    if ground.moved or not ground.booted:
        return tuple(" ".join(command) for command in whole)
    for command in whole:
        answer = ask(ground, command)
        if answer.code:
            raise StateError(
                f"{' '.join(command)} failed: {answer.said or f'exit code {answer.code}'}",
                hint="see to what it says, then run this command again",
            )
    return ()


def _unlink(ground: Ground) -> None:
    for path in _paths(ground):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(
                f"cannot delete {path}: {error.strerror}", hint=f"sudo rm {path}"
            ) from error


def _quote(word: str) -> str:
    """One word as systemd.syntax(7) reads it, with no specifier in it."""
    if not word.isprintable():
        raise _unwritable(word)
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _unwritable(word: str) -> StateError:
    return StateError(
        f"{word!r} cannot be written into a unit", hint="move it to a path of plain letters"
    )
