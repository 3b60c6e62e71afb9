"""Who listens on this host beyond loopback, and to whom known programs are connected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from localai.findings import Finding, Verdict
from localai.host.programs import Program
from localai.host.sockets import Socket, read_sockets

# Where tools listen unless they are told otherwise, for those that run under another account
USUAL_PORTS = {
    1234: "LM Studio",
    4891: "GPT4All",
    11434: "Ollama",
    12434: "Docker Model Runner",
}
_SHOWN = 8
_WHY = "whoever reaches this machine reaches what listens on it"


def listening(net: Path, programs: Iterable[Program]) -> Finding:
    """Everything that accepts from other machines, with its name where it is known. Raises OSError
    if the kernel's table cannot be read."""
    names = {one: program.name for program in programs for one in program.sockets or ()}
    every = dict.fromkeys((*(one for one in read_sockets(net) if one.listens), *names))
    out = [one for one in every if one.listens and one.leaves]
    tools = [_named(one, names) for one in every if one.listens and _tool(one, names)]
    if not out:
        evidence = _list(tools) or "nothing accepts from another machine"
        return Finding("host-listening", Verdict.PASS, "on loopback only", evidence)
    exposed = [one for one in out if _tool(one, names)]
    return Finding(
        "host-listening",
        Verdict.NOTE,
        f"{len(out)} beyond loopback",
        _list([_named(one, names) for one in sorted(out, key=lambda one: one not in exposed)]),
        why=_WHY,
        remedy="bind AI tools to 127.0.0.1 (Ollama: OLLAMA_HOST=127.0.0.1)" if exposed else "",
    )


def connected(programs: Sequence[Program]) -> Finding:
    """To which other machines sync clients and other AI tools are connected now."""
    if not programs:
        evidence = "no sync client and no other AI tool runs"
        return Finding("host-connections", Verdict.PASS, "none", evidence)
    out = [
        f"{program.name} to {one}"
        for program in programs
        for one in program.sockets or ()
        if not one.listens and one.leaves
    ]
    running = ", ".join(dict.fromkeys(program.name for program in programs))
    if out:
        return Finding(
            "host-connections",
            Verdict.NOTE,
            f"{len(out)} open",
            _list(out),
            why="what these programs send is beyond localai's reach",
            remedy=f"end what should not run beside a model: {running}",
        )
    hidden = dict.fromkeys(program.name for program in programs if program.sockets is None)
    if hidden:
        evidence = f"another account's: {', '.join(hidden)}"
        remedy = "run the self-test as root, or end these programs"
        return Finding("host-connections", Verdict.NOT_CHECKED, "not seen", evidence, remedy=remedy)
    return Finding("host-connections", Verdict.PASS, "none", f"running: {running}")


def _tool(one: Socket, names: dict[Socket, str]) -> str:
    """Which program this is, as far as that is known; else whose usual port."""
    usual = USUAL_PORTS.get(one.port, "") if one.protocol == "tcp" else ""
    return names.get(one) or (usual and f"the usual port of {usual}")


def _named(one: Socket, names: dict[Socket, str]) -> str:
    tool = _tool(one, names)
    return f"{one} ({tool})" if tool else str(one)


def _list(said: Sequence[str]) -> str:
    more = [f"and {len(said) - _SHOWN} more"] if len(said) > _SHOWN else []
    return ", ".join([*said[:_SHOWN], *more])
