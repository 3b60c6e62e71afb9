"""Chat templates: good ones, refusing ones, and those that want out or never end."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import date

import pytest

from localai.errors import WorkerError
from localai.worker import template
from localai.worker.protocol import Message
from localai.worker.template import PLAIN, Template

APPROVED = date(2025, 3, 5)

TALK = (Message("system", "Be brief."), Message("user", "Why?"))


def render(source: str, *messages: Message) -> str:
    return Template(source, "<s>", "</s>", APPROVED).render(messages or TALK)


def test_a_template_sees_what_transformers_gives() -> None:
    source = """
    {%- for message in messages %}
    {{- bos_token + message['role'] + ': ' + message.content | trim + eos_token }}
    {%- endfor %}
    {%- if add_generation_prompt %}{{ '<a>' }}{% endif %}"""
    assert render(source) == "<s>system: Be brief.</s><s>user: Why?</s><a>"


def test_blocks_are_trimmed_and_loops_can_break() -> None:
    source = "  {% for m in messages %}\n{{ m.role }}\n{% break %}\n  {% endfor %}\n"
    assert render(source) == "system\n"


def test_what_is_marked_for_training_stays_as_it_is() -> None:
    source = "{% for m in messages %}{% generation %}{{ m.role }};{% endgeneration %}{% endfor %}"
    unmarked = source.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    assert render(source) == render(unmarked) != ""


def test_json_is_not_escaped_for_html() -> None:
    assert render("{{ {'a': \"<ü'>\"} | tojson }}") == '{"a": "<ü\'>"}'


def test_a_model_without_a_template_gets_the_bare_texts() -> None:
    assert render(PLAIN) == "Be brief.\nWhy?\n"


def test_a_refused_system_message_joins_the_first_question() -> None:
    source = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    )
    assert render(source) == "[user]Be brief.\n\nWhy?"
    answer = Message("assistant", "Because.")
    assert render(source, *TALK, answer) == "[user]Be brief.\n\nWhy?[assistant]Because."


@pytest.mark.parametrize("messages", [TALK, TALK[1:]], ids=["with system", "without"])
def test_a_template_that_always_refuses(messages: tuple[Message, ...]) -> None:
    with pytest.raises(WorkerError, match="Refused: never"):
        render("{{ raise_exception('never') }}", *messages)


def test_the_clock_stands_still() -> None:
    """At the day of approval: a template that waits for another one waits for ever."""
    assert render("{{ strftime_now('%d %b %Y, %H:%M') }}") == "05 Mar 2025, 00:00"


BROKEN = {
    "syntax": "{% for %}",
    "unknown filter": "{{ 1 | nothing }}",
    "division": "{{ 1 // 0 }}",
    "types": "{{ 1 + 'a' }}",
    "missing": "{{ nothing.at.all }}",
    "index": "{{ messages[99].role }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "blocks": "{% if 1 %}" * 300 + "{% endif %}" * 300,
    "randomness": "{{ [1, 2] | random }}",
    "range": "{% for x in range(10000000) %}{% endfor %}",
    "include": "{% include 'other' %}",
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_broken_templates_are_told(flaw: str) -> None:
    with pytest.raises(WorkerError, match="chat template cannot be"):
        render(BROKEN[flaw])


ESCAPES = {
    "class": "{{ ''.__class__ }}",
    "class by item": "{{ ''['__class__'] }}",
    "class by filter": "{{ '' | attr('__class__') }}",
    "class by map": "{{ ['' ] | map(attribute='__class__') | list }}",
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals of a function": "{{ raise_exception.__globals__ }}",
    "globals of a class": "{{ cycler.__init__.__globals__.os }}",
    "lipsum": "{{ lipsum.__globals__ }}",
    "format": "{{ '{0.__class__}'.format(1) }}",
    "format map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "self": "{{ self.__init__.__globals__ }}",
    "code of a macro": "{% macro m() %}{% endmacro %}{{ m.__call__.__func__.__code__ }}",
    "changing the messages": "{{ messages.append(1) }}",
}


@pytest.mark.parametrize("way", ESCAPES)
def test_ways_out_of_the_sandbox(way: str) -> None:
    try:
        said = render(ESCAPES[way])
    except WorkerError:
        return
    assert said in ("", "[Undefined]")  # an attribute that is not there renders as nothing


def test_the_sandbox_is_what_stops_them() -> None:
    """Without it the same templates reach what they want: the test above can fail."""
    from jinja2.environment import Environment

    assert Environment().from_string(ESCAPES["class"]).render() == "<class 'str'>"
    reached = Environment().from_string(ESCAPES["globals of a class"]).render()
    assert reached.startswith("<module 'os'")


def test_endless_python_work_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "SOFT", 0.2)
    loop = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(WorkerError, match="within"):
        render(loop)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_endless_work_inside_one_call_ends_the_worker() -> None:
    program = (
        "from datetime import date\n"
        "from localai.worker import template\n"
        "template.SOFT, template.HARD = 30.0, 0.1\n"
        "long = '{{ (\"\u00e9\" * 60000000).title() }}'\n"
        "template.Template(long, '', '', date.today()).render([])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert ended.returncode == -signal.SIGPROF


def test_a_prompt_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "TEXT_LIMIT", 1000)
    with pytest.raises(WorkerError, match="1001 characters"):
        render("{{ 'x' * 1001 }}")
