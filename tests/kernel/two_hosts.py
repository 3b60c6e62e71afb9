"""Two hosts with one cable between them: network namespaces of our own, with no way anywhere else.

    unshare --net python two_hosts.py '{"policy": "...", "setup": ["ip route add ..."]}'

This process is the host that is asked about, 10.77.0.1 and fd77::1; the other one is 10.77.0.2 and
fd77::2, and 10.99.0.2 and fd99::2 behind them. Both answer on TCP port 4433. Prints as JSON what
the gate host-egress says under the policy, and how each target was reached.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localai.places import Places
from localai.plan.facts import Use
from localai.plan.gates.host_egress import host_egress
from localai.plan.gather import gather

HERE = """
ip link set lo up
ip link add cable0 type veth peer name cable1
ip link set cable1 netns {peer}
ip address add 10.77.0.1/24 dev cable0
ip address add fd77::1/64 dev cable0 nodad
ip link set cable0 up
"""
THERE = """
ip link set lo up
ip address add 10.77.0.2/24 dev cable1
ip address add 10.99.0.2/32 dev lo
ip address add fd77::2/64 dev cable1 nodad
ip address add fd99::2/128 dev lo nodad
ip link set cable1 up
"""
ANSWER = """
import socket
listener = socket.create_server(("::", 4433), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    listener.accept()[0].close()
"""


def do(commands: str) -> None:
    for line in commands.strip().splitlines():
        subprocess.run(shlex.split(line), check=True, capture_output=True, text=True)


def ask(asked: dict[str, Any], directory: Path) -> dict[str, Any]:
    (directory / "policy.yaml").write_text(asked["policy"])
    places = Places(directory / "none", False, directory, directory / "state")
    now = datetime(2026, 3, 1, tzinfo=UTC)
    facts = gather(places, {}, use=Use(), now=now, host_name="here", terminal=False)
    assert facts.host and not facts.policy.problem, facts.policy.problem
    finding = host_egress(facts, facts.policy.policy)
    reached = {one.target.name: [one.outcome.value, one.detail] for one in facts.host.reached}
    return {
        "verdict": finding.verdict,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
        "reached": reached,
    }


def main(asked: dict[str, Any]) -> None:
    serve = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(ANSWER)}"
    there = "; ".join(THERE.strip().splitlines())
    peer = subprocess.Popen(
        ["unshare", "--net", "sh", "-ec", f"echo born; read -r go; {there}; {serve}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert peer.stdin and peer.stdout
        assert peer.stdout.readline() == "born\n"
        do(HERE.format(peer=peer.pid))
        peer.stdin.write("go\n")
        peer.stdin.flush()
        assert peer.stdout.readline() == "ready\n"
        do("\n".join(asked["setup"]))
        own = ("::", 4433)
        with (
            socket.create_server(own, family=socket.AF_INET6, dualstack_ipv6=True),
            tempfile.TemporaryDirectory() as directory,
        ):
            print(json.dumps(ask(asked, Path(directory))))
    finally:
        peer.kill()
        peer.wait()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
