"""What changed between two versions of a manifest, and what follows from each change.

Pure: two manifests in, changes out. Nothing that differs is left out: a field that no rule here
speaks of is told with both its values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from localai.manifest.schema import ArtifactFile, Entry, Manifest


class Effect(StrEnum):
    """What follows from a change, in the order in which a signer wants to know."""

    ALLOWED = "now allowed"
    DENIED = "no longer allowed"
    WEAKER = "weaker"
    STRONGER = "stronger"
    OTHER = "also changed"


class Change(NamedTuple):
    """One change. ``entry`` is the identifier in the newer manifest, or in the older one if the
    entry is gone; "" for the manifest itself."""

    effect: Effect
    entry: str
    what: str


# Lists that permit what stands in them, and those that ask for it or speak for it.
_PERMISSIONS = {
    "use.purposes": "the purpose {}",
    "use.data_classes": "{} data",
    "companions": "together with {}",
}
_DUTIES = {"use.safeguards": "the safeguard {}", "provenance": "the provenance {}"}
# Facts that are worth having: without one less can be traced or checked.
_ASSETS = frozenset({"approval.ticket", "source.revision", "source.publisher", "gguf.template"})
_ORDER = tuple(Effect)


def compare(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Every change from ``old`` to ``new``, by its effect; empty if they say the same.

    The order of entries, files and lists means nothing. An entry under another identifier but with
    the same files is the same entry.
    """
    changes = [*_compare_heads(old, new)]
    before = {entry.id: entry for entry in old.entries}
    after = {entry.id: entry for entry in new.entries}
    gone = {_digests(entry): entry for entry in old.entries if entry.id not in after}
    for entry in new.entries:
        previous = before.get(entry.id) or gone.pop(_digests(entry), None)
        if previous is None:
            changes.extend(_describe_new(entry))
        else:
            changes.extend(_compare_entries(previous, entry))
    for entry in gone.values():
        changes.append(Change(Effect.DENIED, entry.id, describe_grant(entry)))
    return tuple(sorted(changes, key=lambda change: _ORDER.index(change.effect)))


def describe_grant(entry: Entry) -> str:
    """What an entry allows: which artifact, for what, with which data, to whom, how long."""
    groups = f"the groups {', '.join(entry.use.groups)}" if entry.use.groups else "every account"
    return (
        f"{entry.name} ({entry.kind}) for {', '.join(entry.use.purposes)}, "
        f"with {', '.join(entry.use.data_classes)} data, by {groups}, "
        f"until {entry.approval.review_by}"
    )


def _digests(entry: Entry) -> frozenset[str]:
    return frozenset(file.sha256 for file in entry.files)


def _compare_heads(old: Manifest, new: Manifest) -> Iterator[Change]:
    if old.name != new.name:
        what = f"its name, {old.name} -> {new.name}: versions that hosts saw of {old.name} no \
longer bound it"
        yield Change(Effect.WEAKER, "", what)
    elif new.version < old.version:
        what = f"version {new.version} after {old.version}: hosts that saw {old.version} refuse it"
        yield Change(Effect.DENIED, "", what)
    elif new.version == old.version and new != old:
        what = f"two contents of version {new.version}: hosts that saw the other one refuse it"
        yield Change(Effect.DENIED, "", what)
    yield from _compare_ends("", "all of it", old.expires, new.expires)
    for field in ("issued", "note"):
        yield from _compare_facts("", field, getattr(old, field), getattr(new, field))


def _describe_new(entry: Entry) -> Iterator[Change]:
    """All that an entry says which was not there: a signer reads it here, or nowhere."""
    yield Change(Effect.ALLOWED, entry.id, describe_grant(entry))
    yield from _compare_files(entry.id, (), entry.files)
    if entry.approval.self_approved:
        yield _say_for_whom(entry)
    for path, value in _flatten(entry).items():
        if path not in _GRANTED and (said := ", ".join(_texts(value)) or value):
            yield Change(Effect.ALLOWED, entry.id, f"{_name(path)}: {_show(said)}")


def _compare_entries(old: Entry, new: Entry) -> Iterator[Change]:
    if old.id != new.id:
        yield Change(Effect.OTHER, new.id, f"identifier: {old.id} -> {new.id}, the same files")
    if old.kind != new.kind:
        yield Change(Effect.ALLOWED, new.id, f"its use as {new.kind}, was as {old.kind}")
    yield from _compare_files(new.id, old.files, new.files)
    yield from _compare_groups(new.id, old.use.groups, new.use.groups)
    yield from _compare_ends(new.id, "its use", old.approval.review_by, new.approval.review_by)
    if old.approval.self_approved != new.approval.self_approved:
        yield _say_for_whom(new)
    before, after = _flatten(old), _flatten(new)
    for path in {**before, **after}:
        yield from _compare_facts(new.id, path, before.get(path), after.get(path))


def _say_for_whom(entry: Entry) -> Change:
    alone = entry.approval.self_approved
    what = f"{entry.approval.by} approves it {'for themselves' if alone else 'for others'}"
    return Change(Effect.WEAKER if alone else Effect.STRONGER, entry.id, what)


def _compare_ends(entry: str, what: str, old: date, new: date) -> Iterator[Change]:
    if new != old:
        effect = Effect.ALLOWED if new > old else Effect.DENIED
        yield Change(effect, entry, f"{what} until {new}, was until {old}")


def _compare_groups(entry: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Change]:
    """No group at all means every account."""
    if bool(old) == bool(new):
        yield from _compare_lists(entry, "use by the group {}", old, new, _PERMIT)
    elif new:
        what = f"use by accounts outside of {', '.join(new)}"
        yield Change(Effect.DENIED, entry, what)
    else:
        yield Change(Effect.ALLOWED, entry, f"use by every account, was by {', '.join(old)}")


def _compare_files(
    entry: str, old: Sequence[ArtifactFile], new: Sequence[ArtifactFile]
) -> Iterator[Change]:
    """Files are known by their digests. At a start the tree digest decides where there is one, so
    that another one lets other bytes run."""
    before, after = ({file.sha256: file for file in files} for files in (old, new))
    for digest, file in before.items():
        if digest not in after:
            yield Change(Effect.DENIED, entry, f"the file {file.name}, sha256 {digest}")
    for digest, now in after.items():
        was = before.get(digest)
        if was is None:
            what = f"the file {now.name}, sha256 {digest}"
            also = f", or whatever has the tree digest {now.tree}" if now.tree else ""
            yield Change(Effect.ALLOWED, entry, what + also)
            continue
        if now.tree != was.tree and now.tree:
            what = f"whatever has the tree digest {now.tree} as {now.name}"
            yield Change(Effect.ALLOWED, entry, f"{what}, was {was.tree or 'none'}")
        elif now.tree != was.tree:
            yield Change(Effect.OTHER, entry, f"{now.name} has no tree digest any more")
        if now.size != was.size:
            what = f"{was.name} of {was.size} bytes: with the same digest {now.size} are expected"
            yield Change(Effect.DENIED, entry, what)
        yield from _compare_facts(entry, "file name", was.name, now.name)


_Pair = tuple[Effect, Effect]
_PERMIT: _Pair = (Effect.ALLOWED, Effect.DENIED)
_BIND: _Pair = (Effect.STRONGER, Effect.WEAKER)


def _compare_lists(
    entry: str, words: str, old: Sequence[str], new: Sequence[str], effects: _Pair
) -> Iterator[Change]:
    """``effects`` of what was added, and of what was taken out."""
    for one in new:
        if one not in old:
            yield Change(effects[0], entry, words.format(one))
    for one in old:
        if one not in new:
            yield Change(effects[1], entry, words.format(one))


def _compare_facts(entry: str, path: str, old: object, new: object) -> Iterator[Change]:
    """One field of an entry, whatever it is."""
    if old == new:
        return
    name = _name(path)
    if isinstance(old or new, tuple):
        before, after = _texts(old), _texts(new)
        if path in _PERMISSIONS:
            yield from _compare_lists(entry, _PERMISSIONS[path], before, after, _PERMIT)
        elif path in _DUTIES:
            yield from _compare_lists(entry, _DUTIES[path], before, after, _BIND)
        elif before != after:  # the bases of an artifact stand in order
            told = ", ".join(before) or "none", ", ".join(after) or "none"
            yield Change(Effect.OTHER, entry, f"{name}: {told[0]} -> {told[1]}")
        return
    effect = Effect.OTHER
    if path in _ASSETS and not (old and new):
        effect = Effect.STRONGER if new else Effect.WEAKER
    yield Change(effect, entry, f"{name}: {_show(old)} -> {_show(new)}")


def _name(path: str) -> str:
    return path.replace(".", " ").replace("_", "-")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _show(value: object) -> str:
    return "none" if value is None else " ".join(str(value).split())


# What has a rule of its own above.
_RULED = frozenset(
    {"id", "kind", "files", "use.groups", "approval.review_by", "approval.self_approved"}
)
# What describe_grant says of a new entry.
_GRANTED = frozenset({"name", "use.purposes", "use.data_classes"})


def _flatten(value: Entry) -> dict[str, object]:
    """Every field that no rule above took, by its path: ``source.revision``."""

    def walk(part: object, path: str) -> Iterator[tuple[str, object]]:
        fields = getattr(part, "_asdict", None)
        if path in _RULED:
            return
        if fields is None:
            yield path, part
            return
        for name, inner in fields().items():
            yield from walk(inner, f"{path}.{name}" if path else name)

    return dict(walk(value, ""))
