"""However a listed name is spelt, it is found; what merely shares letters with it is not."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localai.plan.lookalikes import find_strange, resembles

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
NAME = "Nordwind Labs"

SPELT = [
    "Nordwind Labs",
    "nordwind labs",
    "NORDWIND LABS",
    "NordwindLabs",
    "nordwind-labs",
    "nordwind_labs/model-7b",
    "nordwind.labs",
    "Nord Wind Labs, Ltd.",
    "N o r d w i n d L a b s",
    "https://hub.example/nordwind-labs/x",
    "Nordwind\u00a0Labs",
    "Nord\u200bwind Labs",
    "Nord\u00adwind\u2060Labs",
    "\u202eNordwind Labs",
    "Nördwïnd Läbs",
    "No\u0308rdwind Labs",
    "Nørdwind Ŀabs",
    "Νοrdwind Labs",  # Greek capital nu, small omicron
    "Nоrdwind Lаbs",  # Cyrillic o, a
    "Nordwіnd Lаbѕ",  # Cyrillic i, a, dze
    "Ｎｏｒｄｗｉｎｄ　Ｌａｂｓ",
    "𝐍𝐨𝐫𝐝𝐰𝐢𝐧𝐝 𝕃𝕒𝕓𝕤",
    "ⓃⓞⓡⓓⓦⓘⓝⓓⓁⓐⓑⓢ",
    "🅽🅾🆁🅳🆆🅸🅽🅳 🅻🅰🅱🆂",
    "🇳🇴🇷🇩🇼🇮🇳🇩🇱🇦🇧🇸",
    "ɴᴏʀᴅᴡɪɴᴅ ʟᴀʙꜱ",
    "Nоrԁwind Labs",  # Cyrillic o, komi de
    "Nordшind Labѕ",  # Cyrillic sha, dze
    "Νordѡind Lαbs",  # Greek nu, Cyrillic omega, Greek alpha
    "N0rdw1nd L4b5",
    "Nordw!nd L@b$",
    "Nordvvind Labs",
    "Noordwiind Laabs",
    "Nordwnd Labs",  # one letter missing
    "Nordxwind Labs",  # one too many
    "Nordwend Labs",  # one wrong
    "Nodrwind Labs",  # two that changed places
]

OTHERS = [
    "",
    "Northwind Traders",
    "Labs",
    "Nordwest Labs",
    "Nord",
    "wind labs",
    "llama",
    "Nordwein Labels",
    "Apache-2.0",
]


@pytest.mark.parametrize("text", SPELT, ids=ascii)
def test_it_is_found(text: str) -> None:
    assert resembles(NAME, text)
    assert resembles(NAME, f"made by {text} in 2026")


@pytest.mark.parametrize("text", OTHERS)
def test_something_else_is_not(text: str) -> None:
    assert not resembles(NAME, text)


def test_a_plain_comparison_would_not_find_them() -> None:
    assert sum(NAME.casefold() in text.casefold() for text in SPELT) == 4


def test_a_latin_letter_with_something_stands_for_itself() -> None:
    for number in range(0x80, 0x1FFFF):
        name = unicodedata.name(letter := chr(number), "")
        if name.startswith(("LATIN SMALL LETTER O WITH", "LATIN CAPITAL LETTER O WITH")):
            assert resembles("nordwind", f"n{letter}rdwind"), name


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Ox", "Ox", True),
        ("Ox", "OX-34B", True),
        ("Ox", "ox2.5", True),
        ("Ox", "o x", True),
        ("Ox", "0x model", True),
        ("Ox", "Оx", True),  # Cyrillic O
        ("Swan", "Sшan", True),  # Cyrillic sha
        ("Swan", "ѕшап", True),  # all Cyrillic
        ("Swen", "sw€n", True),
        ("Swen", "swҽn", True),
        ("Ox", "foxes", False),
        ("Ox", "boxo", False),
        ("A-1", "a1-mini", True),
        ("A-1", "alabama", False),
        ("Otter", "OtterMini", True),
        ("Otter", "oter", True),
        ("Otter", "otler", False),  # too short for a letter to be wrong
    ],
)
def test_short_names_are_words(name: str, text: str, found: bool) -> None:
    assert resembles(name, text) is found


@pytest.mark.parametrize(
    "text",
    ["通义", "Яндекс", "الذكاء", "Ærø", "Straße", "naïve", "東京 Labs", "Лев Labs", "8×7B", "🦙"],
)
def test_letters_of_other_scripts_are_no_latin_ones(text: str) -> None:
    assert find_strange(text) == ""


@pytest.mark.parametrize(
    "text",
    ["ꓠꓳꓣꓓ", "Ꮮabs", "Nօrdwind", "labʔ", "Nordwiиd", "Лabs", "Nord-wiиd labs", "lab∫", "₭ord"],
)
def test_letters_that_could_be_taken_for_latin_ones_are_told(text: str) -> None:
    assert find_strange(text)


def test_names_in_other_scripts_are_found_too() -> None:
    assert resembles("北風研究所", "北風研究所/模型")
    assert not resembles("北風研究所", "南風社")
    assert resembles("Ветер", "ВЕТЕР-7b")


@pytest.mark.parametrize("at", range(1, 7))
def test_one_slip_anywhere_in_the_middle_is_found_and_two_are_not(at: int) -> None:
    name = "nordwest"
    once = {
        name[:at] + name[at + 1 :],
        name[:at] + "k" + name[at + 1 :],
        name[:at] + "k" + name[at:],
        name[:at] + name[at + 1] + name[at] + name[at + 2 :],
    }
    for slip in once:
        assert resembles(name, f"by {slip} inc"), slip
    assert not resembles(name, "by nkrdkest inc")


words = st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x52F), min_size=2, max_size=20)


@given(words, st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str.casefold]))
def test_case_makes_no_difference_in_any_alphabet_of_europe(
    name: str, spell: Callable[[str], str]
) -> None:
    assert resembles(name, spell(name))
    assert resembles(spell(name), name)


@given(words, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_normal_forms_make_no_difference(name: str, form: Form) -> None:
    assert resembles(name, unicodedata.normalize(form, name))
    assert resembles(unicodedata.normalize(form, name), name)
