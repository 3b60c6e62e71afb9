"""``localai check``: ask every gate and probe the sandbox, load nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import Adapters, Model, Purpose
from localai.errors import Exit


def command(
    model: Model,
    purpose: Purpose = "evaluation",
    data_class: Annotated[str, typer.Option(help="data of which class")] = "public",
    adapter: Adapters = None,
    json: Annotated[bool, typer.Option("--json", help="print localai.decision/1")] = False,
) -> int:
    """Ask every gate and probe the sandbox, load nothing.

    A worker is confined, probed and ended. Exit code 0: it may run; 3: it may not.
    """
    from localai.cli.answers.prompting import parse_adapters
    from localai.cli.stores.naming import find_model
    from localai.cli.surroundings import look_around
    from localai.launch import start
    from localai.plan.document import decision_document
    from localai.plan.facts import Use
    from localai.plan.request import StartRequest

    adapters = parse_adapters(adapter)
    request = StartRequest(
        find_model(model), Use(purpose, data_class), load=False, adapters=adapters
    )
    with console.progress("verifying", sum(map(console.size_of, request.paths))) as report:
        started = start(request, look_around().for_launch(), report)
    if json:
        console.print_json(decision_document(started.facts, started.decision))
    else:
        console.print_check(started.facts, started.decision, started.record)
    return Exit.DONE if started.decision.allowed else Exit.REFUSED
