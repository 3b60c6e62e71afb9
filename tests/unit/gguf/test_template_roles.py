"""gguf.template.roles: what is said of a template without rendering it is what rendering shows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from localai.errors import WorkerError
from localai.gguf.facts import TEMPLATE_KEY as KEY
from localai.gguf.template import Roles, Treatment, describe_roles
from localai.gguf.template.inspect import inspect_template
from localai.gguf.template.roles import DROPPED
from localai.worker.protocol import Message
from localai.worker.template import Template

USED, REFUSED, DROPS = Treatment.USED, Treatment.REFUSED, Treatment.DROPPED
CONVERSATION = (
    Message("system", "SYSTEM-TEXT"),
    Message("user", "USER-TEXT"),
    Message("assistant", "ASSISTANT-TEXT"),
    Message("user", "AGAIN"),
)


def described(source: str) -> Roles:
    roles = describe_roles(source)
    assert roles is not None
    return roles


def test_real_templates_do_what_is_said_of_them(engine_source: Path) -> None:
    """Rendered as the worker does it, and compared role by role."""
    compared = 0
    for path in sorted((engine_source / "models" / "templates").glob("*.jinja")):
        source = path.read_bytes().decode()
        roles = described(source)
        try:
            text = Template(source, "<s>", "</s>", date(2026, 1, 1)).render(CONVERSATION)
        except WorkerError:
            continue  # it wants functions
        compared += 1
        # A refused system message reaches the model in the user's: the worker's doing.
        shown = [
            USED if f"{role}-TEXT" in text else DROPS for role in ("SYSTEM", "USER", "ASSISTANT")
        ]
        said = [USED if one is REFUSED else one for one in roles[:3]]
        assert said == shown, path.stem
    assert compared > 60


@pytest.mark.parametrize(
    ("source", "system"),
    [
        ("{{ messages }}", USED),
        ("{{ messages|tojson }}", USED),
        ("{{ messages[0]['content'] }}", USED),
        ("{{ messages[1].content }}{% for m in messages[1:] %}{{ m.content }}{% endfor %}", USED),
        ("{% for m in messages[1:] %}{{ m.content }}{% endfor %}", DROPS),
        ("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}", REFUSED),
        ("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", DROPS),
        ("{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}", USED),
        ("{% set s = messages[0].content %}{% for m in messages[1:] %}{{ s }}{% endfor %}", USED),
        ("{% set s = messages[0].content %}{% if s %}x{% endif %}", DROPS),
        ("{{ messages[-1].content }}", DROPS),
        ("{{ messages[-1]['content'] ~ messages[0].content }}", USED),
        (
            "{% for m in messages|rejectattr('role', 'eq', 'system') %}{{ m.content }}{% endfor %}",
            DROPS,
        ),
        (
            "{% for m in messages|selectattr('role', 'in', ['user']) %}{{ m.content }}{% endfor %}",
            DROPS,
        ),
        (
            "{% for m in messages|selectattr('role', '==', 'system') %}{{ m.content }}{% endfor %}",
            USED,
        ),
        ("{{ (messages|selectattr('role', 'equalto', 'system')|list|last).content }}", USED),
    ],
)
def test_system(source: str, system: Treatment) -> None:
    assert described(source).system is system
    dropped = [one for one in inspect_template(KEY, source) if one.summary == DROPPED]
    assert any("said as system" in one.evidence for one in dropped) is (system is DROPS)


@pytest.mark.parametrize(
    ("turn", "system"),
    [
        ("{{ m.content }}", USED),
        ("{{ m }}", USED),
        ("{{ m.role }}", DROPS),
        ("{% if m.role in ['user'] %}{{ m.content }}{% endif %}", DROPS),
        ("{% if m.role not in ['user'] %}{{ m.content }}{% endif %}", USED),
        ("{% if not m.role == 'system' %}{{ m.content }}{% endif %}", DROPS),
        ("{% if m.role is eq 'system' %}{{ m.content }}{% endif %}", USED),
        ("{% if x or m.role == 'user' %}{{ m.content }}{% endif %}", USED),
        ("{% if x and m.role == 'user' %}{{ m.content }}{% endif %}", DROPS),
        ("{% if m.role == 'user' %}{% elif x %}{{ m.content }}{% endif %}", USED),
        ("{% if m.role == 'system' %}{% elif x %}{{ m.content }}{% endif %}", DROPS),
        ("{{ m.content if m.role != 'system' else 'x' }}", DROPS),
        ("{% if m.role == 'system' %}{% continue %}{% endif %}{{ m.content }}", DROPS),
        ("{% if x %}{% continue %}{% endif %}{{ m.content }}", USED),
        ("{% set r = m['role']|lower %}{% if r != 'system' %}{{ m.content }}{% endif %}", DROPS),
        ("{% set c = m.content %}{{ c|trim }}", USED),
        ("{% set c %}{{ m.content }}{% endset %}", USED),
        ("{% if not loop.first %}{{ m.content }}{% endif %}", DROPS),
        ("{% if loop.index0 > 0 %}{{ m.content }}{% endif %}", DROPS),
        ("{% if loop.index == 1 %}{{ m.content }}{% endif %}", USED),
        (
            "{% for p in m.content %}{% if not loop.first %}{{ m.content }}{% endif %}{% endfor %}",
            USED,
        ),
        ("{% if m.role|length < 6 %}{{ m.content }}{% endif %}", DROPS),
        ("{% if 'y' not in m.role %}{{ m.content }}{% endif %}", DROPS),
        ("{% if m.role[0] != 's' %}{{ m.content }}{% endif %}", DROPS),
        ("{% if not m.role.startswith('sys') %}{{ m.content }}{% endif %}", DROPS),
        ("{% if m.role.endswith('m') %}{{ m.content }}{% endif %}", USED),
        ("{{ m.content[:0] }}", DROPS),
        ("{{ m.content[0:9] }}", DROPS),
        ("{{ m.content[1:] }}", USED),
        ("{{ m.content * 0 }}", DROPS),
        ("{{ m.content|truncate(5) }}", DROPS),
        ("{{ m.content|replace(m.content, '') }}", DROPS),
        ("{{ m.content|replace('</s>', '') }}", USED),
        ("{{ m.content and '' }}", DROPS),
        ("{{ x and m.content }}", USED),
    ],
)
def test_system_in_turn(turn: str, system: Treatment) -> None:
    assert described("{% for m in messages %}" + turn + "{% endfor %}").system is system


def test_what_a_macro_shows_is_shown() -> None:
    macro = "{% macro say(m) %}{{ m.content }}{% endmacro %}"
    assert described(macro + "{{ say(messages[0]) }}") == Roles(USED, USED, USED, USED, tools=False)
    assert described(macro).system is DROPS


def test_tools_are_named() -> None:
    assert described("{{ tools|tojson }}").tools
    assert not described("{{ messages }} tools").tools


def test_what_cannot_be_read_is_not_described() -> None:
    assert describe_roles("{% if") is None
