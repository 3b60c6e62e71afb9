"""Facts of a start in which everything is as it should be; tests spoil one thing at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from localai.account import Account, Origin
from localai.egress.probes.probe import FILTERS
from localai.egress.selftest import EgressReport, FilterReport, Outcome, ProbeResult
from localai.environment import Power, Reading
from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFacts
from localai.gguf.statements import Statements
from localai.host import TELEMETRY_SWITCHES, HostFacts
from localai.manifest.schema import (
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    Source,
    Use,
)
from localai.manifest.verify import Authority, LoadedManifest, Verification
from localai.plan import facts as plan
from localai.policy import LoadedPolicy, Policy, Restricted
from localai.reports.report import Report
from localai.sandbox.status import Layer, SandboxStatus
from localai.selftests.result import make_result
from localai.store.state import Place

TODAY = date(2026, 3, 1)
RESTRICTED = Restricted("Example list", date(2026, 2, 1), ("Forbidden Labs",))


@pytest.fixture
def entry() -> Entry:
    return Entry(
        id="tiny",
        name="Tiny 1M Q4_1",
        kind=Kind.MODEL,
        licence="Apache-2.0",
        source=Source("Example", "example/tiny"),
        files=(ArtifactFile("tiny.gguf", 98 << 20, "a" * 64, "b" * 64),),
        gguf=GgufFacts("llama", 12),
        approval=Approval("Pat Doe", date(2026, 2, 1), date(2027, 2, 1)),
        use=Use(("evaluation",), ("public",), ("it-staff",)),
    )


@pytest.fixture
def loaded(entry: Entry) -> LoadedManifest:
    manifest = Manifest("allowlist", 3, date(2026, 2, 1), date(2026, 6, 1), (entry,))
    findings = (
        Finding("manifest-signature", Verdict.PASS, "version 3", "allowlist, 2 of 2 signatures"),
        Finding("manifest-freshness", Verdict.PASS, "91 days left", "until 2026-06-01"),
    )
    verification = Verification(
        findings, "c" * 64, Authority.ADMINISTRATOR, manifest, ("a", "b"), 2
    )
    return LoadedManifest(Path("/etc/localai/manifests/allowlist.yaml"), verification)


@pytest.fixture
def egress() -> EgressReport:
    blocked = tuple(
        ProbeResult(f"way-{number}", Outcome.BLOCKED, True, 1, "EPERM") for number in range(42)
    )
    closed = ProbeResult("vsock", Outcome.CLOSED, False, 97, "EAFNOSUPPORT")
    return EgressReport((*blocked, closed), dict.fromkeys(FILTERS, FilterReport(blocked[:21])), 0.4)


@pytest.fixture
def report(egress: EgressReport) -> Report:
    """A self-test that passed, number 7 of the log."""
    findings = (
        Finding("sandbox", Verdict.PASS, "sealed", "seccomp, landlock 7"),
        Finding("sandbox-egress", Verdict.PASS, "0 of 42 got out", "42 of 42 controls arrived"),
    )
    posture = (Finding("host-egress", Verdict.NOTE, "online", "noted: policy allows it"),)
    began = datetime(2026, 3, 1, 3, 4, 5, 678000, UTC)
    result = make_result(
        began, egress, (*findings, *posture), version="0.1.0", kernel="6.18.0"
    )._replace(number=7)
    return Report(result, findings, posture, egress, None, "it-7")


@pytest.fixture
def good(entry: Entry, loaded: LoadedManifest, egress: EgressReport) -> plan.Facts:
    """Nothing is wrong, and nothing even worth a note but that the host is online."""
    layers = (
        Layer("seccomp", True, True, "seccomp"),
        Layer("landlock", True, True, "landlock 7"),
        Layer("no-new-privs", True, True, "no new privileges"),
        Layer("capabilities", True, True, "0 capabilities"),
        Layer("account", True, True, "an account of its own"),
        Layer("rlimits", True, True, "9 limits"),
        Layer("descriptors", True, True, "no socket"),
        Layer("namespaces", False, True, "6 namespaces"),
    )
    return plan.Facts(
        today=TODAY,
        use=plan.Use(),
        account=Account(1000, "pat", ("it-staff",), Origin.LOCAL, "", None, True),
        labels=(Reading("/etc/localai/environment", "sandbox", Power.ADMINISTRATOR),),
        policy=LoadedPolicy(
            Policy("agency", restricted=RESTRICTED),
            True,
            (("/etc/localai/policy.yaml", "d" * 64),),
        ),
        manifests=(loaded,),
        host=HostFacts(routes=("over eth0",)),
        artifact=plan.Artifact(
            path="models/tiny.gguf",
            name="Tiny 1M Q4_1",
            size=98 << 20,
            digests=("tree-sha256:" + "b" * 64,),
            place=Place(),
            entry=entry,
            manifest="allowlist",
            sealed=True,
            seconds=0.08,
            format=(Finding("artifact-format", Verdict.PASS, "GGUF v3", "12 tensors"),),
            held=GgufFacts("llama", 12),
            said=Statements(("apache-2.0",), (("general.name", "Tiny 1M"),)),
        ),
        companions=(),
        switches=tuple(TELEMETRY_SWITCHES),
        sandbox=SandboxStatus(layers, 65534, 4711),
        egress=egress,
        resources=plan.Resources(200 << 20, 4 << 30, "MemAvailable"),
        timings_ms={"seal": 80.04},
    )
