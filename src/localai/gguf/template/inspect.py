"""Findings about a chat template: a program by a stranger, read and never run.

Scanners can be evaded; this one too. It advises the officer who sees the template before
approving it; what protects a start is the digest in the entry, the worker's sandbox and its
clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jinja2.nodes import Template

from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFile, is_template
from localai.gguf.template.flaw import Flaw, fail, quote
from localai.gguf.template.growth import find_growth
from localai.gguf.template.parsing import SIZE, TOO_DEEP, TOO_LARGE, parse
from localai.gguf.template.reach import Reach, find_handed_on, find_loading
from localai.gguf.template.roles import follow_roles
from localai.gguf.template.triggers import watch
from localai.gguf.template.walk import Walker
from localai.gguf.template.words import find_words
from localai.gguf.template.work import weigh

CHECK = "chat-template"
MOST = 32  # templates of one file; models with tools have two or three
TOGETHER = 4 * SIZE  # characters of all of them
LISTED = 3  # places that one finding names

_WHY = "a chat template turns a conversation into text; none that is honest does this"
_REMEDY = "do not run it: take the model from its publisher, or ask who made this file"


def inspect_templates(header: GgufFile) -> list[Finding]:
    """What there is to say about every chat template of a file."""
    return inspect_sources([one for one in header.metadata.items() if is_template(one[0])])


def inspect_sources(named: Sequence[tuple[str, object]]) -> list[Finding]:
    """The same of templates that came without their file, each with the key it stood under."""
    size = sum(len(source) for _, source in named if isinstance(source, str))
    if size > TOGETHER:
        evidence = f"{size:,} characters in {len(named):,} templates, of {TOGETHER:,} at most"
        return [Finding(CHECK, Verdict.FAIL, TOO_LARGE, evidence, _WHY, _REMEDY)]
    found: list[Finding] = []
    for key, source in named[:MOST]:
        if isinstance(source, str):
            found += inspect_template(key, source)
        else:
            found.append(_put(key, Verdict.FAIL, "chat template is no text", []))
    if len(named) > MOST:
        evidence = f"{len(named):,} chat templates, of {MOST} at most"
        found.append(
            Finding(CHECK, Verdict.FAIL, "too many chat templates", evidence, _WHY, _REMEDY)
        )
    return found


def inspect_template(name: str, source: str) -> tuple[Finding, ...]:
    """What there is to say about the template ``source`` that the file has under the key
    ``name``: one finding a kind of flaw, the worst first, or one that says ``pass``."""
    template = parse(source)
    flaws = [template] if isinstance(template, Flaw) else _find_flaws(source, template)
    if not flaws:
        evidence = f"{quote(name)}, {len(source):,} characters"
        return (Finding(CHECK, Verdict.PASS, "nothing unusual", evidence),)
    kinds = dict.fromkeys((flaw.verdict, flaw.summary) for flaw in flaws)
    ordered = sorted(kinds, key=lambda kind: kind[0] is not Verdict.FAIL)
    return tuple(
        _put(name, verdict, summary, [one for one in flaws if one[:2] == (verdict, summary)])
        for verdict, summary in ordered
    )


def _find_flaws(source: str, template: Template) -> list[Flaw]:
    walker = Walker((Reach(template), weigh, watch))
    try:
        walker.walk(template)
        flaws = [*walker.flaws, *find_loading(template), *find_handed_on(template)]
        flaws += find_growth(template)
        return [*flaws, *find_words(source, template), *follow_roles(template)[1]]
    except RecursionError:  # whoever calls this from deep inside has less room than ``DEPTH`` needs
        return [fail(TOO_DEEP, 0, "deeper than can be followed from here")]


def _put(name: str, verdict: Verdict, summary: str, flaws: Iterable[Flaw]) -> Finding:
    places = list(dict.fromkeys((flaw.line, flaw.shown) for flaw in flaws))
    listed = [f"line {line}: {shown}" if line else shown for line, shown in places[:LISTED]]
    if len(places) > LISTED:
        listed.append(f"and {len(places) - LISTED} more")
    evidence = ", ".join(filter(None, (quote(name), "; ".join(listed))))
    if verdict is Verdict.FAIL:
        return Finding(CHECK, verdict, summary, evidence, _WHY, _REMEDY)
    return Finding(CHECK, verdict, summary, evidence)
