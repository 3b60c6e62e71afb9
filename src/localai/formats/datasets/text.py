"""Plain text: each line is a row. And JSON that is one document, which is searched as a text."""

from __future__ import annotations

from localai.findings import Finding, Verdict
from localai.formats.contents import Contents
from localai.formats.datasets.survey import Survey
from localai.formats.finding import DATASET


def inspect_text(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of text behind ``fd``."""
    survey = Survey(fd, size)
    for block in survey.blocks():
        survey.signs.look(block)
    return Contents(survey.facts(), tuple(survey.findings()))


def inspect_json(fd: int, size: int) -> Contents:
    """The same of a JSON document, which is not taken apart: its size has no bound, its rows have
    no line of their own, and what it writes as an escape stays one."""
    found = inspect_text(fd, size)
    evidence, remedy = "one JSON document; escapes in it were not read", "jq -c '.[]' FILE"
    unread = Finding(DATASET, Verdict.NOT_CHECKED, "rows not read", evidence, "", remedy)
    return found._replace(findings=(*found.findings, unread))
