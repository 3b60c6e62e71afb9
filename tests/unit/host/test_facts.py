"""What can be seen of a host without sending anything."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localai.host import TELEMETRY_SWITCHES, forced_switches, read_host

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with loopback routes only, and no process."""
    net = tmp_path / "net"
    net.mkdir()
    (net / "route").write_text("Iface\tDestination\tGateway\n")
    (net / "ipv6_route").write_text(f"{'0' * 32} 80 {'0' * 32} 00 0 0 0 0 0       lo\n")
    return tmp_path


def test_routes_are_listed_by_interface_and_loopback_is_none(proc: Path) -> None:
    none = read_host({}, proc=proc).routes
    (proc / "net" / "route").write_text("Iface\tDestination\neth7\t00000000\nlo\t0000007F\n")
    assert set(read_host({}, proc=proc).routes) - set(none) == {"over eth7"}
    assert "over lo" not in none


def test_a_table_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert any("route" in problem for problem in read_host({}, proc=tmp_path).unchecked)


def test_resolvers(tmp_path: Path, proc: Path) -> None:
    resolv, socket = tmp_path / "resolv.conf", tmp_path / "socket"

    def resolvers() -> tuple[str, ...]:
        return read_host({}, resolv_conf=resolv, resolved=socket, proc=proc).resolvers

    assert resolvers() == ()
    resolv.write_text("# nameserver 1.1.1.1\nsearch here\nnameserver 127.0.0.53\n")
    assert resolvers() == ("127.0.0.53",)
    socket.touch()
    assert resolvers() == ("127.0.0.53", "systemd-resolved")


def test_proxies_are_named_without_their_values(proc: Path) -> None:
    environ = {
        "https_proxy": "http://pat:secret@proxy:3128",
        "ALL_PROXY": "socks5://proxy",
        "no_proxy": "localhost",
        "http_proxy": "",
    }
    found = read_host(environ, proc=proc)
    assert found.proxies == ("ALL_PROXY", "https_proxy")
    assert "secret" not in repr(found)


def test_sync_clients_and_other_tools_are_found_by_name(proc: Path) -> None:
    for pid, name in (("17", "dropbox"), ("18", "Ollama"), ("19", "python3"), ("self", "jan")):
        (proc / pid).mkdir()
        (proc / pid / "comm").write_text(f"{name}\n")
    (proc / "20").mkdir()  # it ended while we looked
    found = read_host({}, proc=proc)
    assert found.sync_clients == ("dropbox",)
    assert found.ai_tools == ("ollama",)


def test_a_switch_counts_only_with_its_value() -> None:
    assert forced_switches(TELEMETRY_SWITCHES) == tuple(TELEMETRY_SWITCHES)
    wrong = {**TELEMETRY_SWITCHES, "HF_HUB_OFFLINE": "0"}
    assert "HF_HUB_OFFLINE" not in forced_switches(wrong)
    assert forced_switches({}) == ()


def test_in_a_namespace_of_its_own_there_is_no_route() -> None:
    """The same question, asked where the answer is known: in an empty network namespace."""
    script = "from localai.host import read_host; print(read_host({}).routes)"

    def unshare() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
        if libc.unshare(flags):
            os._exit(77)

    done = subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=unshare,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "Exception occurred in preexec_fn" in done.stderr:
        pytest.skip("no network namespace can be had here")
    assert done.stdout.strip() == "()", done.stderr
