"""What every format reports: one self-test with all that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from localai.errors import Exit
from localai.findings import Finding, Verdict

if TYPE_CHECKING:
    from localai.egress.selftest import EgressReport
    from localai.sandbox.status import SandboxStatus
    from localai.selftests.result import Result

_EXITS = {
    Verdict.PASS: Exit.DONE,
    Verdict.FAIL: Exit.REFUSED,
    Verdict.NOT_CHECKED: Exit.COULD_NOT_ACT,
}


class Report(NamedTuple):
    """``result`` is the line that was kept, ``findings`` are about worker, launcher and probes,
    ``posture`` about the host. ``egress`` and ``sandbox`` are None if no worker could be had.
    ``host`` is this machine's name."""

    result: Result
    findings: tuple[Finding, ...]
    posture: tuple[Finding, ...]
    egress: EgressReport | None
    sandbox: SandboxStatus | None
    host: str

    @property
    def exit_code(self) -> Exit:
        """0: all blocked and every control arrived; 3: something got out; 4: not all could be
        checked."""
        return _EXITS[self.result.verdict]
