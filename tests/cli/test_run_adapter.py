"""A model with an adapter, from approval to an answer; and what may not go with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from home import Home

import gguf_maker as maker

GREEDY = ("hi", "-n", "8", "--temperature", "0")
FROM = ("--publisher", "example", "--repository", "example/tiny", "--licence", "Apache-2.0")


def add(home: Home, path: Path, *more: str) -> None:
    """Put a file into the manifest as an officer would, and sign."""
    home.call("manifest", "add", str(path), *FROM, *more, check=True)
    home.call("manifest", "sign", check=True)


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory, tiny_bytes: bytes) -> Home:
    """A home with a model and an adapter that its entry names."""
    place = tmp_path_factory.mktemp("adapter")
    model, adapter = place / "tiny.gguf", place / "style.gguf"
    model.write_bytes(tiny_bytes)
    adapter.write_bytes(maker.make_adapter())
    home = Home(place, model)
    add(home, adapter, "--kind", "adapter")
    add(home, model, "--companion", "style")
    return home


@pytest.fixture
def spoiled(bound: Home, tmp_path: Path) -> Home:
    """The same home, to be changed."""
    return bound.copy(tmp_path)


def with_adapter(home: Home, *more: str, name: str = "style.gguf") -> tuple[str, ...]:
    path = home.model.with_name(name)
    return ("run", str(home.model), *GREEDY, "--adapter", f"{path}", *more)


def test_it_changes_the_answer_and_screen_answer_and_record_name_it(bound: Home) -> None:
    alone = bound.run(*GREEDY, check=True)
    ran = bound.call(*with_adapter(bound), check=True)
    assert ran.stdout != alone.stdout
    said = " ".join(ran.stderr.decode().split())
    assert "companions 1 with the model adapter style.gguf (style in own)" in said
    assert "adapter style.gguf: tree " in said
    record = bound.records()[-1]
    (companion,) = record["companions"]
    assert (companion["entry"], companion["sealed"], companion["scale"]) == ("style", True, 1.0)
    assert "companions" not in " ".join(alone.stderr.decode().split())


def test_how_strongly_it_counts(bound: Home) -> None:
    path = bound.model.with_name("style.gguf")
    half = bound.run(*GREEDY, "--json", "--adapter", f"{path}=0.5", check=True)
    document = json.loads(half.stdout)
    (adapter,) = document["adapters"]
    assert (adapter["name"], adapter["scale"]) == ("Tiny Adapter", 0.5)
    assert adapter["digests"] == bound.records()[-1]["companions"][0]["digests"]
    whole = bound.call(*with_adapter(bound, "--json"), check=True)
    alone = bound.run(*GREEDY, "--json", check=True)
    texts = [json.loads(ran.stdout)["text"] for ran in (half, whole, alone)]
    assert len(set(texts)) == 3


def test_a_text_that_leaves_the_terminal_names_it(bound: Home, tmp_path: Path) -> None:
    bound.call(*with_adapter(bound, "--out", str(tmp_path / "answer")), check=True)
    assert (
        "with:   Tiny Adapter, an adapter at 1, tree-sha256:" in (tmp_path / "answer").read_text()
    )


def test_check_asks_for_it_too(bound: Home) -> None:
    path = str(bound.model.with_name("style.gguf"))
    ran = bound.call("check", str(bound.model), "--adapter", path, "--json", check=True)
    document = json.loads(ran.stdout)
    assert document["decision"] == "allow"
    assert [one["kind"] for one in document["companions"]] == ["adapter"]


def test_with_the_binding_taken_away_nothing_starts(spoiled: Home) -> None:
    spoiled.call(*with_adapter(spoiled), check=True)
    add(spoiled, spoiled.model)
    (record,) = spoiled.refuses(
        *with_adapter(spoiled),
        code=3,
        problem="1 of 19 checks failed",
        remedy="localai manifest propose MODEL --companion style",
    )
    refusing = [one for one in record["findings"] if one["verdict"] in ("fail", "not-checked")]
    assert [one["check"] for one in refusing] == ["companions"]
    spoiled.run(*GREEDY, check=True)


def test_a_revoked_adapter_starts_no_more(spoiled: Home) -> None:
    spoiled.call("trust", "revoke", "--entry", "style", "--reason", "found to flatter", check=True)
    spoiled.refuses(
        *with_adapter(spoiled), code=3, problem="found to flatter", remedy="use another model"
    )
    spoiled.run(*GREEDY, check=True)


def unapproved(home: Home) -> str:
    (home.place / "new.gguf").write_bytes(maker.make_adapter(seed=9))
    return str(home.place / "new.gguf")


def changed(home: Home) -> str:
    content = bytearray(maker.make_adapter())
    content[-1] ^= 1
    (home.place / "style.gguf").write_bytes(content)
    return str(home.place / "style.gguf")


def of_another_model(home: Home) -> str:
    path = home.place / "other.gguf"
    path.write_bytes(maker.make_adapter(metadata={"general.architecture": "qwen2"}))
    add(home, path, "--kind", "adapter")
    add(home, home.model, "--companion", "style", "--companion", "other")
    return str(path)


def a_model(home: Home) -> str:
    return str(home.model)


def a_projector(home: Home) -> str:
    path = home.place / "eyes.gguf"
    path.write_bytes(maker.make_adapter(metadata={"general.type": "mmproj"}))
    return str(path)


def missing(home: Home) -> str:
    return str(home.place / "nowhere.gguf")


def a_link(home: Home) -> str:
    (home.place / "link.gguf").symlink_to(home.model.with_name("style.gguf"))
    return str(home.place / "link.gguf")


@pytest.mark.parametrize(
    ("make", "problem", "remedy"),
    [
        (unapproved, "not in the manifest", "localai manifest propose {} --kind adapter"),
        (changed, "not what style lists", "get it again from example/tiny"),
        (of_another_model, "'qwen2'; the model's is 'llama'", "made for this model"),
        (a_model, "approved as model, not as adapter", "ask for another approval"),
        (a_projector, "a projector, the part of a model that sees", "made for this model"),
        (missing, "No such file", "check the name"),
        (a_link, "only the file itself is verified", "style.gguf"),
    ],
)
def test_what_may_not_go_with_it(
    spoiled: Home, make: Callable[[Home], str], problem: str, remedy: str
) -> None:
    path = make(spoiled)
    (record,) = spoiled.refuses(
        "run", str(spoiled.model), *GREEDY, "--adapter", path,
        code=3, problem=problem, remedy=remedy.format(path),
    )  # fmt: skip
    assert record["decision"] == "refuse"
    assert [one["path"] for one in record["companions"]] == [path]
    approved = next(one for one in record["findings"] if one["check"] == "artifact-approved")
    assert approved["verdict"] == ("pass" if make in (of_another_model, a_model) else "fail")


def test_an_adapter_in_a_models_place(bound: Home) -> None:
    path = str(bound.model.with_name("style.gguf"))
    (record,) = bound.refuses(
        "run", path, *GREEDY, code=3, problem="approved as adapter, not as model",
        remedy="localai run MODEL --adapter FILE",
    )  # fmt: skip
    assert record["artifact"]["entry"] == "style"


def test_the_same_one_twice(bound: Home) -> None:
    path = str(bound.model.with_name("style.gguf"))
    bound.refuses(
        *with_adapter(bound, "--adapter", path),
        code=3,
        problem="one of them twice",
        remedy="name each once",
    )


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--adapter", "style.gguf=2"), "expected a scale above 0, up to 1"),
        (("--adapter", "style.gguf=-1"), "expected a scale above 0, up to 1"),
        (("--adapter", "x") * 9, "9 adapters; at most 8 go with a model"),
    ],
)
def test_a_command_line_that_makes_no_sense(
    bound: Home, more: tuple[str, ...], problem: str
) -> None:
    hint = "hint: "
    assert bound.refuses("run", str(bound.model), "hi", *more,
                         code=2, problem=problem, remedy=hint) == []  # fmt: skip


def test_as_many_as_may_go_with_it(spoiled: Home, tmp_path: Path) -> None:
    """Each with a descriptor of its own in the worker, which may have 64 of them."""
    names = [f"a{number}" for number in range(8)]
    options: list[str] = []
    for number, name in enumerate(names):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(maker.make_adapter(seed=number + 20))
        spoiled.call("manifest", "add", str(path), *FROM, "--kind", "adapter", check=True)
        options += ["--adapter", f"{path}=0.1"]
    companions = [word for name in names for word in ("--companion", name)]
    add(spoiled, spoiled.model, *companions)
    ran = spoiled.run(*GREEDY, *options)
    assert ran.returncode == 0, ran.stderr.decode()
    assert len(spoiled.records()[-1]["companions"]) == 8
    assert ran.stdout != spoiled.run(*GREEDY, check=True).stdout
