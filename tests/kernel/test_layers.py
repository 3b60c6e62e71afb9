"""Every layer, taken away and put alone: what it stops, and that nothing stops by accident."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from attribution import ONLY_STOPPED_BY, STOPPED_BY
from trials import TRIAL, Outcomes, full_trial, run_trial

from localai.egress.probes import BY_NAME, PROBES
from localai.egress.probes.probe import FILTERS
from localai.egress.screen import SANITISER
from localai.sandbox.spec import LAYERS

ALL_NAMESPACES = ("user", "mnt", "net", "ipc", "uts", "cgroup", "pid")
EVERYTHING = (*LAYERS, SANITISER)
REMOVABLE = [layer for layer in EVERYTHING if layer != "no-new-privs"]
NEVER_CLOSED = ["tcp4", "udp4", "unix-stream", "unix-datagram", "read-home", "read-file",
                "write-new", "execute", "decoy-write", "decoy-reconnect"]  # fmt: skip

ProbeAll = Callable[..., Outcomes]


def blocked(outcomes: Outcomes) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome == "blocked"}


def stoppers(probe: str, as_root: bool) -> set[str]:
    return set(STOPPED_BY[probe]) - (set() if as_root else {"account"})


def test_with_all_layers_nothing_gets_out() -> None:
    found = full_trial()
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}
    assert found["missing"] == []
    assert found["uid"] != 0


@pytest.mark.parametrize("name", FILTERS)
def test_under_a_filter_alone_nothing_gets_out_that_it_must_stop(name: str) -> None:
    found = full_trial()["filters"][name]
    asked = {probe.name for probe in PROBES if name not in probe.passes and not probe.speaks}
    assert set(found) == asked
    assert set(found.values()) <= {"blocked", "closed", "unsafe-here"}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_must_stop_every_network_probe(name: str) -> None:
    assert not [probe.name for probe in PROBES if probe.network and name in probe.passes]


@pytest.mark.parametrize("withheld", [(), ALL_NAMESPACES], ids=["namespaces", "no-namespaces"])
def test_what_can_never_be_closed_is_not(withheld: tuple[str, ...]) -> None:
    outcomes = full_trial(withheld)["outcomes"]
    assert {name: outcomes[name] for name in NEVER_CLOSED} == dict.fromkeys(NEVER_CLOSED, "blocked")
    assert not any(BY_NAME[name].closing for name in NEVER_CLOSED)


def test_without_any_layer_every_probe_arrives(probe_all: ProbeAll) -> None:
    names = blocked(full_trial()["outcomes"])
    outcomes = probe_all(names, without=list(EVERYTHING))
    assert outcomes == dict.fromkeys(names, "arrived")


@pytest.mark.parametrize("layer", REMOVABLE)
def test_a_layer_alone_stops_what_the_table_says(
    layer: str, as_root: bool, probe_all: ProbeAll
) -> None:
    if not as_root and layer == "account":
        pytest.skip("an ordinary user's worker keeps the user's account")
    names = blocked(full_trial()["outcomes"])
    others = [other for other in EVERYTHING if other != layer]
    outcomes = probe_all(names, without=others)
    assert blocked(outcomes) == {name for name in names if layer in stoppers(name, as_root)}


@pytest.mark.parametrize("layer", REMOVABLE)
def test_a_layer_taken_away_is_missed(layer: str, as_root: bool, probe_all: ProbeAll) -> None:
    """The status says so, the gates refuse, and what only this layer stops gets out."""
    if not as_root and layer in ("account", "capabilities"):
        pytest.skip("an ordinary user's worker has no other account and no capabilities to lose")
    names = blocked(full_trial()["outcomes"])
    outcomes = probe_all(names, without=[layer])
    assert {n for n in names if outcomes[n] == "arrived"} == ONLY_STOPPED_BY[layer] & names


@pytest.mark.parametrize("layer", [layer for layer in REMOVABLE if layer != SANITISER])
def test_the_status_tells_which_layer_is_missing(layer: str, as_root: bool) -> None:
    if not as_root and layer in ("account", "capabilities"):
        pytest.skip("an ordinary user's worker has no other account and no capabilities to lose")
    found = run_trial(without=[layer], only=[])
    # A worker that stays root keeps root's capabilities away from it all the same, and one that
    # becomes another account loses them with the old one.
    assert layer in found["missing"] or (layer == "capabilities" and as_root)
    assert ("namespaces" in found["missing"]) == (layer == "namespaces")


def taken_away_exactly(names: Iterable[str], as_root: bool) -> dict[frozenset[str], list[str]]:
    groups: dict[frozenset[str], list[str]] = {}
    for name in names:
        groups.setdefault(frozenset(stoppers(name, as_root)), []).append(name)
    return groups


def test_a_probe_arrives_once_exactly_its_layers_are_gone(
    as_root: bool, probe_all: ProbeAll
) -> None:
    """With all layers but those that stop it, so that it reaches the call it is named after."""
    names = blocked(full_trial()["outcomes"])
    for layers, group in taken_away_exactly(names, as_root).items():
        outcomes = probe_all(group, without=sorted(layers))
        assert outcomes == dict.fromkeys(group, "arrived"), sorted(layers)


def test_without_no_new_privs_no_worker_can_be_had() -> None:
    with pytest.raises(AssertionError, match=r"landlock_restrict_self|seccomp"):
        run_trial(without=["no-new-privs"])


def test_without_namespaces_the_required_layers_hold() -> None:
    found = full_trial(ALL_NAMESPACES)
    assert found["namespaces"] == []
    assert found["missing"] == ["namespaces"]
    assert found["refusing"] == []
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}
    assert len(blocked(found["outcomes"])) >= 40


def test_without_namespaces_and_layers_every_probe_arrives(probe_all: ProbeAll) -> None:
    names = blocked(full_trial(ALL_NAMESPACES)["outcomes"])
    outcomes = probe_all(names, without=list(EVERYTHING), withheld=ALL_NAMESPACES)
    assert outcomes == dict.fromkeys(names, "arrived")


def test_where_the_kernel_forbids_namespaces_the_rest_holds() -> None:
    """A filter like a container's: no unshare, no setns. It is no layer of ours."""
    found = run_trial(forbid=["unshare", "setns"])
    assert found["namespaces"] == []
    assert found["missing"] == ["namespaces"]
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}


def test_where_handles_on_processes_are_forbidden_the_rest_holds() -> None:
    """As the filters of some containers do."""
    found = run_trial(forbid=["pidfd_open"])
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}
    assert found["outcomes"]["signal-pidfd"] == "closed"


def test_only_mounts_forbidden_costs_one_namespace() -> None:
    """Ubuntu 24.04 grants unshare and then denies mounts."""
    found = run_trial(forbid=["mount"])
    assert "mnt" not in found["namespaces"]
    assert "net" in found["namespaces"]
    assert found["refusing"] == []
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}


@pytest.mark.parametrize("abi", [1, 2, 3, 4, 5, 6])
def test_an_older_landlock_is_enough(abi: int) -> None:
    found = run_trial(landlock=abi)
    assert found["refusing"] == []
    assert found["details"]["landlock"].startswith(f"landlock {abi} ")
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}


def test_no_landlock_at_all_refuses() -> None:
    found = run_trial(landlock=0, only=[])
    assert found["refusing"] == ["landlock"]


@pytest.mark.parametrize("withheld", [(), ALL_NAMESPACES], ids=["namespaces", "no-namespaces"])
def test_a_self_test_leaves_nothing_behind(withheld: tuple[str, ...]) -> None:
    def remains() -> set[str]:
        places = [Path(tempfile.gettempdir()), Path("/dev/shm")]
        files = {str(path) for place in places for path in place.glob("localai-*")}
        ipc = [line for kind in ("msg", "sem", "shm")
               for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]]  # fmt: skip
        return files | {" ".join(line.split()[:2]) for line in ipc}

    before = remains()
    run_trial(withheld=withheld)
    # Nothing of this trial's: another test's laboratory may still be tidying up or starting.
    deadline = time.monotonic() + 10
    while not remains() <= before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert remains() <= before


def wait_for_the_end(pid: str) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_launcher_that_is_killed_leaves_nothing_behind() -> None:
    """The laboratory outlives it for a moment and tidies up."""
    code = (
        "import os, signal, tempfile; from pathlib import Path\n"
        "from localai.egress.decoys import leave_decoys; leave_decoys()\n"
        "from localai.egress.proving import Proof; from localai.sandbox import kernel\n"
        "place = Path(tempfile.mkdtemp(prefix='here-'))\n"
        "proof = Proof(place, kernel.read_status())\n"
        "print(place, proof.wait_for_premises().directory, proof.laboratory.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == -signal.SIGKILL, done.stderr
    place, directory, laboratory = done.stdout.split()
    wait_for_the_end(laboratory)
    assert not Path(directory).exists()
    assert list(Path(place).iterdir()) == []
    Path(place).rmdir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try it as another account")
def test_no_other_account_can_plant_links_where_the_controls_write(tmp_path: Path) -> None:
    """Controls are not confined: they would truncate, write and chmod whatever a link leads to.
    Without a mount namespace the laboratory's directory lies in a /tmp that others see."""
    code = (
        "import sys; from pathlib import Path\n"
        "from localai.beginning import make_spec\n"
        "from localai.egress.decoys import leave_decoys; leave_decoys()\n"
        "from localai.egress.isolation import KINDS\n"
        "from localai.egress.proving import Proof; from localai.sandbox import kernel\n"
        "proof = Proof(Path(sys.argv[1]), kernel.read_status(), frozenset(('user', *KINDS)))\n"
        "premises = proof.wait_for_premises()\n"
        "print(premises.directory, flush=True)\n"
        "sys.stdin.readline()\n"
        "print(make_spec(premises, (), 1).uid, flush=True)\n"
        "sys.stdin.readline()\n"
        "proof.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as job:  # fmt: skip
        assert job.stdin and job.stdout
        planted = f"{job.stdout.readline().strip()}/drops/length-0"

        def can_reach(account: int) -> bool:
            asked = ["test", "-e", planted]
            done = subprocess.run(asked, check=False, user=account, group=account, extra_groups=[])
            return not done.returncode

        assert can_reach(0)
        assert not can_reach(2000)
        job.stdin.write("\n")
        job.stdin.flush()
        assert can_reach(int(job.stdout.readline()))
        assert not can_reach(2000)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"])
def test_a_signal_to_the_whole_job_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    """What a terminal that is closed, Ctrl-C, or timeout(1) sends."""
    code = (
        "import signal, sys, time; from pathlib import Path\n"
        f"signal.signal(signal.{name}, signal.SIG_DFL)  # a job in the background ignores some\n"
        "from localai.egress.decoys import leave_decoys; leave_decoys()\n"
        "from localai.egress.proving import Proof; from localai.sandbox import kernel\n"
        "proof = Proof(Path(sys.argv[1]), kernel.read_status())\n"
        "print(proof.wait_for_premises().directory, proof.laboratory.pid, flush=True)\n"
        "time.sleep(30)\n"
    )
    job = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           start_new_session=True)  # fmt: skip
    assert job.stdout is not None
    directory, laboratory = job.stdout.readline().split()
    os.killpg(job.pid, signal.Signals[name])
    job.wait(10)
    wait_for_the_end(laboratory)
    assert not Path(directory).exists()
    assert list(tmp_path.iterdir()) == []


def make_passable(*needed: str | Path) -> str:
    """Shell commands that let every account reach ``needed`` in a mount namespace of one's own:
    a closed directory on the way is covered by an open one that holds nothing else."""
    commands = ["mount -t tmpfs tmpfs /mnt"]
    covered: dict[Path, str] = {}
    for path in dict.fromkeys(Path(one).resolve() for one in needed):
        ways = [way for way in reversed(path.parents) if not way.stat().st_mode & 0o001]
        if not ways:
            continue
        if ways[0] not in covered:
            kept = covered[ways[0]] = f"/mnt/{len(covered)}"
            commands += [f"mkdir {kept}", f"mount --bind {ways[0]} {kept}",
                         f"mount -t tmpfs -o mode=755 tmpfs {ways[0]}"]  # fmt: skip
        inside = f"{covered[ways[0]]}/{path.relative_to(ways[0])}"
        commands += [f"mkdir -p {path}", f"mount --bind {inside} {path}"]
    return " && ".join(commands)


def test_a_proc_that_hides_processes_does_not_hide_the_worker(as_root: bool) -> None:
    if not as_root:
        pytest.skip("mounting /proc with hidepid takes root")
    way = make_passable(sys.base_prefix, sys.prefix, TRIAL.parents[2])
    script = (
        f"{way} && mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=61201"
        f" --regid=61201 --clear-groups {sys.executable} {TRIAL} '{{}}'"
    )
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "sh", "-c", script],
                          capture_output=True, text=True, timeout=60, cwd="/")  # fmt: skip
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["refusing"] == [], done.stderr
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}


def test_a_control_that_is_confined_proves_nothing() -> None:
    found = run_trial(forbid=["vhangup"], controls_confined=True)
    assert set(found["outcomes"].values()) - {"unsafe-here"} == {"not-checked"}
    assert "the control is confined itself" in found["errors"]["tcp4"]
