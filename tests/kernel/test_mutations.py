"""No false pass: one protection, sink or control after another is taken away, and every time the
self-test says so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import Mutant, Mutants, Verdicts, Workshop
from rules import NOT_ALONE, WAYS
from steps import BARE_STEPS, NAMESPACE_STEPS, ROOT_STEPS, STEPS

from localai.egress.probes import PROBES
from localai.egress.probes.probe import FILTERS as FILTERS_ALONE
from localai.sandbox import filters
from localai.sandbox.seccomp import Action
from localai.sandbox.spec import LAYERS
from localai.sandbox.syscalls import numbers, this_machine

FILTERS = "sandbox/filters.py"


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)  # a worker of root's has another account
        yield Workshop(Path(directory))


@pytest.fixture(scope="module")
def bare_workshop() -> Iterator[Workshop]:
    """The same where no namespace can be had."""
    none = Mutant("egress/isolation.py", 'KINDS = ("mnt", "net",', "KINDS = () and (")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Workshop(Path(directory), (none,))


@pytest.fixture(params=["workshop", "bare_workshop"], ids=["namespaces", "no-namespaces"])
def either(request: pytest.FixtureRequest) -> Workshop:
    return request.getfixturevalue(request.param)


def survivors(workshop: Workshop, mutants: dict[str, Mutants]) -> dict[str, str]:
    """The mutants that nobody noticed, with what the self-test said of them."""
    found = workshop.run_self_tests(mutants)
    assert len(found) == len(mutants) > 0
    return {name: verdicts.evidence for name, verdicts in found.items() if verdicts.passed}


def test_with_nothing_taken_away_it_passes(either: Workshop) -> None:
    assert either.unchanged.passed, either.unchanged.evidence
    assert len(either.unchanged.blocked) >= 80


def without_layer(layer: str) -> Mutants:
    wants = "return layer not in self.unsafe_without"
    return (Mutant("sandbox/spec.py", wants, f"return layer not in ({layer!r},)"),)


def layers_that_matter(unchanged: Verdicts) -> Iterator[str]:
    """An ordinary user's worker has no other account, and capabilities only in a namespace."""
    for layer in LAYERS:
        ours = os.getuid() == 0 or layer not in ("account", "capabilities")
        granted = layer != "namespaces" or unchanged.namespaces
        if (ours or (layer == "capabilities" and unchanged.namespaces)) and granted:
            yield layer


def test_each_layer(either: Workshop) -> None:
    mutants = {layer: without_layer(layer) for layer in layers_that_matter(either.unchanged)}
    assert survivors(either, mutants) == {}


def test_each_step_of_the_confinement(either: Workshop) -> None:
    steps, unchanged = dict(STEPS), either.unchanged
    if os.getuid() == 0:
        steps |= ROOT_STEPS
    granted = [f"{kind} namespace" for kind in unchanged.namespaces]
    if "mnt" in unchanged.namespaces:
        steps["the empty root"] = NAMESPACE_STEPS["the empty root"]
    else:
        steps |= BARE_STEPS  # in an empty root there is nothing left for it to deny
    steps |= {name: NAMESPACE_STEPS[name] for name in granted if name in NAMESPACE_STEPS}
    assert survivors(either, {name: (step,) for name, step in steps.items()}) == {}


LIFTED = {
    "imports": "(*denied, *_no_typing(),",
    "model": "    rules = [\n",
    "launcher": "            *deny(denied),\n",
}


def lift(name: str, call: str) -> Mutants:
    """Let ``call`` pass the filter ``name`` before any other rule is looked at."""
    old = LIFTED[name]
    head = old[: old.index("*")] if "*" in old else old
    return (Mutant(FILTERS, old, f'{head}Rule("{call}", Action.ALLOW), {old.removeprefix(head)}'),)


def denied(name: str) -> set[str]:
    """All calls of this machine for which the filter ``name`` has more to say than yes. The one
    around a model denies whatever it does not list: for it all that any of the others denies."""
    launcher = filters.launcher_filter(0).rules
    asked = {
        "imports": filters.first_filter().rules,
        "model": (*filters.second_filter(0, gpu=False).rules, *launcher),
        "launcher": launcher,
    }
    rules = [rule for rule in asked[name] if rule.conditions or rule.action is not Action.ALLOW]
    return {rule.name for rule in rules} & set(numbers(this_machine()))


@pytest.mark.parametrize("name", LIFTED)
def test_every_rule_has_a_probe_or_a_reason(name: str) -> None:
    assert denied(name) - {*WAYS, *NOT_ALONE} == set()
    assert not set(WAYS) & set(NOT_ALONE)


@pytest.mark.parametrize("name", LIFTED)
def test_each_rule_that_matters(name: str, either: Workshop) -> None:
    ways = {call: WAYS[call] for call in denied(name) & set(WAYS)}
    passing = {probe.name for probe in PROBES if name in probe.passes}
    tried = {
        call: probe for call, probe in ways.items() if probe in either.unchanged.blocked - passing
    }
    assert len(tried) >= 10
    found = either.run_self_tests({call: lift(name, call) for call in tried})
    missed = {call: verdicts.evidence for call, verdicts in found.items()
              if verdicts.passed or tried[call] not in verdicts.evidence}  # fmt: skip
    assert missed == {}


WHOLE_FILTERS = {
    "the worker's filters deny nothing": Mutant(
        FILTERS, "return Filter(Action.DENY, tuple(rules))", "return Filter(Action.ALLOW, ())"
    ),
    "other ABIs pass": Mutant(
        "sandbox/seccomp.py",
        "        (RETURN, 0, 0, asked.foreign),\n        (LOAD_WORD",
        "        (RETURN, 0, 0, Action.ALLOW),\n        (LOAD_WORD",
    ),
    "a GPU may make any request": Mutant(
        FILTERS, "ALLOW, (one,)) for one in nvidia]", "ALLOW) for one in nvidia]"
    ),
    "without a GPU files are written": Mutant(
        FILTERS, 'Rule("openat", Action.ALLOW, (read_only,))', 'Rule("openat", Action.ALLOW)'
    ),
    "only the launcher's is tried alone": Mutant(
        "launch.py", "every_filter=True", "every_filter=False"
    ),
    **{
        f"the one for {name} is not tried": Mutant(
            "egress/interior.py",
            "in asked.nonces.filters.items():",
            f"in [one for one in asked.nonces.filters.items() if one[0] != {name!r}]:",
        )
        for name in FILTERS_ALONE
    },
    "no filter is put on where they are tried alone": Mutant(
        "egress/controls.py", "install(make())", "pass"
    ),
}


def test_whole_filters(either: Workshop) -> None:
    mutants = {name: (mutant,) for name, mutant in WHOLE_FILTERS.items()}
    assert survivors(either, mutants) == {}


DECOYS = {
    "they are left too late": Mutant("beginning.py", "        leave_decoys()\n", ""),
    "no worker inherits them": Mutant(
        "egress/decoys.py", "inheritable=at != _FILLING", "inheritable=False"
    ),
    "nothing lies in the one": Mutant(
        "egress/decoys.py", 'socket.send_fds(filling, [b"."], [descriptor])', "pass"
    ),
    "the other leads nowhere": Mutant("egress/decoys.py", "outward.connect(address)", "pass"),
}


def test_each_decoy(workshop: Workshop) -> None:
    mutants = {name: (mutant,) for name, mutant in DECOYS.items()}
    assert survivors(workshop, mutants) == {}


SHOWN = {
    "nothing is sanitised": Mutant(
        "terminal.py", "return _UNSAFE.sub(_spell, text)", "return text"
    ),
    "escape characters pass": Mutant("terminal.py", "\\x0b-\\x1f", "\\x0b-\\x1a\\x1c-\\x1f"),
    "the 8-bit forms pass": Mutant("terminal.py", "\\x7f-\\x9f", "\\x7f"),
    "a start shows words as they are": Mutant(
        "examination.py", "proof.judge(attempts, sanitise)", "proof.judge(attempts, str)"
    ),
    "nothing is shown": Mutant(
        "egress/proving.py", "show_said(attempts, self._instruments.screen, show)", "attempts"
    ),
    "the worker's words are lost": Mutant(
        "egress/screen.py", "show(attempt.learned)", 'show("")'
    ),
}  # fmt: skip


def test_what_a_worker_says_is_sanitised_and_shown(workshop: Workshop) -> None:
    mutants = {name: (mutant,) for name, mutant in SHOWN.items()}
    assert survivors(workshop, mutants) == {}


def test_each_sink(workshop: Workshop) -> None:
    """One after another is never looked at. Past the last the laboratory itself breaks."""
    drain = 'return b"\\n".join(drain() for drain in self._drains)'
    first, dead, noticed = 0, set[int](), 0
    while not dead:
        mutants = {
            str(number): (
                Mutant(
                    "egress/sinks.py",
                    drain,
                    f"self._drains[{number}] = self._drains[{number}] and bytes\n        {drain}",
                ),
            )
            for number in range(first, first + 20)
        }
        found = workshop.run_self_tests(mutants)
        assert {name: v.evidence for name, v in found.items() if v.passed} == {}
        dead = {int(name) for name, v in found.items() if v.verdicts["sandbox"] == "fail"}
        noticed += len(found) - len(dead)
        first += 20
    assert min(dead) == noticed >= 25


def test_each_control(workshop: Workshop) -> None:
    """None of some is made, and all claim that they were: each is missed by its name. That one
    is enough to refuse, tests/unit/plan/test_gates.py says of the gate."""
    tries = "else attempt(probe, targets[probe.sink], nonces[probe.name])"
    blocked = sorted(workshop.unchanged.blocked)
    some = {str(first): blocked[first::6] for first in range(6)}
    mutants = {
        number: (
            Mutant(
                "egress/controls.py",
                tries,
                f"else Attempt() if probe.name in {names}\n            {tries}",
            ),
        )
        for number, names in some.items()
    }
    found = workshop.run_self_tests(mutants)
    assert {name: found[number].evidence for number, names in some.items() for name in names
            if found[number].passed or f" {name}: not checked" not in found[number].evidence
            } == {}  # fmt: skip


TCP = "def tcp4(target: Target, nonce: bytes) -> None:\n"
NETWORK = "egress/probes/network.py"
HASTE = (
    Mutant("egress/laboratory.py", "PATIENCE_S = 15.0", "PATIENCE_S = 3.0"),
    Mutant("worker/process.py", "ATTEMPT_S = 5.0", "ATTEMPT_S = 1.0"),
)
HELD_UP = {
    "a probe never returns": Mutant(NETWORK, TCP, f"{TCP}    while True: pass\n"),
    "a probe ends its process": Mutant(NETWORK, TCP, f"{TCP}    os.abort()\n"),
    "a probe is a bug": Mutant(NETWORK, TCP, f"{TCP}    raise AssertionError\n"),
    "a sink never returns": Mutant(
        "egress/sinks.py",
        "drain() for drain in self._drains",
        "wait() for wait in (lambda: os.read(os.pipe()[0], 1),)",
    ),
    "a sink breaks": Mutant(
        "egress/sinks.py", "drain() for drain in self._drains", "drain() for drain in (1 / 0,)"
    ),
}


def test_whatever_hangs_or_breaks_is_not_checked(workshop: Workshop) -> None:
    """And it comes to an end."""
    mutants = {name: (mutant, *HASTE) for name, mutant in HELD_UP.items()}
    found = workshop.run_self_tests(mutants)
    assert {v.verdicts["sandbox-egress"] for v in found.values()} == {"not-checked"}


def test_a_first_process_that_lingers(workshop: Workshop) -> None:
    """The one that only entered the namespaces is a parent, too: its end must end no worker."""
    lingering = "        __import__('time').sleep(0.5)\n        os._exit(0)\n"
    late = Mutant("worker/__main__.py", "        os._exit(0)\n", lingering)
    assert workshop.run_self_test((late,)).passed
