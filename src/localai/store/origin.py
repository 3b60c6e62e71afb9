"""Where an artifact came from, ``localai.origin/1``: what a hub said of it, and what arrived.

It is provenance, never authorisation: a start asks the manifests alone.
"""

from __future__ import annotations

import json
from datetime import date
from typing import NamedTuple

from localai.document import encode_text, read_json
from localai.manifest.schema import ArtifactFile, Source, read_file, read_source
from localai.reference import LONGEST_PATH, is_path
from localai.shape import Fields, read_shape

SCHEMA = "localai.origin/1"
NAME = "origin.json"
LIMIT = 1 << 20  # bytes of such a document


class Origin(NamedTuple):
    """Where ``files`` came from, and on which day they arrived.

    ``licence`` is what the hub says, empty if nothing, and ``gated`` whether it asks people to
    agree first; ``card`` is the SHA-256 of the model card that it showed, None if there was none.
    ``folder`` is where in the repository they lay, empty for its top.
    """

    source: Source
    arrived: date
    files: tuple[ArtifactFile, ...]
    licence: str = ""
    gated: bool = False
    card: str | None = None
    folder: str = ""


def write_origin(origin: Origin) -> bytes:
    """The document as JSON: :func:`parse_origin` of it gives an equal one."""
    source = {
        "publisher": origin.source.publisher,
        "repository": origin.source.repository,
        "revision": origin.source.revision,
        "bases": list(origin.source.bases),
        "hub": origin.source.hub,
    }
    document = {
        "schema": SCHEMA,
        "source": {key: value for key, value in source.items() if value},
        "arrived": origin.arrived.isoformat(),
        "gated": origin.gated,
        **({"licence": origin.licence} if origin.licence else {}),
        **({"card-sha256": origin.card} if origin.card else {}),
        **({"folder": origin.folder} if origin.folder else {}),
        "files": [_write_file(file) for file in origin.files],
    }
    return encode_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _write_file(file: ArtifactFile) -> dict[str, str | int]:
    tree = {"tree-sha256": file.tree} if file.tree else {}
    return {"name": file.name, "size": file.size, "sha256": file.sha256, **tree}


def parse_origin(raw: bytes) -> Origin:
    """Read such a document. Raises DocumentError, naming the field."""
    return read_shape(read_json(raw, limit=LIMIT), "origin", _read_origin)


def _read_origin(fields: Fields) -> Origin:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")
    origin = Origin(
        source=fields.one("source", read_source),
        arrived=fields.date("arrived"),
        files=fields.each("files", read_file),
        licence=fields.text("licence") if fields.has("licence") else "",
        gated=fields.boolean("gated"),
        card=fields.digest("card-sha256") if fields.has("card-sha256") else None,
        folder=fields.text("folder", limit=LONGEST_PATH) if fields.has("folder") else "",
    )
    if origin.folder and not is_path(origin.folder):
        raise fields.refuse("folder", f"{origin.folder!r} leads elsewhere")
    names = [file.name.casefold() for file in origin.files]
    if not names or len(set(names)) != len(names):
        raise fields.refuse("files", "empty, or two of one name")
    if NAME in names:
        raise fields.refuse("files", f"{NAME} lies beside them: no other file can have that name")
    return origin
