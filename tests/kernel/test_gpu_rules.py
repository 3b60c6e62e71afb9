"""A worker with a GPU's rules: its devices, and a filter that lets files be opened for writing.

Two harmless devices stand in for a GPU's, so that these rules are probed on every host.
"""

from __future__ import annotations

import pytest
from trials import full_trial, run_trial

from localai.egress.probes import BY_NAME
from localai.egress.probes.probe import GPU, MODEL

ALL_NAMESPACES = ("user", "mnt", "net", "ipc", "uts", "cgroup", "pid")
DEVICES = ("/dev/zero", "/dev/full")
NOTHING_OUT = {"blocked", "closed", "unsafe-here"}


@pytest.mark.parametrize("withheld", [(), ALL_NAMESPACES], ids=["namespaces", "no-namespaces"])
def test_nothing_gets_out(withheld: tuple[str, ...]) -> None:
    found = run_trial(devices=DEVICES, withheld=withheld)
    assert found["refusing"] == []
    assert set(found["outcomes"].values()) <= NOTHING_OUT
    usual = full_trial(withheld)["outcomes"]
    assert found["outcomes"] == usual


def test_what_its_filter_lets_through_other_layers_stop() -> None:
    """Shown by taking them away: with the filter alone these probes get out."""
    opened = [name for name, probe in BY_NAME.items()
              if GPU in probe.passes and MODEL not in probe.passes]  # fmt: skip
    names = [name for name in opened if full_trial()["outcomes"][name] == "blocked"]
    assert "write-new" in names
    others = ["landlock", "capabilities", "account", "rlimits", "descriptors", "namespaces"]
    found = run_trial(devices=DEVICES, without=others, only=names)
    assert {name: found["outcomes"][name] for name in names} == dict.fromkeys(names, "arrived")
    for layer in ("landlock", "namespaces"):
        rest = [other for other in others if other != layer]
        found = run_trial(devices=DEVICES, without=["seccomp", *rest], only=names)
        assert {found["outcomes"][name] for name in names} == {"blocked"}, layer
