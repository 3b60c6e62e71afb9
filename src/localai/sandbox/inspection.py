"""Find out from outside what holds around a worker.

Everything here is read from the worker's /proc files by the launcher, except what /proc does not
show: Landlock, which decoys in the worker had to run into.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from localai.errors import WorkerError
from localai.sandbox import kernel
from localai.sandbox.confine import Evidence
from localai.sandbox.limits import LIMITS, describe_descriptors, parse_limits
from localai.sandbox.namespaces import read_namespaces
from localai.sandbox.spec import LOWEST_LANDLOCK, OPTIONAL, SandboxSpec
from localai.sandbox.status import Layer, SandboxStatus

_WHOLE = 1 << 16  # bytes: more than either file has
_SECCOMP_FILTERING = "2"  # SECCOMP_MODE_FILTER in proc_pid_status(5)
_STANDARD = ("stdin", "stdout", "stderr")
_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


class Early(NamedTuple):
    """What can only be seen before the worker hides itself: its namespaces and descriptors, the
    namespaces that it came through, and whether its root directory is another than ours; and its
    files ``status`` and ``limits``, opened: on a host that mounts /proc with hidepid they cannot
    be found later, but still be read."""

    own_root: bool
    namespaces: Mapping[str, str]
    laboratory: Mapping[str, str]
    descriptors: Mapping[int, str]
    status: int
    limits: int

    def close(self) -> None:
        os.close(self.status)
        os.close(self.limits)


def look_early(pid: int, spec: SandboxSpec) -> Early:
    """Look at worker ``pid`` while it may still be looked at. Raises OSError if it may not."""
    laboratory = read_namespaces(spec.laboratory) if spec.laboratory else {}
    own_root = not os.path.samefile(f"/proc/{pid}/root", "/")  # noqa: PTH121
    seen = own_root, read_namespaces(pid), laboratory, describe_descriptors(pid)
    status, limits = (
        os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("status", "limits")
    )
    return Early(*seen, status, limits)


def inspect(
    pid: int,
    spec: SandboxSpec,
    early: Early,
    evidence: Evidence,
    *,
    filters_before: int,
    expected: frozenset[int],
) -> SandboxStatus:
    """Say of every layer whether it is in force around worker ``pid``.

    ``filters_before`` is how many seccomp filters the launcher itself has (a container adds
    some); ``expected`` are the descriptors that the worker was given. Raises OSError if the
    worker is gone, WorkerError if it is traced, since before it hid itself.
    """
    status = kernel.parse_status(os.pread(early.status, _WHOLE, 0))
    if tracer := int(status["TracerPid"]):
        raise WorkerError(
            f"process {tracer} traces the worker and could change what it reports",
            hint="run localai without a debugger or tracer",
        )
    layers = (
        _seccomp(status, filters_before),
        _landlock(spec, evidence, ("file", "tcp", "rest")),
        _layer("no-new-privs", status["NoNewPrivs"] == "1", "no new privileges"),
        _capabilities(status, spec),
        _account(status, spec),
        _rlimits(os.pread(early.limits, _WHOLE, 0)),
        _descriptors(early, evidence, expected),
        _namespaces(early.namespaces, early.laboratory, spec, own_root=early.own_root),
    )
    return SandboxStatus(layers, int(status["Uid"].split()[0]), pid)


def inspect_first(
    pid: int, spec: SandboxSpec, evidence: Evidence, *, filters_before: int
) -> tuple[Layer, ...]:
    """Say of every layer whether it is in force around process ``pid``, which is confined as far
    as the first stage goes: the layers of the second are looked at like the others.

    Raises OSError if that cannot be looked at.
    """
    status = kernel.read_status(pid)
    laboratory = read_namespaces(spec.laboratory) if spec.laboratory else {}
    filters = _count_filters(status, filters_before, unknown=1)
    filtered = status["Seccomp"] == _SECCOMP_FILTERING and filters >= 1
    return (
        _layer("seccomp", filtered, "first of 3 filters" if filtered else "no filter"),
        _landlock(spec, evidence, ("file", "tcp")),
        _layer("no-new-privs", status["NoNewPrivs"] == "1", "no new privileges"),
        *map(_explain_missing, _inspect_second(pid, status, spec)),
        _namespaces(read_namespaces(pid), laboratory, spec, own_root=True),
    )


def _inspect_second(pid: int, status: Mapping[str, str], spec: SandboxSpec) -> Iterator[Layer]:
    with open(f"/proc/{pid}/limits", "rb") as file:  # noqa: PTH123
        limits = _rlimits(file.read())
    yield from (_capabilities(status, spec), _account(status, spec), limits)
    found = describe_descriptors(pid)
    kept = [f"{name} is a {found[at]}" for at, name in enumerate(_STANDARD) if at in found]
    yield _layer("descriptors", not kept, ", ".join(kept) or "none of yours")


def _explain_missing(layer: Layer) -> Layer:
    """A layer of the second stage, which a guest that keeps the first does not have."""
    if layer.in_force:
        return layer
    return layer._replace(detail=f"only around a model; here: {layer.detail}")


def _layer(name: str, in_force: bool, detail: str) -> Layer:
    return Layer(name, name not in OPTIONAL, in_force, detail)


def _seccomp(status: Mapping[str, str], before: int) -> Layer:
    """Two filters beside those that the launcher had. Linux before 5.9 does not count them."""
    filters = _count_filters(status, before, unknown=2)
    in_force = status["Seccomp"] == _SECCOMP_FILTERING and filters >= 2
    return _layer("seccomp", in_force, "seccomp" if in_force else f"{filters} filters of 2")


def is_locked(early: Early, filters_before: int) -> bool:
    """Whether the third filter is there as well: looked at once the worker was probed."""
    status = kernel.parse_status(os.pread(early.status, _WHOLE, 0))
    return _count_filters(status, filters_before, unknown=3) >= 3


def _count_filters(status: Mapping[str, str], before: int, *, unknown: int) -> int:
    return int(status.get("Seccomp_filters", before + unknown)) - before


def _landlock(spec: SandboxSpec, evidence: Evidence, decoys: Sequence[str]) -> Layer:
    held = all(evidence.get(f"landlock-{decoy}") is True for decoy in decoys)
    if spec.landlock < LOWEST_LANDLOCK:
        return _layer("landlock", False, "this kernel has no Landlock")
    if not held:
        return _layer("landlock", False, "a decoy could still be reached")
    return _layer("landlock", True, f"landlock {spec.landlock} ({evidence['landlock']})")


def _capabilities(status: Mapping[str, str], spec: SandboxSpec) -> Layer:
    """None held, and none to come back where the worker could see to that."""
    could = "user" in spec.namespaces or kernel.may_drop_capabilities()
    sets = (*_SETS, "CapBnd") if could else _SETS
    held = {name: status[name] for name in sets if int(status[name], 16)}
    detail = ", ".join(f"{name} {value}" for name, value in held.items())
    return _layer("capabilities", not held, detail or "0 capabilities")


def _account(status: Mapping[str, str], spec: SandboxSpec) -> Layer:
    uids = set(status["Uid"].split())
    if not spec.uid:
        return _layer("account", "0" not in uids, "the user's own account")
    in_force = uids == {str(spec.uid)} and not status["Groups"].strip()
    return _layer("account", in_force, "an account of its own" if in_force else "still root")


def _rlimits(content: bytes) -> Layer:
    found = parse_limits(content)
    wrong = [name for name, (_, value) in LIMITS.items() if found.get(name) != str(value)]
    return _layer("rlimits", not wrong, ", ".join(wrong) or f"{len(LIMITS)} limits")


def _descriptors(early: Early, evidence: Evidence, expected: frozenset[int]) -> Layer:
    """Seen from outside: nothing but what was given. Seen from inside, at the end: no socket."""
    stray = set(early.descriptors) - expected
    sockets = evidence.get("sockets")
    in_force = not stray and sockets == 0
    detail = f"left open: {sorted(stray)}" if stray else f"{sockets} sockets"
    return _layer("descriptors", in_force, "no socket" if in_force else detail)


def _namespaces(
    found: Mapping[str, str], laboratory: Mapping[str, str], spec: SandboxSpec, *, own_root: bool
) -> Layer:
    """Every kind that this host grants is neither the host's nor the one with the sinks, and the
    root is empty. The user namespace is the laboratory's too: it is what the others belong to.
    A host that grants no network of one's own is the only excuse."""
    ours = read_namespaces()
    other = {kind: name for kind, name in found.items() if name != ours[kind]}
    granted = [kind for kind in spec.namespaces if kind != "user"]
    missing = [k for k in granted if other.get(k) in (None, laboratory.get(k))]
    if "mnt" in granted and not own_root:
        missing.append("root directory")
    if "net" not in granted:
        return Layer("namespaces", False, False, "none of its own")
    detail = f"shared: {', '.join(missing)}" if missing else f"{len(other)} namespaces"
    return Layer("namespaces", True, not missing, detail)
