"""A hub gets into the user's own policy, and nothing else in it changes."""

from __future__ import annotations

import pytest

from localai.errors import DocumentError, StateError
from localai.hubs import Hub
from localai.settings import parse_settings
from localai.staging import add_hub

HUB = Hub("https://hub.example", ("https://files.example",))
POLICY = b"# mine\nschema: localai.policy/1\nname: own\nunattended: refuse  # always\n"


def test_a_policy_is_begun() -> None:
    made = parse_settings(add_hub(None, HUB))
    assert (made.name, made.hubs) == ("own", (HUB,))


@pytest.mark.parametrize("raw", [POLICY, POLICY.rstrip(), POLICY + b"\n\n", POLICY + b"hubs: []\n"])
def test_what_stands_there_stays(raw: bytes) -> None:
    made = add_hub(raw, HUB)
    assert made.startswith(POLICY.rstrip())
    assert parse_settings(made) == parse_settings(raw)._replace(hubs=(HUB,))


def test_hubs_and_hosts_are_added() -> None:
    made = add_hub(add_hub(POLICY, HUB), Hub("https://other.example"))
    made = add_hub(made, Hub(HUB.url, ("https://more.example", *HUB.hosts)))
    both = Hub(HUB.url, (*HUB.hosts, "https://more.example"))
    assert parse_settings(made).hubs == (both, Hub("https://other.example"))
    assert add_hub(made, both) == made


@pytest.mark.parametrize(
    "raw",
    [
        POLICY + b"hubs: [{url: https://hub.example}]\n",
        b"hubs: []\n" + POLICY,
        POLICY + b"hubs:\n  - url: https://hub.example\n  # not more\n",
        b"{schema: localai.policy/1, name: own}",
    ],
)
def test_what_was_written_by_hand_is_left_alone(raw: bytes) -> None:
    parse_settings(raw)
    with pytest.raises(StateError) as caught:
        add_hub(raw, HUB)
    assert "https://files.example" in caught.value.hint


def test_what_is_no_policy() -> None:
    with pytest.raises(DocumentError):
        add_hub(b"hello\n", HUB)
