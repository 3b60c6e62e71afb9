"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# readable=False: typer must not judge that first, without a remedy and without a record.
Model = Annotated[
    Path, typer.Argument(readable=False, help="a GGUF file; of a split set, the first part")
]
