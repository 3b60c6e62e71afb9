"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# readable=False: typer must not judge that first, without a remedy and without a record.
Model = Annotated[
    Path,
    typer.Argument(
        readable=False, help="a GGUF file, of a split set the first part; or its name in the store"
    ),
]
ApprovedBy = Annotated[
    str | None, typer.Option("--by", help="who approves it; yourself, for yourself, if left out")
]
Ticket = Annotated[str | None, typer.Option(help="where the decision is filed")]
ReviewDays = Annotated[
    int, typer.Option(min=1, max=3650, help="days until somebody looks at it again")
]
SignatureFile = Annotated[
    Path, typer.Option("--signature", help="the signature that was made, as it is or in base64")
]
KeyOfSignature = Annotated[
    Path | None, typer.Option("--key", help="whose it is: a public key, or a certificate")
]
