"""The screen sees what a terminal would obey, and a worker that says nothing proves nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from localai.egress.probes import PROBES, attempt
from localai.egress.probes.probe import Attempt
from localai.egress.screen import Screen, obeyed, show_said
from localai.terminal import sanitise

NONCE = "f00f00f"
SPEAKERS = {probe.name: probe for probe in PROBES if probe.speaks}


def words_of(name: str) -> str:
    return attempt(SPEAKERS[name], {}, NONCE).learned


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    end, screen = os.pipe()
    os.set_blocking(end, False)
    os.set_blocking(screen, False)
    yield end, screen
    os.close(end)
    os.close(screen)


@pytest.mark.parametrize("name", SPEAKERS)
def test_each_sequence_is_obeyed_as_it_is_and_not_once_sanitised(name: str) -> None:
    words = words_of(name)
    assert NONCE in "\n".join(obeyed(words))
    assert not list(obeyed(sanitise(words)))


@pytest.mark.parametrize(
    "words",
    [NONCE, f"\x1b[1m{NONCE}\x1b[0m", f"]52;c;{NONCE}\a", f"\x1b]2;{NONCE}"],
    ids=["plain", "bold", "no escape", "unfinished"],
)
def test_what_is_only_displayed_has_gone_nowhere(words: str) -> None:
    assert NONCE not in "\n".join(obeyed(words))


def test_what_is_broken_decodes_to_nothing() -> None:
    assert list(obeyed("\x1b]52;c;%%%\a")) == ["52;c;%%%", ""]


def test_a_sequence_in_two_pieces_is_still_one(pipe: tuple[int, int]) -> None:
    screen = Screen(pipe[0])
    words = words_of("escape-title").encode()
    os.write(pipe[1], words[:5])
    assert screen.drain() == b""
    os.write(pipe[1], words[5:])
    assert NONCE.encode() in screen.drain()


def test_only_what_is_shown_unsanitised_arrives(pipe: tuple[int, int]) -> None:
    screen = Screen(pipe[0])
    said = {"escape-title": Attempt(learned=words_of("escape-title"))}
    assert show_said(said, pipe[1], sanitise) == {"escape-title": Attempt()}
    assert NONCE.encode() not in screen.drain()
    show_said(said, pipe[1], str)
    assert NONCE.encode() in screen.drain()


def test_where_nothing_is_shown_nothing_was_checked(pipe: tuple[int, int]) -> None:
    silent = show_said({"escape-title": Attempt()}, pipe[1], sanitise)
    lost = show_said({"escape-title": Attempt(learned="x")}, pipe[1], lambda _: "")
    assert silent["escape-title"].failed == lost["escape-title"].failed == "nothing was shown"


def test_words_that_do_not_fit_were_not_checked(pipe: tuple[int, int]) -> None:
    said = {"escape-title": Attempt(learned="x" * (1 << 20))}
    assert show_said(said, pipe[1], sanitise)["escape-title"].failed == "not all was shown"
    assert "not shown" in show_said(said, pipe[1], sanitise)["escape-title"].failed


def test_what_a_reading_probe_learned_is_not_shown(pipe: tuple[int, int]) -> None:
    said = {"read-file": Attempt(learned=NONCE)}
    assert show_said(said, pipe[1], str) == said
    assert Screen(pipe[0]).drain() == b""
