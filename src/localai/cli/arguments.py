"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# readable=False: typer must not judge that first, without a remedy and without a record.
Artifact = Annotated[
    Path,
    typer.Argument(
        readable=False,
        help="a GGUF file or a dataset, of several parts the first; or its name in the store",
    ),
]
Model = Annotated[
    Path,
    typer.Argument(
        readable=False, help="a GGUF file, of a split set the first part; or its name in the store"
    ),
]
Purpose = Annotated[str, typer.Option(help="what for; entries name it")]
Adapters = Annotated[
    list[str] | None,
    typer.Option("--adapter", help="a LoRA to go with it, FILE or FILE=0.5; repeatable"),
]
ApprovedBy = Annotated[
    str | None, typer.Option("--by", help="who approves it; yourself, for yourself, if left out")
]
Ticket = Annotated[str | None, typer.Option(help="where the decision is filed")]
ReviewDays = Annotated[
    int, typer.Option(min=1, max=3650, help="days until somebody looks at it again")
]
SourceText = Annotated[
    str, typer.Option("--source", help="publisher/repository[@revision], or an address")
]
Licence = Annotated[str, typer.Option(help="an SPDX identifier, as Apache-2.0")]
KindName = Annotated[
    str,
    typer.Option(
        "--kind", help="model, adapter, projector, draft or dataset; what the file says if left out"
    ),
]
EntryName = Annotated[str, typer.Option("--name", help="what to call it on screens")]
EntryId = Annotated[str, typer.Option("--id", help="the entry's identifier")]
Purposes = Annotated[list[str] | None, typer.Option("--purpose", help="what it is for; repeatable")]
DataClasses = Annotated[
    list[str] | None, typer.Option("--data-class", help="data that it may see; repeatable")
]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", help="groups that may use it, all if left out; repeatable"),
]
Safeguards = Annotated[
    list[str] | None,
    typer.Option("--safeguard", help="what people do to keep its use safe; repeatable"),
]
Companions = Annotated[
    list[str] | None,
    typer.Option("--companion", help="an entry that may be loaded with it; repeatable"),
]
Note = Annotated[str | None, typer.Option(help="anything that readers should know")]
InManifest = Annotated[
    str | None, typer.Option("--manifest", help="its name or file; the only one if left out")
]
OneManifest = Annotated[
    str | None, typer.Argument(help="its name or file; the only one if left out")
]
Manifests = Annotated[list[str] | None, typer.Argument(help="names or files; all if left out")]
ModelOf = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="MODEL", help="the file itself, or its name in the store, to look at it"
    ),
]
StoreFolder = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="the store in this folder, no other")
]
KeyName = Annotated[
    str | None, typer.Option("--key", help="a key's name or file; your only one if left out")
]
UnencryptedKey = Annotated[
    bool, typer.Option("--unencrypted-key", help="whoever reads the key file can sign as you")
]
SignerName = Annotated[str | None, typer.Option("--name", help="whose it is; the file's name")]
Reason = Annotated[str, typer.Option(help="why, for whoever meets the refusal")]
PrintPayload = Annotated[
    bool, typer.Option("--print-payload", help="print what is to be signed, and do not sign")
]
SignatureFile = Annotated[
    Path,
    typer.Option(
        "--signature", help="what was made: a signature, as it is or in base64, or a NAME.dsse.json"
    ),
]
KeyOfSignature = Annotated[
    Path | None, typer.Option("--key", help="whose it is: a public key, or a certificate")
]
