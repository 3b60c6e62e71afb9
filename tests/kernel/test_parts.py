"""A split set can only be loaded by paths: what that takes, and that it opens nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from attribution import STOPPED_BY
from trials import full_trial, run_trial

import gguf_maker as maker
from localai.sandbox.spec import LAYERS

ALL_NAMESPACES = ("user", "mnt", "net", "ipc", "uts", "cgroup", "pid")


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first file of a set."""
    place = tmp_path_factory.mktemp("split")
    paths = [place / f"tiny-0000{number}-of-00002.gguf" for number in (1, 2)]
    for path, content in zip(paths, maker.make_split(), strict=True):
        path.write_bytes(content)
    return paths[0]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the same model says as one file."""
    whole = tmp_path_factory.mktemp("whole") / "tiny.gguf"
    whole.write_bytes(maker.make_model())
    said = run_trial(model=str(whole), only=[])["answer"]
    assert said
    return str(said)


@pytest.mark.parametrize("withheld", [(), ALL_NAMESPACES], ids=["namespaces", "no-namespaces"])
@pytest.mark.parametrize("abi", [None, 1], ids=["newest-landlock", "landlock-1"])
def test_a_set_is_loaded_under_every_layer(
    split: Path, answer: str, withheld: tuple[str, ...], abi: int | None
) -> None:
    asked = {} if abi is None else {"landlock": abi}
    found = run_trial(model=str(split), withheld=withheld, **asked)
    assert set(found["outcomes"].values()) <= {"blocked", "closed", "unsafe-here"}
    assert found["refusing"] == []
    assert found["answer"] == answer


def test_its_own_descriptors_are_all_that_the_empty_root_shows(split: Path) -> None:
    """The namespaces alone stop what they stop for any other model: no other process is in view."""
    names = {name for name, found in full_trial()["outcomes"].items() if found == "blocked"}
    if "mnt" not in full_trial()["namespaces"]:
        pytest.skip("no mount namespace can be had here")
    expected = {name for name in names if "namespaces" in STOPPED_BY[name]}
    together = sorted(name for name in expected if not name.startswith("execute"))
    without = [layer for layer in LAYERS if layer != "namespaces"]
    found = run_trial(model=str(split), only=together, without=without)
    assert {found["outcomes"][name] for name in together} == {"blocked"}
    assert found["answer"]
