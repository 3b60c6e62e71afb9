"""The host's posture as findings: what runs and talks here, what leaves by folders, how it is set.

For the self-test and for ``doctor``; a start does not wait for any of this. Nothing is sent and
nothing is changed. What cannot be told is ``not-checked``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from localai.findings import Finding, Verdict
from localai.host import baseline, connections, tools
from localai.host.facts import is_wsl
from localai.host.folders import Mount, find_mount, find_shared, read_mounts, real
from localai.host.programs import Program, read_programs
from localai.host.switches import TELEMETRY_SWITCHES, forced_switches

ONE_SIDE = "Linux side only"
_KEPT = "what a model reads and writes is only as safe as where it is kept"
_MEMORY = "prompts lie in memory, and must not get out of it onto a disk or into another program"


class Look(NamedTuple):
    """What to look at: the environment, account and home of a person, the folders that matter by
    their use, and the root of the file system."""

    environ: Mapping[str, str]
    uid: int
    home: Path
    folders: Mapping[str, Path]
    root: Path = Path("/")

    @property
    def proc(self) -> Path:
        return self.root / "proc"

    @property
    def sys(self) -> Path:
        return self.root / "sys"


def look_at_posture(look: Look) -> tuple[Finding, ...]:
    """Everything, each question answered by itself: what cannot be read hides nothing else."""
    found = [_answer(check, ask, look) for check, ask in _QUESTIONS.items()]
    if not is_wsl(look.proc):
        return tuple(found)
    halves = (one._replace(evidence=_joined(one.evidence, ONE_SIDE)) for one in found)
    return (*halves, _WINDOWS)


def _answer(check: str, ask: Callable[[Look], Finding], look: Look) -> Finding:
    try:
        return ask(look)
    except OSError as error:
        evidence = f"{error.filename}: {error.strerror}"
        return Finding(check, Verdict.NOT_CHECKED, "cannot be read", evidence)


def _programs(look: Look) -> tuple[Program, ...]:
    return read_programs(look.proc, tools.SWITCHES)


def _listening(look: Look) -> Finding:
    return connections.listening(look.proc / "net", _programs(look))


def _connected(look: Look) -> Finding:
    return connections.connected(_programs(look))


def _tools(look: Look) -> Finding:
    settings = tools.read_settings(_programs(look), look.home, look.root, look.environ)
    said = "; ".join(f"{one.tool}: {one.detail}" for one in settings)
    if not settings:
        return Finding("host-tools", Verdict.PASS, "none", "no other AI tool known to localai")
    if all(one.off for one in settings):
        return Finding("host-tools", Verdict.PASS, "telemetry off", said)
    unknown = all(one.off is not False for one in settings)
    return Finding(
        "host-tools",
        Verdict.NOT_CHECKED if unknown else Verdict.NOTE,
        "telemetry unknown" if unknown else "telemetry not off",
        said,
        why="other AI tools on this host may send home what localai keeps here",
        remedy="take the tool off this host, or set it as shown and restart it",
    )


def _switches(look: Look) -> Finding:
    missing = [n for n in TELEMETRY_SWITCHES if n not in forced_switches(look.environ)]
    if not missing:
        evidence = "for all programs of this account"
        return Finding("host-switches", Verdict.PASS, "set", evidence)
    evidence = f"{', '.join(missing[:3])}{', ...' if missing[3:] else ''}"
    return Finding(
        "host-switches",
        Verdict.NOTE,
        f"{len(missing)} of {len(TELEMETRY_SWITCHES)} not set",
        f"{evidence}: forced in localai's worker only",
        remedy="set them in /etc/environment, with the values that docs/soc.md lists",
    )


def _folders(look: Look) -> Finding:
    mounts = read_mounts(look.proc)
    shared = [
        str(one)
        for use, path in look.folders.items()
        for one in find_shared(use, path, mounts, look.home)
    ]
    if not shared:
        evidence = ", ".join(look.folders)
        return Finding("host-folders", Verdict.PASS, "local", evidence)
    remedy = "keep models, records and work in folders of a local disk that no client synchronises"
    return _note("host-folders", "leave this machine", "; ".join(shared), _KEPT, remedy)


def _account(look: Look) -> Finding:
    if look.uid:
        return Finding("host-account", Verdict.PASS, "ordinary", f"uid {look.uid}")
    why = "a mistake made as root is a mistake of the whole machine"
    return _note("host-account", "root", "uid 0", why, "run localai as an ordinary user")


def _paths(look: Look) -> Finding:
    if open_paths := tuple(baseline.open_to_others(look.folders.values())):
        remedy = f"chmod o-w {' '.join(path.partition(' (')[0] for path in open_paths)}"
        return _note("host-paths", "open", "; ".join(open_paths), _KEPT, remedy)
    evidence = f"nobody else may write to {', '.join(look.folders)}"
    return Finding("host-paths", Verdict.PASS, "closed", evidence)


def _core_dumps(look: Look) -> Finding:
    if taker := baseline.find_core_dumps(look.proc):
        remedy = "sysctl kernel.core_pattern=core, and ulimit -c 0"
        return _note("host-core-dumps", "kept", taker, _MEMORY, remedy)
    return Finding("host-core-dumps", Verdict.PASS, "not kept", "no program takes them, limit 0")


def _swap(look: Look) -> Finding:
    if areas := baseline.unprotected_swap(look.proc, look.sys):
        remedy = "swapoff -a, or put swap on an encrypted device or zram"
        return _note("host-swap", "in the clear", ", ".join(areas), _MEMORY, remedy)
    return Finding("host-swap", Verdict.PASS, "none in the clear", "no swap on a plain disk")


def _tracing(look: Look) -> Finding:
    scope = baseline.trace_scope(look.proc)
    if scope:
        return Finding("host-tracing", Verdict.PASS, "restricted", f"ptrace_scope {scope}")
    if scope is None:
        remedy = "put yama into the kernel's lsm= list"
        return _note("host-tracing", "free", "this kernel has no Yama", _MEMORY, remedy)
    remedy = "sysctl kernel.yama.ptrace_scope=1"
    return _note("host-tracing", "free", "ptrace_scope 0", _MEMORY, remedy)


def _disk(look: Look) -> Finding:
    mounts = read_mounts(look.proc)
    answers = {use: _is_encrypted(path, mounts, look.sys) for use, path in look.folders.items()}
    plain = [use for use, answer in answers.items() if answer is False]
    hidden = [use for use, answer in answers.items() if answer is None]
    if plain:
        remedy = "put them on an encrypted disk (LUKS)"
        return _note("host-disk", "in the clear", ", ".join(plain), _KEPT, remedy)
    if hidden:
        evidence = f"this kernel does not show what lies below: {', '.join(hidden)}"
        return Finding("host-disk", Verdict.NOT_CHECKED, "not seen", evidence, why=_KEPT)
    return Finding("host-disk", Verdict.PASS, "encrypted", ", ".join(answers))


def _is_encrypted(path: Path, mounts: tuple[Mount, ...], sys: Path) -> bool | None:
    place = next(one for one in (path, *path.parents) if one.exists())
    device = place.stat().st_dev
    mount = find_mount(real(place), mounts)
    if os.major(device) == 0 and mount and mount.source.startswith("/dev/"):  # as btrfs has it
        with contextlib.suppress(OSError):
            device = Path(mount.source).stat().st_rdev
    return baseline.is_encrypted(device, sys)


def _note(check: str, summary: str, evidence: str, why: str, remedy: str) -> Finding:
    return Finding(check, Verdict.NOTE, summary, evidence, why=why, remedy=remedy)


def _joined(*texts: str) -> str:
    return ", ".join(filter(None, texts))


_QUESTIONS: Mapping[str, Callable[[Look], Finding]] = {
    "host-listening": _listening,
    "host-connections": _connected,
    "host-tools": _tools,
    "host-switches": _switches,
    "host-folders": _folders,
    "host-account": _account,
    "host-paths": _paths,
    "host-core-dumps": _core_dumps,
    "host-swap": _swap,
    "host-tracing": _tracing,
    "host-disk": _disk,
}
_WINDOWS = Finding(
    "host-windows",
    Verdict.NOT_CHECKED,
    "not seen",
    f"{ONE_SIDE}: programs, connections, synchronised folders and disks of Windows are not "
    "visible from here",
    why="Linux inside Windows is one half of the machine",
    remedy="look on Windows: Get-NetTCPConnection, Get-Process, manage-bde -status; and keep "
    "Windows programs out of reach with [interop] enabled=false in /etc/wsl.conf",
)
