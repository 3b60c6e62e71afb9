"""What a file says about where it is from and under which terms, and where it contradicts itself.

None of it is proved: anybody can write it. It is what the publisher's own page is to be compared
with. Keys: ggml's ``docs/gguf.md``, "General metadata".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from localai.findings import Finding
from localai.gguf.describe import show_count
from localai.gguf.facts import Array, GgufFile
from localai.gguf.finding import name_some, note

MOST = 8  # base models and datasets that are listed
LONGEST = 300  # characters of one statement
_SOURCES = ("source.huggingface.repository", "source.url", "source.repo_url", "repo_url", "url")
_RELATIVE = re.compile(r"general\.(base_model|dataset)\.(\d{1,4})\.[a-z_]+")
_HUB = re.compile(r"https?://(?:www\.)?huggingface\.co/([^/\s]+/[^/\s?#]+)", re.IGNORECASE)
_LABEL = re.compile(r"(\d+(?:\.\d+)?)([KMBT])")
_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
# Words by which licences are told apart, where they stand in a name or an address.
_LICENCES = {
    "apache": re.compile(r"\bapache"),
    "mit": re.compile(r"\bmit\b"),
    "no commercial use": re.compile(r"\bcc-by-nc|\bnon-?commercial|\bresearch[ -]only"),
    "gpl": re.compile(r"\b[al]?gpl"),
    "llama": re.compile(r"\bllama ?-?\d(?:\.\d)? (?:community|license)|^llama\d"),
    "gemma": re.compile(r"\bgemma (?:terms|license)|^gemma$"),
}


def list_lineage(file: GgufFile) -> tuple[tuple[str, str], ...]:
    """Each thing that the file states about its origin and terms: a word for it, and what is
    said. What it does not state is left out."""
    rows = (
        ("licence", _join(file, "license", "license.name", "license.link")),
        ("made by", _join(file, "organization", "author")),
        ("based on", _relatives(file, "base_model")),
        ("trained on", _relatives(file, "dataset") or _said(file, "datasets")),
        ("quantised by", _said(file, "quantized_by")),
        ("from", find_source(file)),
    )
    return tuple((word, said) for word, said in rows if said)


def find_source(file: GgufFile) -> str:
    """Where the file says that it is from, "" if it does not."""
    return next((said for key in _SOURCES if (said := _said(file, key))), "")


def find_bases(file: GgufFile) -> tuple[str, ...]:
    """What the file says that it was made from, nearest first; empty if it does not."""
    named = (_name_relative(file, "base_model", number) for number in _numbers(file, "base_model"))
    return tuple(dict.fromkeys(filter(None, named)))[:MOST]


def find_contradictions(files: Sequence[GgufFile]) -> list[Finding]:
    """Notes on statements of one model that cannot all be true."""
    first = files[0]
    pairs = [*_licences(files), *_lineages(first)]
    return [note(check, "statements that differ", evidence) for check, evidence in pairs]


def _licences(files: Sequence[GgufFile]) -> Iterator[tuple[str, str]]:
    first = files[0]
    stated = list(dict.fromkeys(said for file in files if (said := _said(file, "license"))))
    if len(stated) > 1:
        yield "licence", f"the parts name different licences: {name_some(stated)}"
    licence = _said(first, "license")
    kind = _kind_of(licence)
    for key in ("license.name", "license.link"):
        said = _said(first, key)
        other = _kind_of(said)
        if kind and other and kind != other:
            yield "licence", f"general.license is {licence}; general.{key} is {said}"
    based = _relatives(first, "base_model")
    if kind in ("apache", "mit") and "meta-llama/" in based.casefold():
        yield "licence", f"general.license is {licence}; based on {based}, under Meta's terms"


def _lineages(file: GgufFile) -> Iterator[tuple[str, str]]:
    count, listed = file.number("general.base_model.count"), len(_numbers(file, "base_model"))
    if count is not None and count != listed:
        yield "lineage", f"general.base_model.count is {count}; the file describes {listed}"
    repository = _said(file, "source.huggingface.repository")
    for key in ("source.url", "source.repo_url"):
        address = _HUB.match(_said(file, key))
        if repository and address and address[1].casefold() != repository.casefold():
            yield "lineage", f"the source is {repository}, and general.{key} is {address[0]}"
    label = _LABEL.fullmatch(_said(file, "size_label"))
    if label and file.parameters and file.parts == 1:
        claimed = float(label[1]) * _UNITS[label[2]]
        if not 0.5 <= file.parameters / max(claimed, 1) <= 2:
            shown = show_count(file.parameters)
            yield "lineage", f"general.size_label is {label[0]}; the tensors have {shown}"


def _kind_of(licence: str) -> str:
    """Which of the known licences a text names, "" if none or several."""
    found = [kind for kind, words in _LICENCES.items() if words.search(licence.casefold())]
    return found[0] if len(found) == 1 else ""


def _relatives(file: GgufFile, kind: str) -> str:
    """The base models or datasets that the file describes, in one line."""
    numbers = _numbers(file, kind)
    shown = [_name_relative(file, kind, number) or f"number {number}" for number in numbers[:MOST]]
    more = [f"{len(numbers) - MOST} more"] if len(numbers) > MOST else []
    return ", ".join(shown + more)


def _name_relative(file: GgufFile, kind: str, number: int) -> str:
    address = _join(file, f"{kind}.{number}.repo_url", f"{kind}.{number}.url", most=1)
    return address or _join(file, f"{kind}.{number}.organization", f"{kind}.{number}.name")


def _numbers(file: GgufFile, kind: str) -> list[int]:
    """The numbers under which relatives of this kind are described."""
    found = (_RELATIVE.fullmatch(key) for key in file.metadata)
    return sorted({int(one[2]) for one in found if one and one[1] == kind})


def _join(file: GgufFile, *keys: str, most: int = 9) -> str:
    """What stands under the keys, without repetition."""
    return ", ".join(list(dict.fromkeys(filter(None, (_said(file, key) for key in keys))))[:most])


def _said(file: GgufFile, key: str) -> str:
    """The text under ``general.KEY``, or the words of a list, or ""; the start of a long one."""
    value = file.metadata.get(f"general.{key}")
    words = value.first if isinstance(value, Array) else (value,)
    said = ", ".join(word for word in words if isinstance(word, str))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
