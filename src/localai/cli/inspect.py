"""``localai inspect``: say what a file is and what to know before approving it; run nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from localai.cli import console
from localai.errors import Exit, UsageError
from localai.worker.protocol import DEFAULT_CONTEXT


def command(
    file: Annotated[
        Path, typer.Argument(readable=False, help="any file; of a split model, the first part")
    ],
    context: Annotated[
        int, typer.Option(min=1, max=1 << 24, help="reckon memory for so many tokens")
    ] = DEFAULT_CONTEXT,
    json: Annotated[bool, typer.Option("--json", help="print localai.inspection/1")] = False,
    template: Annotated[
        bool, typer.Option("--template", help="print the chat templates, line by line")
    ] = False,
    tensors: Annotated[bool, typer.Option("--tensors", help="print a table of them")] = False,
) -> int:
    """Say what a file is and what to know before approving it. Nothing of it is run.

    Models (GGUF, safetensors) and datasets (JSONL, CSV, Parquet, text). Exit code 0: no finding
    is fail; 3: at least one is; 4: the file cannot be read.
    """
    from localai.cli import inspectscreen
    from localai.cli.stores.naming import find_model
    from localai.inspection.inspect import inspect_path

    if json + template + tensors > 1:
        raise UsageError(
            "--json, --template and --tensors are three different answers", hint="give one of them"
        )
    file = find_model(file)
    hashed = not (template or tensors)
    with console.progress(file.name, console.size_of(file)) as progress:
        found = inspect_path(file, context=context, hashed=hashed, progress=progress)
    code = Exit.REFUSED if found.failures else Exit.DONE
    if json:
        from localai.inspection.document import inspection_document

        console.print_json(inspection_document(found, int(code)))
    elif template:
        # A person's terminal has a width; whoever writes it to a file wants the lines.
        console.out(
            inspectscreen.templates(found, console.width() if sys.stdout.isatty() else None)
        )
    elif tensors:
        console.out(inspectscreen.tensors(found, console.width()))
    else:
        console.out(inspectscreen.inspection(found, console.width()))
    return code
