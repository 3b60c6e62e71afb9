"""The frame: what any tar program reads, and of what it can write the one form that is read."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hosts import ONE, Host

from localai.bundle import frame, reading
from localai.bundle.contents import INDEX, Index, Member, make_index, write_index
from localai.bundle.frame import BLOCK, END, make_header, make_padding
from localai.bundle.reading import look_at, read_files, read_head
from localai.bundle.source import opening
from localai.errors import DocumentError, StateError
from localai.hashing import report_nothing


def read(path: Path) -> Index:
    with opening(path) as source:
        index, _ = read_head(source)
        read_files(source, index.files, look_at, report_nothing)
    return index


def test_a_good_one_is_read(bundle: Path) -> None:
    assert read(bundle).artifacts == ("tiny",)


@pytest.mark.parametrize("size", [0, 1, 511, 512, (8 << 30) - 1, 8 << 30, 1 << 50])
def test_headers_are_those_of_a_tar(size: int) -> None:
    """Held against the reader in Python's own library."""
    header = make_header("files/" + "a" * 64, size)
    found = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    assert (found.name, found.size, found.mode) == ("files/" + "a" * 64, size, 0o644)
    assert found.isreg()
    assert len(header) == BLOCK
    assert (size + len(make_padding(size))) % BLOCK == 0


def test_any_program_unpacks_it(bundle: Path) -> None:
    with tarfile.open(bundle) as found:
        names = found.getnames()
        model = found.extractfile(names[-2])
        assert model
        assert model.read() == ONE
    assert names[0] == INDEX
    assert names == [INDEX, *(one.name for one in read(bundle).members)]


def test_the_same_contents_are_the_same_bytes(staging: Host) -> None:
    first, second = staging.creates(out="first"), staging.creates(out="second")
    assert first.read_bytes() == second.read_bytes()


def members(raw: bytes) -> Iterator[tuple[int, int]]:
    """Where each member begins and ends."""
    at = 0
    with tarfile.open(fileobj=io.BytesIO(raw)) as found:
        for one in found.getmembers():
            end = one.offset_data + one.size
            end += -end % BLOCK
            yield at, end
            at = end


def test_every_byte_counts(bundle: Path, tmp_path: Path) -> None:
    """Headers and padding byte by byte, the rest here and there."""
    raw = bundle.read_bytes()
    places = set(range(0, len(raw), 13))
    for start, end in members(raw):
        places |= {*range(start, start + BLOCK), *range(end - 8, end)}
    places |= {*range(len(raw) - len(END), len(raw))}
    path = tmp_path / "changed"
    accepted = []
    for place in sorted(places):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        try:
            read(path)
        except DocumentError:
            continue
        accepted.append(place)
    assert accepted == []


def test_every_truncation_is_seen(bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    ends = {one for start, end in members(raw) for one in (start, start + 100, end, end - 1)}
    path = tmp_path / "short"
    for end in sorted({*ends, len(raw) - 1, len(raw) - BLOCK, len(raw) - 2 * BLOCK} - {len(raw)}):
        path.write_bytes(raw[:end])
        with pytest.raises(DocumentError, match="ends after"):
            read(path)


def pieces(raw: bytes) -> list[bytes]:
    return [raw[start:end] for start, end in members(raw)]


def special(name: str, kind: bytes, target: str = "") -> bytes:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made.tobuf(tarfile.USTAR_FORMAT)


OTHERS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "two swapped": lambda found: [*found[:-2], found[-1], found[-2]],
    "small ones swapped": lambda found: [found[0], found[2], found[1], *found[3:]],
    "one left out": lambda found: [*found[:-2], found[-1]],
    "one twice": lambda found: [*found, found[-1]],
    "the index twice": lambda found: [found[0], *found],
    "a link before": lambda found: [special("x", tarfile.SYMTYPE, "/etc/passwd"), *found],
    "a link within": lambda found: [*found[:2], special("x", tarfile.SYMTYPE, ".."), *found[2:]],
    "a hard link": lambda found: [*found, special("files/x", tarfile.LNKTYPE, INDEX)],
    "a folder": lambda found: [found[0], special("roots/", tarfile.DIRTYPE), *found[1:]],
    "a device": lambda found: [*found, special("null", tarfile.CHRTYPE)],
    "a path": lambda found: [*found, make_header("../../etc/cron.d/x", 0)],
    "a global extension": lambda found: [
        tarfile.TarInfo.create_pax_global_header({"path": "x"}), *found
    ],
    "a long name": lambda found: [
        *found[:1], tarfile.TarInfo("x" * 200).tobuf(tarfile.GNU_FORMAT), *found[1:]
    ],
    "an extended header": lambda found: [
        *found[:1], tarfile.TarInfo("\u00e9" * 120).tobuf(tarfile.PAX_FORMAT), *found[1:]
    ],
    "another bundle after it": lambda found: [*found, END, *found],
    "nothing": lambda found: [],
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_in_it(name: str, bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"".join([*OTHERS[name](pieces(bundle.read_bytes())), END]))
    with pytest.raises(DocumentError):
        read(path)


def test_without_the_comparison_anything_is(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: only what is compared keeps a link out."""
    path = tmp_path / "other"
    raw = pieces(bundle.read_bytes())
    link = special("files/x", tarfile.SYMTYPE, "/etc/passwd")
    path.write_bytes(b"".join([*raw[:-1], link, raw[-1][BLOCK:], END]))
    with pytest.raises(DocumentError, match="something else stands there"):
        read(path)
    monkeypatch.setattr(reading, "_expect", lambda source, expected, _: source.read(len(expected)))
    read(path)


def test_what_follows_its_end_is_seen(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "longer"
    path.write_bytes(bundle.read_bytes() + bytes(BLOCK))
    with pytest.raises(DocumentError, match="after its end"):
        read(path)


@pytest.mark.parametrize("what", ["gzip", "zip", "a tar of another program", "noise"])
def test_what_is_no_bundle(what: str, bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    zipped, tar = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(INDEX, b"{}")
    with tarfile.open(fileobj=tar, mode="w") as made:
        made.add(bundle, INDEX)
    path = tmp_path / "none"
    path.write_bytes(
        {"gzip": gzip.compress(raw), "zip": zipped.getvalue() + bytes(BLOCK),
         "a tar of another program": tar.getvalue(), "noise": b"0" * 4096}[what]
    )  # fmt: skip
    with pytest.raises(DocumentError, match="no bundle"):
        read(path)


def packed(index: Index) -> bytes:
    raw = write_index(index)
    return make_header(INDEX, len(raw)) + raw + make_padding(len(raw))


FILE = Member("files/" + "a" * 64, 1 << 50, "a" * 64)
ORIGIN = Member("origins/1.json", 10, "b" * 64)
_LARGE = (("yaml", 16 << 20), ("dsse.json", 60_000))
MANY = (
    *(Member(f"manifests/{n}.{end}", size, "b" * 64) for n in range(1, 21) for end, size in _LARGE),
    ORIGIN,
    FILE,
)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ((ORIGIN._replace(size=1 << 40), FILE), "an integer from 0 to 1048576"),
        ((ORIGIN, FILE._replace(size=1 << 60)), "an integer from 0"),
        ((FILE, ORIGIN), "not in order"),
        ((ORIGIN, FILE._replace(name="files/../../x")), "not in order"),
        ((ORIGIN, FILE._replace(name="files/" + "c" * 64)), "not in order"),
        ((ORIGIN, FILE, FILE), "not in order"),
        ((ORIGIN,), "not in order"),
        ((Member("roots/1.root.json", 10, "b" * 64), ORIGIN, FILE), "not in order"),
        ((ORIGIN, Member("origins/2.json", 10, "b" * 64), FILE), "not in order"),
        ((Member("README", 10, "b" * 64), ORIGIN, FILE), "an integer from 0 to 0"),
        (MANY, "bytes beside the artifacts"),
        ((ORIGIN, *(Member(f"files/{n:064x}", 1, f"{n:064x}") for n in range(10_001))), "10002"),
    ],
    ids=range(12),
)  # fmt: skip
def test_bombs_are_seen_in_the_index(
    members: tuple[Member, ...], problem: str, tmp_path: Path
) -> None:
    """Before anything of that size is read."""
    path = tmp_path / "bomb"
    path.write_bytes(packed(Index(("tiny",), members)))
    with pytest.raises(DocumentError, match=problem):
        read(path)


@pytest.mark.parametrize("artifacts", [(), ("Tiny",), ("../x",), ("tiny", "other")])
def test_names_that_are_none(artifacts: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_bytes(packed(Index(artifacts, (ORIGIN, FILE))))
    with pytest.raises(DocumentError):
        read(path)


def test_an_index_is_read_in_one_form_alone(staging: Host, tmp_path: Path) -> None:
    raw = write_index(make_index(staging.contents())).replace(b"\n  ", b"\n   ", 1)
    path = tmp_path / "spaced"
    path.write_bytes(make_header(INDEX, len(raw)) + raw + make_padding(len(raw)))
    with pytest.raises(DocumentError, match="not in the form"):
        read(path)


def test_a_large_claim_about_the_index(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(make_header(INDEX, 8 << 20) + b"{" * 100)
    with pytest.raises(DocumentError, match="no bundle"):
        read(path)
    assert frame.read_size(make_header(INDEX, 9 << 30)) == 0


def test_what_cannot_be_read_is_no_flaw() -> None:
    """A medium that is gone answers EIO: so does this file at its beginning."""
    with pytest.raises(StateError, match="Input/output error"):
        read(Path("/proc/self/mem"))
    with pytest.raises(StateError, match="no file and no pipe"):
        read(Path("/dev/null"))
    with pytest.raises(StateError, match="No such file"):
        read(Path("/nowhere"))
