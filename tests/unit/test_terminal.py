"""What a model may not do to a terminal."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from localai.terminal import printable, sanitise, show_path

ATTACKS = {
    "colour": "\x1b[31mred",
    "clear the screen": "\x1b[2J\x1b[H",
    "overwrite the line above": "\x1b[1A\x1b[2Kapproved",
    "window title": "\x1b]0;title\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x1b\\",
    "link": "\x1b]8;;http://example.invalid\x1b\\click\x1b]8;;\x1b\\",
    "device control": "\x1bP$q q\x1b\\",
    "application command": "\x1b_Gi=1\x1b\\",
    "privacy message": "\x1b^x\x1b\\",
    "string without end": "\x1b]0;",
    "8-bit CSI": "\x9b31m",
    "8-bit OSC": "\x9d0;title\x9c",
    "8-bit DCS": "\x90q\x9c",
    "bell": "\x07",
    "backspace": "secret\x08\x08\x08",
    "null": "a\x00b",
    "delete": "a\x7fb",
    "shift out": "\x0eabc",
    "form feed": "\x0c",
    "right to left override": "user\u202egpj.exe",
    "isolates": "a\u2066b\u2069c",
    "zero width": "pay\u200bpal",
    "soft hyphen": "pay\u00adpal",
    "byte order mark": "\ufeffa",
    "word joiner": "a\u2060b",
    "tags": "hi" + "".join(chr(0xE0000 + ord(char)) for char in "send it"),
    "selectors for smuggling": "a\U000e0101\U000e01ef",
    "line separator": "a\u2028b",
    "hangul filler": "a\u3164b",
    "lone surrogate": "a\ud800b",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_become_visible(attack: str) -> None:
    shown = sanitise(ATTACKS[attack])
    assert shown != ATTACKS[attack]
    assert "<U+" in shown
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in shown)
    shown.encode()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_cut_between_any_two_characters_changes_nothing(attack: str) -> None:
    text = ATTACKS[attack]
    for cut in range(len(text) + 1):
        assert sanitise(text[:cut]) + sanitise(text[cut:]) == sanitise(text)


def test_every_control_character_but_tab_and_line_feed() -> None:
    for code in [*range(0x20), *range(0x7F, 0xA0)]:
        kept = chr(code) in "\t\n"
        assert (sanitise(chr(code)) == chr(code)) is kept


def test_carriage_returns_go() -> None:
    assert sanitise("one\r\ntwo\rthree") == "one\ntwothree"


@pytest.mark.parametrize(
    "text",
    [
        "plain ASCII, with\ttab and\nline feed ~",
        "Grüße, naïve, 中文, العربية, हिन्दी, עברית",
        "می\u200cخواهم",  # Persian needs the zero-width non-joiner
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",  # emoji need the joiner
    ],
)
def test_text_stays_as_it_is(text: str) -> None:
    assert sanitise(text) == text


@pytest.mark.parametrize(
    "blank", "\u034f\u115f\u17b5\u180b\u2800\u3164\ufe00\ufe0f\uffa0\U000e01ef"
)
def test_a_name_holds_no_blank_but_spaces(blank: str) -> None:
    assert blank.isprintable()  # or this would show nothing
    assert printable(f"licence{blank}mit").isascii()


def test_a_name_may_be_in_any_script() -> None:
    name = "Modèle 模型 модель \u0928\u092e\u0938\u094d\u0924\u0947"
    assert printable(name) == name


def test_a_file_is_named_on_one_line() -> None:
    assert show_path(Path("a b/c.gguf")) == "a b/c.gguf"
    assert show_path(Path("a\n\u202e/\udcff.gguf")) == r"a\n\u202e/\udcff.gguf"
