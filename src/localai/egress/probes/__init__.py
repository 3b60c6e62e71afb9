"""The probes: every attempt to get a nonce out, one explicit list of them.

A probe's target and its nonce are all that it knows. Whether it got out, its sink decides.
"""

from __future__ import annotations

from localai.egress.probes import (
    abi,
    descriptors,
    escapes,
    families,
    files,
    handed,
    ipc,
    locks,
    names,
    neighbours,
    network,
    processes,
    rings,
    services,
    spools,
    windows,
)
from localai.egress.probes.probe import Attempt, Probe, Target

PROBES: tuple[Probe, ...] = (
    *network.PROBES,
    *neighbours.PROBES,
    *families.PROBES,
    *names.PROBES,
    *services.PROBES,
    *abi.PROBES,
    *rings.PROBES,
    *descriptors.PROBES,
    *handed.PROBES,
    *processes.PROBES,
    *files.PROBES,
    *locks.PROBES,
    *spools.PROBES,
    *windows.PROBES,
    *ipc.PROBES,
    *escapes.PROBES,
)
BY_NAME = {probe.name: probe for probe in PROBES}


def prepare() -> None:
    """Make what probes need that a confined process can no longer make."""
    abi.prepare_int80()


def attempt(probe: Probe, target: Target, nonce: str) -> Attempt:
    """Try ``probe`` once in this process and say what its call met."""
    try:
        learned = probe.attempt(target, nonce.encode())
    except OSError as error:
        return Attempt(error=error.errno or 0, failed="" if error.errno else str(error))
    except (RuntimeError, ValueError, KeyError) as error:
        return Attempt(failed=f"{type(error).__name__}: {error}")
    return Attempt(learned=(learned or b"").decode("utf-8", "replace"))
