"""The frame of the lane: what the keys of the role ``lane`` may approve without asking anybody.

An officer signs the frame once, in the root of trust; who holds a key of the lane signs manifests
of their own within it. Every list names all that is allowed: there is no word for "anything".
Whatever is wider needs the role ``manifest``. Pure: types in, types out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from localai.manifest.schema import Entry, Manifest, Source
    from localai.shape import Fields

_SHOWN = 5  # purposes or classes of data that a reason names


class Frame(NamedTuple):
    """For which purposes, with data of which classes, from which sources, under which licences,
    and until which day, the last one, entries may be added.

    A source is a publisher, ``example``, or one repository of it, ``example/tiny``; if entries
    name the hub as well, so must the source: ``hub.example/example``.
    """

    purposes: tuple[str, ...]
    data_classes: tuple[str, ...]
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    until: date


class Outside(NamedTuple):
    """An entry of a lane's manifest that does not count, and why."""

    entry: Entry
    why: str


def read_frame(fields: Fields) -> Frame:
    """The frame that stands beside the keys of the role. Raises DocumentError, for an empty list
    too: it would read as "no limit"."""

    def some(key: str) -> tuple[str, ...]:
        if values := fields.texts(key):
            return values
        raise fields.refuse(key, "empty: a lane that may approve nothing is none")

    return Frame(
        some("purposes"),
        some("data-classes"),
        some("sources"),
        some("licences"),
        fields.date("until"),
    )


def frame_document(frame: Frame) -> dict[str, object]:
    """What :func:`read_frame` reads."""
    return {
        "purposes": list(frame.purposes),
        "data-classes": list(frame.data_classes),
        "sources": list(frame.sources),
        "licences": list(frame.licences),
        "until": frame.until.isoformat(),
    }


def compare_frames(old: Frame | None, new: Frame | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ``new`` allows and ``old`` did not, and the other way round; None allows nothing."""

    def said(frame: Frame | None) -> list[str]:
        if frame is None:
            return []
        lists = (
            ("purpose", frame.purposes),
            ("data class", frame.data_classes),
            ("source", frame.sources),
            ("licence", frame.licences),
        )
        return [f"{what} {value}" for what, values in lists for value in values]

    before, after = said(old), said(new)
    wider = [one for one in after if one not in before]
    narrower = [one for one in before if one not in after]
    if old and new and old.until != new.until:
        later = new.until > old.until
        (wider if later else narrower).append(f"until {new.until}, was {old.until}")
    return tuple(wider), tuple(narrower)


def find_outside(
    frame: Frame, signers: Iterable[str], entries: Iterable[Entry]
) -> tuple[Outside, ...]:
    """The entries that ``signers``, keys of the lane, may not approve, each with every reason."""
    names = tuple(signers)
    found = ((entry, "; ".join(_find_wider(frame, names, entry))) for entry in entries)
    return tuple(Outside(entry, why) for entry, why in found if why)


def keep_inside(manifest: Manifest, outside: Iterable[Outside]) -> Manifest:
    """A lane's manifest with only what counts in it, so that nobody reads the rest by accident."""
    gone = {one.entry.id for one in outside}
    kept = tuple(entry for entry in manifest.entries if entry.id not in gone)
    return manifest._replace(entries=kept)


def _find_wider(frame: Frame, signers: tuple[str, ...], entry: Entry) -> Iterator[str]:
    # (1) Every purpose and every class of data is named in the frame.
    for what, asked, allowed in (
        ("purpose", entry.use.purposes, frame.purposes),
        ("data class", entry.use.data_classes, frame.data_classes),
    ):
        known = frozenset(allowed)
        if wider := [one for one in asked if one not in known]:
            yield f"{what} {_name_some(wider)}, not one of {', '.join(allowed)}"
    # (2) It comes from where the frame says, and its publisher is the one whose repository it is:
    # the policy's list of restricted publishers goes by that name.
    if not any(_is_from(entry.source, source) for source in frame.sources):
        named = _name_origin(entry.source)
        if entry.source.publisher not in _name_origin(entry.source).split("/")[:-1]:
            named += f" of {entry.source.publisher}"
        yield f"source {named}, not one of {', '.join(frame.sources)}"
    # (3) Its licence is listed; SPDX identifiers are equal in any case (SPDX 2.3, annex D.2).
    if entry.licence.casefold() not in {one.casefold() for one in frame.licences}:
        yield f"licence {entry.licence}, not one of {', '.join(frame.licences)}"
    # (4) It promises nothing beyond the last day of the lane.
    if entry.approval.review_by > frame.until:
        yield f"review by {entry.approval.review_by}, later than the lane's end on {frame.until}"
    # (5) Who it says approved it is somebody who signed.
    if entry.approval.by not in signers:
        yield f"approved by {entry.approval.by}, who did not sign it"


def _name_some(values: list[str]) -> str:
    """The first few: whoever holds a key of the lane may list a thousand."""
    more = len(values) - _SHOWN
    return ", ".join(values[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_from(source: Source, allowed: str) -> bool:
    """Compared step by step, to the letter: ``example`` allows ``example/tiny`` and neither
    ``example-2/tiny`` nor ``example/../other``."""
    steps, prefix = _name_origin(source).split("/"), allowed.split("/")
    if steps[: len(prefix)] != prefix or any(step in ("", ".", "..") for step in steps):
        return False
    return len(steps) > 1 and source.publisher == steps[-2]


def _name_origin(source: Source) -> str:
    """Hub, publisher and repository, as steps; an address says the same as its parts."""
    repository = source.repository.removeprefix("https://")
    return f"{source.hub}/{repository}" if source.hub else repository
