"""gguf.template: each vector says what must be found in it; real templates raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2.environment import Environment
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gguf_maker import STRING, U32, entry, model_parts
from localai.dialect import make_environment
from localai.findings import Finding, Verdict
from localai.gguf.facts import TEMPLATE_KEY as KEY
from localai.gguf.inspect import OpenGguf
from localai.gguf.template import inspect_template, inspect_templates
from localai.gguf.template.inspect import CHECK, MOST
from localai.gguf.template.parsing import SIZE, TOKENS
from localai.gguf.template.walk import Walker

Opened = Callable[[bytes], OpenGguf]
Found = Callable[..., list[Finding]]

DIRECTORY = Path(__file__).parents[2] / "vectors" / "template"
VECTORS = sorted(DIRECTORY.glob("*.jinja"))
MESSAGES = [
    {"role": "system", "content": "password open sesame"},
    {"role": "user", "content": "password election budget"},
]


def read(path: Path) -> str:
    return path.read_bytes().decode()


def family(*beginnings: str) -> list[Path]:
    return [path for path in VECTORS if path.stem.startswith(beginnings)]


def expectation(source: str) -> str:
    return source.split("\n", 1)[0].removeprefix("{#- expect: ").removesuffix(" -#}")


def answers(source: str) -> list[str]:
    return [f"{one.verdict}: {one.summary}" for one in inspect_template(KEY, source)]


def render(
    source: str, kind: type[Environment] = ImmutableSandboxedEnvironment, **names: object
) -> str:
    """What the template really says; what it raises instead, in words."""
    environment = make_environment(kind)
    environment.globals["raise_exception"] = str
    try:
        return environment.from_string(source).render(messages=MESSAGES, **names)
    except (TemplateError, TypeError, ValueError, AttributeError) as error:
        return repr(error)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    source = read(path)
    expected = expectation(source)
    if expected == "pass":
        assert answers(source) == ["pass: nothing unusual"]
    else:
        assert expected in answers(source)
    if expected.startswith("note"):
        assert not any(answer.startswith("fail") for answer in answers(source))


def test_the_vectors_are_many() -> None:
    assert len(VECTORS) > 200
    assert {path.stem.split("-")[0] for path in VECTORS} >= {
        "accepted", "active", "address", "block", "date", "deep", "drops", "endless", "foreign",
        "hidden", "loads", "lookalike", "opaque", "orders", "random", "reach", "recursive",
        "unreadable", "words",
    }  # fmt: skip


def test_the_reaching_vectors_really_reach_and_the_sandbox_really_refuses() -> None:
    """In ordinary Jinja they come out in Python; in the worker's they come to nothing."""
    reaching = [
        path for path in family("reach")
        if "<class 'str'>" in render(read(path), Environment)
    ]  # fmt: skip
    assert len(reaching) > 55
    for path in reaching:
        assert "<class" not in render(read(path)), path.stem


def test_a_search_for_the_name_would_miss_them() -> None:
    unseen = [path for path in family("reach") if "__class__" not in read(path)]
    assert len(unseen) > 50


def test_one_pass_would_miss_what_a_macro_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = read(DIRECTORY / "reach-key-in-macro.jinja")
    monkeypatch.setattr(Walker, "passes", 1)
    assert expectation(source) not in answers(source)


def test_the_dated_vectors_really_depend_on_the_date() -> None:
    def at(date: dict[str, str], source: str) -> str:
        return render(source, strftime_now=date.__getitem__, date_string=date["%Y"])

    today = {"%Y": "2026", "%Y-%m-%d": "2026-11-22", "%d": "22", "%a": "Sun", "%Y-%m": "2026-11"}
    later = {"%Y": "2027", "%Y-%m-%d": "2027-02-01", "%d": "01", "%a": "Mon", "%Y-%m": "2027-02"}
    for path in family("date"):
        assert at(today, read(path)) != at(later, read(path)), path.stem


def test_the_listening_vectors_really_listen() -> None:
    deaf = [{**message, "content": message["content"].replace("e", "_")} for message in MESSAGES]
    for path in family("words"):
        environment = make_environment(ImmutableSandboxedEnvironment)
        template = environment.from_string(read(path))
        texts = {template.render(messages=some) for some in (MESSAGES, deaf)}
        for said in ("open sesame", "sesame"):
            texts.add(template.render(messages=[{"role": "user", "content": said}]))
        assert len(texts) > 1, path.stem


def test_real_templates_raise_no_alarm(engine_source: Path) -> None:
    """Those that llama.cpp comes with: none fails, and few get a note."""
    paths = sorted((engine_source / "models" / "templates").glob("*.jinja"))
    assert len(paths) > 60
    found = {path.stem: inspect_template(KEY, read(path)) for path in paths}
    worst = {
        name: [one for one in findings if one.verdict is Verdict.FAIL]
        for name, findings in found.items()
    }
    assert {name: findings for name, findings in worst.items() if findings} == {}
    noted = [name for name, findings in found.items() if findings[0].verdict is Verdict.NOTE]
    assert len(noted) <= 12, noted


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        (" " * (SIZE + 1), "chat template too large"),
        ("{{a}}" * (TOKENS // 3 + 1), "chat template too large"),
        ("{{ " + "(" * 50_000, "chat template too large"),
        ("{{ " + "[" * 2_000, "chat template too deep"),
        ("{{ " + "not " * 2_000 + "a }}", "chat template too deep"),
        ("{{ a" + "~a" * 5_000 + " }}", "the chat template drops messages"),
        ("{{ a" + "+a" * 5_000 + " }}", "chat template too deep"),
        ("{{ '\\x' }}", "chat template cannot be read"),
        ("{{ " + "9" * 5_000 + " }}", "chat template cannot be read"),
        ("{% for", "chat template cannot be read"),
        ("{{ '\ud800' }}", "hidden characters in the chat template"),
    ],
)  # fmt: skip
def test_bounds(source: str, summary: str) -> None:
    assert inspect_template(KEY, source)[0].summary == summary


def test_a_template_that_is_too_deep_for_the_place_it_is_read_from_fails() -> None:
    def from_deep_inside(frames: int) -> tuple[Finding, ...]:
        return from_deep_inside(frames - 1) if frames else inspect_template(KEY, source)

    source = "{{ a" + "|lower" * 95 + " }}"
    assert inspect_template(KEY, source)[0].verdict is Verdict.NOTE
    assert from_deep_inside(800)[0].verdict is Verdict.FAIL


def test_evidence_is_short_and_printable() -> None:
    source = "{{ ''['__class__\x1b]0;\u202e" + "x" * 5_000 + "'] }}"
    for finding in inspect_template(f"{KEY}.\x1b[2J\n\u202e{'n' * 500}", source):
        assert finding.evidence.isascii()
        assert finding.evidence.isprintable()
        assert len(finding.evidence) < 300
        assert finding.check == CHECK


def test_a_finding_names_the_places() -> None:
    source = "{{ ''.__class__ }}\n" * 5
    (finding, *_) = inspect_template(KEY, source)
    assert finding.evidence == (
        f"{KEY}, line 1: __class__; line 2: __class__; line 3: __class__; and 2 more"
    )
    assert finding.why
    assert finding.remedy


@pytest.fixture
def found(opened: Opened) -> Found:
    """What is said of the templates of a file with these entries more."""

    def inspect(*entries: bytes) -> list[Finding]:
        parts = model_parts(template=None)
        whole = parts._replace(entries=(*parts.entries, *entries)).bytes()
        return inspect_templates(opened(whole).header)

    return inspect


def test_every_template_of_a_file_is_looked_at(found: Found) -> None:
    evil = "{{ ''.__class__ }}{{ messages }}"
    findings = found(
        entry(KEY, STRING, "{{ messages }}"),
        entry(f"{KEY}.tool_use", STRING, evil),
        entry(f"{KEY}.rag", U32, 7),
        entry("general.description", STRING, evil),
    )
    assert [(one.verdict.value, one.evidence.split(",")[0]) for one in findings] == [
        ("pass", KEY),
        ("fail", f"{KEY}.tool_use"),
        ("fail", f"{KEY}.rag"),
    ]
    assert findings[2].summary == "chat template is no text"


def test_a_file_without_a_template_has_none_to_judge(found: Found) -> None:
    assert found() == []


def test_a_thousand_templates_are_too_many(found: Found) -> None:
    entries = [entry(f"{KEY}.{number}", STRING, "{{ messages }}") for number in range(1000)]
    findings = found(*entries)
    assert len(findings) == MOST + 1
    assert findings[-1].summary == "too many chat templates"
    assert findings[-1].verdict is Verdict.FAIL


def test_templates_that_are_too_large_together(found: Found) -> None:
    large = "{{ messages }}" + "\n" * (SIZE - 20)
    assert len(found(*(entry(f"{KEY}.{number}", STRING, large) for number in range(4)))) >= 4
    [finding] = found(*(entry(f"{KEY}.{number}", STRING, large) for number in range(5)))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "chat template too large")


def test_security_error_is_what_the_sandbox_says() -> None:
    """So that an empty text above is the sandbox's doing."""
    environment = make_environment(ImmutableSandboxedEnvironment)
    with pytest.raises(SecurityError):
        environment.from_string("{{ ''.__class__.__mro__ }}").render()


USES = (
    "{{ VALUE|NAME }}",
    "{{ VALUE|NAME() }}",
    "{{ VALUE|NAME('a') }}",
    "{{ VALUE|NAME(*VALUE, **VALUE) }}",
    "{{ VALUE|NAME(attribute='a', x=1) }}",
    "{{ VALUE|map('NAME')|list }}",
    "{{ VALUE.NAME() }}",
    "{{ VALUE.NAME(*VALUE) }}",
    "{{ NAME() }}{{ NAME(*VALUE) }}{{ loop.NAME }}",
    "{% filter NAME() %}{{ VALUE }}{% endfilter %}",
)
VALUES = ("messages", "messages[0].content", "'text'")
METHODS = {name for kind in (str, dict, list, int) for name in dir(kind) if name[0] != "_"}


@pytest.mark.parametrize("use", USES)
def test_whatever_is_left_out_or_too_much_is_a_finding(use: str) -> None:
    """Jinja's parser takes every call, whether what is called could be called like that or not."""
    environment = make_environment(Environment)
    for name in sorted({*environment.filters, *environment.globals, *METHODS}):
        for value in VALUES:
            said = use.replace("NAME", name).replace("VALUE", value)
            assert inspect_template(KEY, f"{{% for m in messages %}}{said}{{% endfor %}}")


def test_every_test_may_lack_its_argument() -> None:
    for name in make_environment(Environment).tests:
        if name.isidentifier():
            for value in VALUES:
                assert inspect_template(KEY, f"{{{{ 1 if {value} is {name} else 2 }}}}")
