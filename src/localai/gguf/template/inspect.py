"""Findings about a chat template: a program by a stranger, read and never run.

Scanners can be evaded; this one too. It advises the officer who sees the template before
approving it; what protects a start is the digest in the entry, the worker's sandbox and its
clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from localai.findings import Finding, Verdict
from localai.gguf.template.flaw import Flaw, quote
from localai.gguf.template.parsing import parse
from localai.gguf.template.words import find_words

CHECK = "chat-template"
LISTED = 3  # places that one finding names

_WHY = "a chat template turns a conversation into text; none that is honest does this"
_REMEDY = "do not run it: take the model from its publisher, or ask who made this file"


def inspect_template(name: str, source: str) -> tuple[Finding, ...]:
    """What there is to say about the template ``source`` that the file has under the key
    ``name``: one finding a kind of flaw, the worst first, or one that says ``pass``."""
    template = parse(source)
    flaws = [template] if isinstance(template, Flaw) else [*find_words(source, template)]
    if not flaws:
        evidence = f"{quote(name)}, {len(source):,} characters"
        return (Finding(CHECK, Verdict.PASS, "nothing unusual in the chat template", evidence),)
    kinds = dict.fromkeys((flaw.verdict, flaw.summary) for flaw in flaws)
    ordered = sorted(kinds, key=lambda kind: kind[0] is not Verdict.FAIL)
    return tuple(
        _put(name, verdict, summary, [one for one in flaws if one[:2] == (verdict, summary)])
        for verdict, summary in ordered
    )


def _put(name: str, verdict: Verdict, summary: str, flaws: Iterable[Flaw]) -> Finding:
    places = list(dict.fromkeys((flaw.line, flaw.shown) for flaw in flaws))
    listed = [f"line {line}: {shown}" if line else shown for line, shown in places[:LISTED]]
    if len(places) > LISTED:
        listed.append(f"and {len(places) - LISTED} more")
    evidence = f"{quote(name)}, {'; '.join(listed)}"
    if verdict is Verdict.FAIL:
        return Finding(CHECK, verdict, summary, evidence, _WHY, _REMEDY)
    return Finding(CHECK, verdict, summary, evidence)
