"""Facts: everything the gates look at, gathered before they are asked.

A gate never reads a file, a clock or the environment; it reads these types. ``None`` means that
the fact was not gathered, and the gate concerned then says ``not-checked``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from shlex import quote
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from localai.findings import Finding

if TYPE_CHECKING:  # types only: a start must not pay for modules that it does not use
    from localai.account import Account
    from localai.egress.selftest import EgressReport
    from localai.environment import Reading
    from localai.gguf.facts import GgufFacts
    from localai.gguf.statements import Statements
    from localai.host import HostFacts
    from localai.manifest.schema import Entry
    from localai.manifest.verify import LoadedManifest
    from localai.policy import LoadedPolicy
    from localai.sandbox.status import SandboxStatus
    from localai.selftests.result import Result
    from localai.store.state import Place


class Use(NamedTuple):
    """What the artifact is wanted for, as asked on the command line."""

    purpose: str = "evaluation"
    data_class: str = "public"


class Artifact(NamedTuple):
    """An artifact as it was measured: the model, or what is to be loaded beside it.

    ``path`` is what was asked for, ``name`` what to call it on a screen, ``size`` its bytes,
    ``kind`` what it is to be loaded as, and ``scale`` how strongly an adapter is to count.
    ``digests`` holds what was computed over those bytes, one for each file in order, with its kind
    in front (``tree-sha256:...``, ``sha256:...``), nothing if they could not be measured.
    ``entry`` is the entry with exactly these and ``manifest`` the name of the manifest that holds
    it.
    ``sealed``: what was measured is a copy in memory that nobody can change; ``read_only``: it is
    the file itself, which nobody but its owner can change (:mod:`localai.custody`).
    ``place`` is where in the store it lies, None if nobody looked.
    ``format`` holds what the bounded reader found (checks ``gguf-...``) and ``held`` what the
    files hold of what an entry pins, ``said`` what they state of their origin and licence, None
    if they could not be read; ``problem`` and ``remedy`` say why the file could not be opened,
    sealed or measured. ``seconds`` is how long sealing and measuring took.
    """

    path: str
    name: str
    size: int = 0
    digests: tuple[str, ...] = ()
    entry: Entry | None = None
    manifest: str = ""
    sealed: bool = False
    read_only: bool = False
    seconds: float = 0.0
    place: Place | None = None
    format: tuple[Finding, ...] = ()
    held: GgufFacts | None = None
    said: Statements | None = None
    problem: str = ""
    remedy: str = ""
    kind: str = "model"
    scale: float = 1.0

    @property
    def how_to_approve(self) -> str:
        """The command with which an entry of it begins."""
        if self.kind == "model":
            return f"localai approve {quote(self.path)}"
        return f"localai manifest propose {quote(self.path)} --kind {self.kind}"


class Resources(NamedTuple):
    """Memory in bytes: what the start needs, what is free, and which limit says so."""

    needed: int
    free: int
    limited_by: str
    problem: str = ""
    remedy: str = ""


class LastSelfTest(NamedTuple):
    """The newest result of a self-test, None if there is none, and how many hours ago it was;
    negative if it lies in the future. ``problem`` and ``remedy``: why it could not be read."""

    result: Result | None = None
    hours: float = 0.0
    problem: str = ""
    remedy: str = ""


class Facts(NamedTuple):
    """All that is known when the gates are asked.

    ``companions`` are loaded beside the model ``artifact``: () if none was asked for.
    ``unprobed`` says why no worker was probed, where that was on purpose
    (:func:`localai.plan.build.why_not_to_probe`), ``unsealed`` why none could be confined.
    """

    today: date
    use: Use
    account: Account
    labels: tuple[Reading, ...]
    policy: LoadedPolicy
    manifests: tuple[LoadedManifest, ...]
    host: HostFacts | None = None
    artifact: Artifact | None = None
    companions: tuple[Artifact, ...] | None = None
    switches: tuple[str, ...] | None = None  # telemetry switches seen in the worker's environment
    sandbox: SandboxStatus | None = None
    egress: EgressReport | None = None
    resources: Resources | None = None
    self_test: LastSelfTest | None = None  # looked for only where the policy asks
    unprobed: str = ""
    unsealed: str = ""
    timings_ms: Mapping[str, float] = MappingProxyType({})

    @property
    def artifacts(self) -> tuple[Artifact | None, ...]:
        """The model first."""
        return (self.artifact, *(self.companions or ()))
