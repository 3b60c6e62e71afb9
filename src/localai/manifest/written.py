"""Read a manifest in the form in which localai writes it: at once, where YAML takes seconds.

One pattern says what an entry looks like as :mod:`localai.manifest.write` writes it, field by
field and with the schema's limits; comments and empty lines may stand between its lines. Each of
those lines is whole, a key with one scalar or one list of scalars: where it ends, YAML is between
two lines of a block, whatever the next one says (YAML 1.2.2, chapter 8). What stands before the
entries is left to YAML itself.

Nothing is refused here. What looks different, and what the schema would refuse, is None: then the
strict reader reads all of it, and says what is wrong. Tests hold the two against each other.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from localai.document import BYTES_A_VALUE, Node
from localai.document.linewise import FIRST, LETTER, NO_TEXT, read_scalar
from localai.errors import DocumentError
from localai.gguf.facts import GgufFacts
from localai.manifest.filename import find_name_problem
from localai.manifest.provenance import Provenance, read_provenance
from localai.manifest.schema import (
    ENTRIES,
    LARGEST_FILE,
    LAST_VERSION,
    LIMIT,
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    Source,
    Use,
    find_contradiction,
    read_yaml,
)
from localai.shape import TEXT_LIMIT, read_shape


def _text(limit: int = TEXT_LIMIT, *, escapes: str = r'"\\', blank: str = " ") -> str:
    """A scalar is plain, or in double quotes with the escapes that clean text on one line can
    need."""
    plain = rf"{FIRST}{LETTER}{{0,{limit - 1}}}+(?<! )"
    return rf'{plain}|"(?!(?:{blank})*+")(?:[^"\\\n]|\\[{escapes}]){{1,{limit}}}+"'


_TEXT, _NAME = _text(), _text(255)
_NOTE = _text(4000, escapes=r'"\\n', blank=r" |\\n")
_LIST = rf"\[(?:{_TEXT})(?:, (?:{_TEXT})){{0,999}}+\]"
_SLUG = r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?"
_DIGEST = r"[0-9a-f]{64}"
_INTEGER = r"0|[1-9][0-9]{0,17}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _line(indent: int, key: str, value: str) -> str:
    return rf"\n{' ' * indent}{key}: ({value})(?=\n)"


def _perhaps(indent: int, key: str, value: str) -> str:
    return rf"(?:{_line(indent, key, value)})?+"


_FILE = (
    _line(6, "- name", _NAME)
    + _line(8, "size", _INTEGER)
    + _line(8, "sha256", _DIGEST)
    + _perhaps(8, "tree-sha256", _DIGEST)
)
_GGUF = (
    _line(6, "architecture", _TEXT)
    + _line(6, "tensors", _INTEGER)
    + _perhaps(6, "template-sha256", _DIGEST)
)
_SIGNED = (
    _line(6, "- form", _TEXT)
    + _line(8, "signed-as", _NAME)
    + _line(8, "key-sha256", _DIGEST)
    + _line(8, "bundle-sha256", _DIGEST)
    + _line(8, "files-sha256", _DIGEST)
    + _line(8, "checked", _DAY)
)
_ENTRY = re.compile(
    _line(2, "- id", _SLUG)
    + _line(4, "name", _TEXT)
    + _line(4, "kind", "|".join(Kind))
    + _line(4, "licence", _TEXT)
    + _perhaps(4, "note", _NOTE)
    + _perhaps(4, "companions", _LIST)
    + r"\n    source:"
    + _line(6, "publisher", _TEXT)
    + _perhaps(6, "hub", _TEXT)
    + _line(6, "repository", _TEXT)
    + _perhaps(6, "revision", _TEXT)
    + _perhaps(6, "bases", _LIST)
    + rf"\n    files:((?:{_FILE}){{1,1000}}+)"
    + rf"(?:\n    gguf:{_GGUF})?+"
    + rf"(?:\n    provenance:((?:{_SIGNED}){{1,1000}}+))?+"
    + r"\n    approval:"
    + _line(6, "by", _TEXT)
    + _line(6, "on", _DAY)
    + _line(6, "review-by", _DAY)
    + _perhaps(6, "self-approved", "true|false")
    + _perhaps(6, "ticket", _TEXT)
    + r"\n    use:"
    + _line(6, "purposes", _LIST)
    + _line(6, "data-classes", _LIST)
    + _perhaps(6, "groups", _LIST)
    + _perhaps(6, "safeguards", _LIST)
)
_EACH_TEXT, _EACH_FILE, _EACH_SIGNED = map(re.compile, (_TEXT, _FILE, _SIGNED))
_A_LINE = 3  # values at most: a key, and a mapping before it or a list after it; a comma, one more
_COMMENT = re.compile(r"\n *+(?:#.*+)?(?=\n)")


def read_written(text: str) -> Manifest | None:
    """The manifest in ``text``, which holds no character that is refused in documents; None if
    all of it has to be read as YAML."""
    values = _A_LINE * text.count("\n") + text.count(",")
    if values > LIMIT // BYTES_A_VALUE or any(one in text for one in NO_TEXT):
        return None
    head, begin, rest = text.partition("\nentries:")
    collects = gc.isenabled()
    gc.disable()  # it would look for cycles, of which there are none, for as long again
    try:
        manifest = read_yaml(f"{head}{begin} []\n".encode())
        manifest = manifest._replace(entries=tuple(_read_entries(_COMMENT.sub("", rest))))
    except (ValueError, DocumentError):
        return None
    finally:
        if collects:
            gc.enable()
    return None if find_contradiction(manifest.entries) else manifest


def _read_entries(text: str) -> Iterator[Entry]:
    """Raises ValueError unless ``text`` is entries, some and not too many, and nothing else."""
    end = 0
    for _ in range(ENTRIES):
        if not (match := _ENTRY.match(text, end)):
            break
        yield _build(match)
        end = match.end()
    if not end or text[end:] != "\n":
        raise ValueError("for the strict reader")


def _build(match: re.Match[str]) -> Entry:
    """Raises ValueError for what the pattern lets pass and the schema refuses."""
    # fmt: off
    # What is not taken is of the last file, and of the last signature.
    (entry_id, name, kind, licence, note, companions,
     publisher, hub, repository, revision, bases,
     files, _, _, _, _,
     architecture, tensors, template,
     signed, _, _, _, _, _, _,
     by, on, review_by, self_approved, ticket,
     purposes, data_classes, groups, safeguards) = match.groups()
    # fmt: on
    approval = Approval(
        read_scalar(by),
        date.fromisoformat(on),
        date.fromisoformat(review_by),
        self_approved == "true",
        _read_optional(ticket),
    )
    listed = tuple(
        ArtifactFile(read_scalar(name), int(size), sha256, tree or None)
        for name, size, sha256, tree in _EACH_FILE.findall(f"{files}\n")
    )
    if (
        (kind == Kind.DATASET) is (architecture is not None)
        or approval.review_by < approval.on
        or int(tensors or 0) > LAST_VERSION
        or any(
            not 1 <= file.size <= LARGEST_FILE or find_name_problem(file.name) for file in listed
        )
        or len({file.name.casefold() for file in listed}) < len(listed)
    ):
        raise ValueError("for the strict reader")
    return Entry(
        entry_id,
        read_scalar(name),
        Kind(kind),
        read_scalar(licence),
        Source(
            read_scalar(publisher),
            read_scalar(repository),
            _read_optional(revision),
            _read_list(bases),
            _read_optional(hub),
        ),
        listed,
        GgufFacts(read_scalar(architecture), int(tensors), template) if architecture else None,
        approval,
        Use(
            _read_list(purposes),
            _read_list(data_classes),
            _read_list(groups),
            _read_list(safeguards),
        ),
        _read_optional(note),
        _read_list(companions),
        _read_signed(signed, listed) if signed else (),
    )


def _read_signed(found: str, files: tuple[ArtifactFile, ...]) -> tuple[Provenance, ...]:
    """Few entries have this: it goes through the schema. Raises DocumentError."""
    keys = ("form", "signed-as", "key-sha256", "bundle-sha256", "files-sha256", "checked")
    nodes: list[Node] = [
        dict(zip(keys, map(read_scalar, values), strict=True))
        for values in _EACH_SIGNED.findall(f"{found}\n")
    ]
    digests = [file.sha256 for file in files]
    return read_shape(
        {"provenance": nodes}, "entry", lambda fields: read_provenance(fields, digests)
    )


def _read_optional(scalar: str | None) -> str | None:
    return None if scalar is None else read_scalar(scalar)


@lru_cache(maxsize=1000)  # most entries are for the same uses
def _read_list(found: str | None) -> tuple[str, ...]:
    if found is None:
        return ()
    if '"' in found:
        values = tuple(read_scalar(scalar) for scalar in _EACH_TEXT.findall(found))
    else:
        values = tuple(found[1:-1].split(", "))
    if len(set(values)) < len(values):
        raise ValueError("for the strict reader")
    return values
