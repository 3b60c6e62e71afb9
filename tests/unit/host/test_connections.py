"""Sockets as the kernel lists them, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import ANY, ESTABLISHED, FAR, HEAD, LISTEN, LOOPBACK, UNCONNECTED, Machine, row

from localai.findings import Verdict
from localai.host.connections import connected, listening
from localai.host.programs import read_programs
from localai.host.sockets import read_sockets

NOBODY = f"{ANY}:0000"


def tcp(machine: Machine, *rows: str) -> None:
    machine.write("proc/net/tcp", HEAD + "".join(rows))


def test_addresses_are_read_in_the_kernels_order(machine: Machine) -> None:
    tcp(machine, row(f"{LOOPBACK}:1F90", f"{FAR}:01BB", ESTABLISHED, 7))
    six = "B80D0120000000000000000001000000"  # 2001:db8::1
    machine.write("proc/net/tcp6", HEAD + row(f"{six}:0016", f"{'0' * 32}:0000", LISTEN, 8))
    machine.write("proc/net/udp", HEAD + row(f"{ANY}:0035", NOBODY, UNCONNECTED, 9))
    four, other, datagrams = read_sockets(machine.root / "proc/net")
    assert (four.address, four.port, four.peer, four.peer_port, four.inode) == (
        "127.0.0.1", 8080, "203.0.113.9", 443, 7,
    )  # fmt: skip
    assert str(four) == "tcp 203.0.113.9:443" and four.leaves and not four.listens
    assert str(other) == "tcp [2001:db8::1]:22" and other.leaves and other.listens
    assert str(datagrams) == "udp 0.0.0.0:53" and datagrams.listens


@pytest.mark.parametrize("state", ["02", "06", "08"])  # SYN_SENT, TIME_WAIT, CLOSE_WAIT
def test_what_neither_listens_nor_is_connected_is_left_out(machine: Machine, state: str) -> None:
    tcp(machine, row(f"{LOOPBACK}:1F90", f"{FAR}:01BB", state, 7))
    assert read_sockets(machine.root / "proc/net") == ()


def test_a_missing_table_of_tcp_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_sockets(tmp_path)


def ask_listening(machine: Machine) -> tuple[Verdict, str]:
    net = machine.root / "proc/net"
    found = listening(net, read_programs(machine.root / "proc", ()))
    return found.verdict, f"{found.summary} {found.evidence} {found.remedy}"


def test_listening_on_loopback_is_fine(machine: Machine) -> None:
    mapped = "0000000000000000FFFF00000100007F"  # ::ffff:127.0.0.1
    tcp(machine, row(f"{LOOPBACK}:2CAA", NOBODY, LISTEN, 7))
    machine.write("proc/net/tcp6", HEAD + row(f"{mapped}:2CAA", f"{'0' * 32}:0000", LISTEN, 8))
    verdict, said = ask_listening(machine)
    assert verdict is Verdict.PASS
    assert "127.0.0.1:11434 (the usual port of Ollama)" in said


def test_a_tool_that_listens_to_others_is_named(machine: Machine) -> None:
    tcp(
        machine,
        row(f"{ANY}:0016", NOBODY, LISTEN, 6),
        row(f"{ANY}:1234", NOBODY, LISTEN, 7),
    )
    machine.run(40, "ollama", (7,))
    verdict, said = ask_listening(machine)
    assert verdict is Verdict.NOTE
    assert "2 beyond loopback" in said and "0.0.0.0:4660 (ollama), tcp 0.0.0.0:22" in said
    assert "127.0.0.1" in said


def test_a_tool_of_another_account_is_known_by_its_usual_port(machine: Machine) -> None:
    tcp(machine, row(f"{ANY}:2CAA", NOBODY, LISTEN, 7))
    machine.run(40, "ollama", environ=None)
    assert "the usual port of Ollama" in ask_listening(machine)[1]


def ask_connected(machine: Machine) -> tuple[Verdict, str]:
    found = connected(read_programs(machine.root / "proc", ()))
    return found.verdict, f"{found.summary} {found.evidence}"


def test_connections_of_known_programs_only(machine: Machine) -> None:
    tcp(
        machine,
        row(f"{LOOPBACK}:8001", f"{FAR}:01BB", ESTABLISHED, 7),
        row(f"{LOOPBACK}:8002", f"{FAR}:01BC", ESTABLISHED, 8),
        row(f"{LOOPBACK}:8003", f"{LOOPBACK}:01BC", ESTABLISHED, 9),
    )
    machine.run(40, "Dropbox", (7, 9))
    machine.run(41, "browser", (8,))
    assert ask_connected(machine) == (
        Verdict.NOTE,
        "1 open dropbox to tcp 203.0.113.9:443",
    )


def test_nothing_runs(machine: Machine) -> None:
    machine.run(41, "browser")
    assert ask_connected(machine)[0] is Verdict.PASS


def test_one_that_runs_and_is_not_connected(machine: Machine) -> None:
    machine.run(40, "jan")
    assert ask_connected(machine) == (Verdict.PASS, "none running: jan")


def test_what_is_another_accounts_is_not_checked(machine: Machine) -> None:
    machine.run(40, "jan")
    machine.run(41, "ollama", environ=None)
    verdict, said = ask_connected(machine)
    assert verdict is Verdict.NOT_CHECKED
    assert "another account's: ollama" in said


def test_a_long_list_is_cut(machine: Machine) -> None:
    tcp(machine, *(row(f"{ANY}:{port:04X}", NOBODY, LISTEN, port) for port in range(1, 13)))
    assert "and 4 more" in ask_listening(machine)[1]


def test_of_an_environment_only_switches_are_kept(machine: Machine) -> None:
    machine.run(40, "ollama", environ="SECRET=x\0OLLAMA_NO_CLOUD=1\0")
    (program,) = read_programs(machine.root / "proc", ["OLLAMA_NO_CLOUD"])
    assert program.environ == {"OLLAMA_NO_CLOUD": "1"}
