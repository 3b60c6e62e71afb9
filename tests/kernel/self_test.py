"""One self-test as ``localai selftest`` makes it, without the host's posture: run as a program by
the mutation test, in whatever copy of localai the interpreter finds.

    python self_test.py DIRECTORY

Prints as JSON: the verdicts of the gates ``sandbox`` and ``sandbox-egress``, their evidence, the
probes that were blocked, and the namespaces that this host grants.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import localai
from localai.egress.isolation import isolate
from localai.egress.selftest import Outcome
from localai.launch import prove_host
from localai.places import find_places
from localai.plan.facts import Use
from localai.plan.gates.sandbox_egress import sandbox_egress
from localai.plan.gates.sandbox_layers import sandbox_layers
from localai.plan.gather import gather
from localai.policy import Policy
from localai.sandbox import kernel


def main(directory: Path) -> None:
    assert Path(localai.__file__).is_relative_to(directory), "this is not the changed copy"
    granted = _granted()  # nothing can be had any more once this process is hidden
    environ = {"LOCALAI_HOME": str(directory / "home")}
    places = find_places(environ, directory / "home")
    now = datetime.now(UTC)
    facts = gather(places, environ, use=Use(), now=now, host_name="host", terminal=False)
    facts = prove_host(facts, places)
    findings = [gate(facts, Policy()) for gate in (sandbox_layers, sandbox_egress)]
    evidence = "; ".join(f"{found.summary}: {found.evidence}" for found in findings)
    blocked = [result.probe for result in facts.egress.results
               if result.outcome is Outcome.BLOCKED] if facts.egress else []  # fmt: skip
    verdicts = {found.check: found.verdict for found in findings}
    print(json.dumps([verdicts, evidence, blocked, granted]))


def _granted() -> tuple[str, ...]:
    """The namespaces that this host grants."""
    with tempfile.TemporaryDirectory() as directory:
        reader, writer = os.pipe()
        child = kernel.fork(lambda: os.write(writer, " ".join(isolate(Path(directory))).encode()))
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader, encoding="ascii") as said:
            return tuple(said.read().split())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
