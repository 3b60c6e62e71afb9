"""Write a manifest as YAML that a person reads and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from localai.document.linewise import PLAIN
from localai.errors import DocumentError
from localai.manifest.freshness import check_clock
from localai.manifest.provenance import Provenance
from localai.manifest.schema import SCHEMA, Entry, Manifest, parse_manifest

_PLAIN = re.compile(PLAIN)
_NO_ENTRIES = re.compile(r"^entries: \[\]$", re.MULTILINE)

_Value = str | int | date


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest in one fixed form: ``parse_manifest`` of it gives an equal manifest.

    Raises DocumentError if the manifest breaks its own schema.
    """
    raw = _write(manifest)
    if parse_manifest(raw) != manifest:
        raise DocumentError("the manifest does not read back as it was written")
    return raw


def add_entry(raw: bytes, entry: Entry) -> bytes:
    """A manifest's bytes with ``entry`` in them and its version raised by one.

    An entry with the same identifier is replaced; who signed its files before stays, if they are
    the same. Comments stay where they are if the entry is new and the entries end the file, as
    they do in what localai writes. Raises DocumentError if the result breaks the schema.
    """
    before = parse_manifest(raw)
    replaced = next((other for other in before.entries if other.id == entry.id), None)
    if replaced and replaced.files == entry.files and not entry.provenance:
        entry = entry._replace(provenance=replaced.provenance)
    kept = tuple(other for other in before.entries if other.id != entry.id)
    after = before._replace(version=before.version + 1, entries=(*kept, entry))
    text = _NO_ENTRIES.sub("entries:", _set(raw.decode(), "version", after.version))
    return _keep_or_write(text.rstrip("\n") + "\n" + _join(_entry_lines(entry)), after)


def replace_entries(raw: bytes, entries: Sequence[Entry]) -> bytes:
    """A manifest's bytes with each of ``entries`` in the place of the one with its identifier, and
    with its version raised by one.

    Comments stay, but for those inside of what was replaced. Raises DocumentError if the result
    breaks the schema.
    """
    before = parse_manifest(raw)
    new = {entry.id: entry for entry in entries}
    changed = tuple(new.get(entry.id, entry) for entry in before.entries)
    after = before._replace(version=before.version + 1, entries=changed)
    text = _set(raw.decode(), "version", after.version)
    for entry in entries:
        text = _set_entry(text, entry.id, _join(_entry_lines(entry)))
    return _keep_or_write(text, after)


def remove_entry(raw: bytes, entry_id: str) -> bytes:
    """A manifest's bytes without the entry ``entry_id``, which nothing may go with any more, and
    with its version raised by one. Comments stay as in :func:`replace_entries`.

    Raises DocumentError if the result breaks the schema.
    """
    before = parse_manifest(raw)
    parted = [
        entry._replace(companions=tuple(one for one in entry.companions if one != entry_id))
        for entry in before.entries
        if entry_id in entry.companions
    ]
    new = {entry.id: entry for entry in parted}
    kept = tuple(new.get(entry.id, entry) for entry in before.entries if entry.id != entry_id)
    after = before._replace(version=before.version + 1, entries=kept)
    text = _set_entry(_set(raw.decode(), "version", after.version), entry_id, "")
    for entry in parted:
        text = _set_entry(text, entry.id, _join(_entry_lines(entry)))
    if not kept:
        text = re.sub(r"^entries:$", "entries: []", text, flags=re.MULTILINE)
    return _keep_or_write(text, after)


def renew(raw: bytes, today: date, days: int) -> bytes:
    """A manifest's bytes with its version raised by one, to hold ``days`` days from ``today``.

    Comments stay. Raises DocumentError if the result breaks the schema, StateError if the
    manifest is of a day to come.
    """
    before = parse_manifest(raw)
    check_clock(before, today)
    expires = today + timedelta(days=days)
    after = before._replace(version=before.version + 1, issued=today, expires=expires)
    text = raw.decode()
    for key, value in (("version", after.version), ("issued", today), ("expires", expires)):
        text = _set(text, key, value)
    return _keep_or_write(text, after)


def _set(text: str, key: str, value: _Value) -> str:
    """The text with the value of a top-level key replaced, where it stands on a line of its own."""
    return re.sub(rf"^{key}:.*$", f"{key}: {value}", text, count=1, flags=re.MULTILINE)


def _set_entry(text: str, entry_id: str, lines: str) -> str:
    """The text with other lines in the place of one entry's, where it stands as localai writes
    it: from its identifier to the next entry, the next key, or the end."""
    first = rf"^  - id: {re.escape(_scalar(entry_id))}\n"
    pattern = rf"{first}(?:    .*\n| *\n)*"
    return re.sub(pattern, lambda _: lines, text, count=1, flags=re.MULTILINE)


def _keep_or_write(text: str, wanted: Manifest) -> bytes:
    """The edited text if it says exactly what is wanted, else the whole file written anew."""
    edited = _encode(text)
    try:
        if parse_manifest(edited) == wanted:
            return edited
    except DocumentError:
        pass  # another layout than ours
    return write_manifest(wanted)


def _write(manifest: Manifest) -> bytes:
    lines = [
        "# The artifacts that are approved here. Every byte of this file is signed:",
        "# after a change raise the version and sign again (localai manifest sign).",
        *_scalars(
            0,
            ("schema", SCHEMA),
            ("name", manifest.name),
            ("version", manifest.version),
            ("issued", manifest.issued),
            ("expires", manifest.expires),
            ("note", manifest.note),
        ),
    ]
    if not manifest.entries:
        return _encode(_join([*lines, "entries: []"]))
    lines.append("entries:")
    for entry in manifest.entries:
        lines.extend(_entry_lines(entry))
    return _encode(_join(lines))


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise DocumentError(
            f"line {line} of the manifest would not be UTF-8 text",
            hint="type it in UTF-8, in a locale like C.UTF-8",
        ) from error


def _join(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _entry_lines(entry: Entry) -> Iterator[str]:
    yield f"  - id: {_scalar(entry.id)}"
    yield from _scalars(
        4,
        ("name", entry.name),
        ("kind", entry.kind),
        ("licence", entry.licence),
        ("note", entry.note),
    )
    yield from _list(4, "companions", entry.companions)
    yield "    source:"
    source = entry.source
    yield from _scalars(
        6,
        ("publisher", source.publisher),
        ("hub", source.hub),
        ("repository", source.repository),
        ("revision", source.revision),
    )
    yield from _list(6, "bases", source.bases)
    yield "    files:"
    for file in entry.files:
        yield f"      - name: {_scalar(file.name)}"
        yield from _scalars(
            8, ("size", file.size), ("sha256", file.sha256), ("tree-sha256", file.tree)
        )
    if entry.gguf:
        yield "    gguf:"
        yield from _scalars(
            6,
            ("architecture", entry.gguf.architecture),
            ("tensors", entry.gguf.tensors),
            ("template-sha256", entry.gguf.template),
        )
    yield from _provenance_lines(entry.provenance)
    yield "    approval:"
    approval = entry.approval
    yield from _scalars(
        6,
        ("by", approval.by),
        ("on", approval.on),
        ("review-by", approval.review_by),
        ("self-approved", "true" if approval.self_approved else None),
        ("ticket", approval.ticket),
    )
    yield "    use:"
    yield from _list(6, "purposes", entry.use.purposes)
    yield from _list(6, "data-classes", entry.use.data_classes)
    yield from _list(6, "groups", entry.use.groups)
    yield from _list(6, "safeguards", entry.use.safeguards)


def _provenance_lines(provenance: tuple[Provenance, ...]) -> Iterator[str]:
    if provenance:
        yield "    provenance:"
    for one in provenance:
        yield f"      - form: {one.form}"
        yield from _scalars(
            8,
            ("signed-as", one.signed_as),
            ("key-sha256", one.key),
            ("bundle-sha256", one.bundle),
            ("files-sha256", one.files),
            ("checked", one.checked),
        )


def _scalars(indent: int, *pairs: tuple[str, _Value | None]) -> Iterator[str]:
    for key, value in pairs:
        if value is not None:
            yield f"{' ' * indent}{key}: {_scalar(value)}"


def _list(indent: int, key: str, values: tuple[str, ...]) -> Iterator[str]:
    if values:
        yield f"{' ' * indent}{key}: [{', '.join(map(_scalar, values))}]"


def _scalar(value: _Value) -> str:
    """Plain where no reader of YAML could take it for anything but text on one line, else in
    double quotes with the escapes of JSON, which YAML shares (YAML 1.2.2, 7.3.1)."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
