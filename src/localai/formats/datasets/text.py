"""Plain text: each line is a row."""

from __future__ import annotations

from localai.formats.contents import Contents
from localai.formats.datasets.survey import Survey


def inspect_text(fd: int, size: int) -> Contents:
    """Facts and findings about the ``size`` bytes of text behind ``fd``."""
    survey = Survey(fd, size)
    for block in survey.blocks():
        survey.signs.look(block)
    return Contents(survey.facts(), tuple(survey.findings()))
