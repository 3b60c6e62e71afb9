"""The catalogue: every probe explained, in a form that readers can rely on."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from localai.egress.attribution import NO_SECOND_LAYER
from localai.egress.catalogue import CHAPTERS, EXPLANATIONS
from localai.egress.probes import BY_NAME, PROBES
from localai.egress.screen import SANITISER
from localai.sandbox.spec import LAYERS

ONE_MACHINE_ONLY = {"int80", "x32"}  # on x86_64


def test_every_probe_is_explained_and_nothing_else() -> None:
    assert set(BY_NAME) - set(EXPLANATIONS) == set()
    assert set(EXPLANATIONS) - set(BY_NAME) <= ONE_MACHINE_ONLY


def test_no_probe_is_explained_twice() -> None:
    assert len(EXPLANATIONS) == sum(len(chapter.EXPLANATIONS) for chapter in CHAPTERS)


def test_each_module_explains_the_probes_of_its_namesake_in_their_order() -> None:
    names: list[str] = []
    for chapter in CHAPTERS:
        twin = import_module(f"localai.egress.probes.{chapter.__name__.rpartition('.')[2]}")
        explained = [name for name in chapter.EXPLANATIONS if name in BY_NAME]
        assert explained == [probe.name for probe in twin.PROBES]
        names += explained
    assert names == [probe.name for probe in PROBES]


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_what_and_why_are_one_sentence_each(name: str) -> None:
    for said in EXPLANATIONS[name][:2]:
        assert re.fullmatch(r"[A-Z][^\n]*[^\s.]\.", said), said
        assert not re.search(r"[.!?] [A-Z]", said), said


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_every_probe_is_stopped_by_layers_that_exist(name: str) -> None:
    layers = EXPLANATIONS[name].stopped_by
    assert layers
    assert list(layers) == [layer for layer in (*LAYERS, SANITISER) if layer in layers]


@pytest.mark.parametrize("name", [name for name, said in EXPLANATIONS.items() if said.lesson])
def test_a_lesson_has_its_year(name: str) -> None:
    assert re.search(r"\b(19|20)\d\d\b", EXPLANATIONS[name].lesson)
    assert EXPLANATIONS[name].lesson.endswith(".")


def test_whatever_one_layer_alone_stops_has_its_reason() -> None:
    single = {name for name, said in EXPLANATIONS.items() if len(said.stopped_by) == 1}
    assert single == set(NO_SECOND_LAYER)
