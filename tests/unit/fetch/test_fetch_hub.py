"""What comes from a hub, what is written down about it, and what is asked of it on the way."""

from __future__ import annotations

import stat
from hashlib import sha256
from pathlib import Path

import pytest
from errands import CONTENT, REFERENCE, TODAY, Ask, Fetch

import hub as hubs
from localai.errors import HubError, UsageError
from localai.fetch.courier import Courier
from localai.fetch.listing import Listing, list_artifacts
from localai.reference import Reference
from localai.store.held import Held, list_held
from localai.store.state import State

RESOLVE = f"/example/tiny/resolve/{hubs.REVISION}"


def test_it_comes_into_quarantine(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    served.gated = "auto"
    held = fetch()
    assert isinstance(held, Held)
    assert list_held(store) == (held,)
    assert (held.state, held.id) == (State.QUARANTINE, "tiny")
    assert held.paths[0].read_bytes() == CONTENT
    assert {stat.S_IMODE(path.stat().st_mode) for path in held.directory.iterdir()} == {0o400}
    assert held.origin is not None
    source = held.origin.source
    assert (source.publisher, source.repository) == ("example", "example/tiny")
    assert (source.revision, source.hub) == (hubs.REVISION, served.url.removeprefix("http://"))
    assert source.bases == ("example/base",)
    assert (held.origin.licence, held.origin.gated, held.origin.arrived) == ("mit", True, TODAY)
    assert held.origin.card == sha256(hubs.CARD).hexdigest()
    assert [file.sha256 for file in held.origin.files] == [sha256(CONTENT).hexdigest()]
    assert not [*(store / "incoming").iterdir()]


@pytest.mark.parametrize("revision", ["", "main", hubs.REVISION])
def test_every_request_is_pinned(fetch: Fetch, served: hubs.Hub, revision: str) -> None:
    """Once the revision is known no other name of it is used."""
    assert isinstance(fetch(REFERENCE._replace(revision=revision)), Held)
    asked = [one.path for one in served.seen]
    first = [] if revision == hubs.REVISION else asked[:1]
    assert all(hubs.REVISION in path for path in asked[len(first) :])
    assert f"{RESOLVE}/tiny.gguf" in asked


def test_nothing_else_is_asked(fetch: Fetch, served: hubs.Hub) -> None:
    """No telemetry, no list of programs, no check for a newer version; nobody learns what runs
    here."""
    assert isinstance(fetch(), Held)
    allowed = ("/api/models/example/tiny", RESOLVE)
    assert [one.path for one in served.seen if not one.path.startswith(allowed)] == []
    assert {one.method for one in served.seen} == {"GET", "HEAD"}
    assert {one.headers["user-agent"] for one in served.seen} == {"localai"}
    assert not [one for one in served.seen if "authorization" in one.headers or "cookie" in
                one.headers]  # fmt: skip


def test_the_library_would_ask_for_more(ask: Ask, served: hubs.Hub, courier: Courier) -> None:
    """What is switched off would otherwise be seen."""
    off = ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    environment = {name: value for name, value in courier.environment.items() if name not in off}
    assert isinstance(ask(courier=courier._replace(environment=environment)), Listing)
    assert "/api/agent-harnesses" in served.paths()


def test_a_file_in_git_itself(fetch: Fetch, served: hubs.Hub) -> None:
    """Small files have git's identifier for a digest."""
    served.plain.add("tiny.gguf")
    held = fetch()
    assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
    served.faults["content"] = {"tiny.gguf": CONTENT[:-1] + b"!"}
    found = fetch(artifact="again")
    assert not isinstance(found, Held) and "wrong digest" in found


def test_a_split_set_comes_whole(fetch: Fetch, served: hubs.Hub) -> None:
    names = [f"Q4/big-0000{part}-of-00003.gguf" for part in (1, 2, 3)]
    served.files |= {name: name.encode() * 9 for name in names}
    held = fetch(REFERENCE._replace(file=names[0]))
    assert isinstance(held, Held)
    assert [path.read_bytes() for path in held.paths] == [name.encode() * 9 for name in names]
    assert [path.name for path in held.paths] == [name[3:] for name in names]
    del served.files[names[1]]
    with pytest.raises(UsageError, match="00002-of"):
        fetch(REFERENCE._replace(file=names[0]), artifact="again")


def test_a_dataset(fetch: Fetch, served: hubs.Hub) -> None:
    served.files["rows.csv"] = b"a,b\n1,2\n"
    held = fetch(Reference("example/tiny", "rows.csv", dataset=True), artifact="rows")
    assert isinstance(held, Held) and held.origin
    assert held.origin.source.repository == "datasets/example/tiny"
    assert f"/datasets{RESOLVE}/rows.csv" in served.paths()


def test_a_dataset_in_several_files_comes_whole(fetch: Fetch, served: hubs.Hub, ask: Ask) -> None:
    names = [f"data/train-0000{part}-of-00002.csv" for part in (0, 1)]
    served.files |= {name: name.encode() for name in names}
    repository = Reference("example/tiny", dataset=True)
    listing = ask(repository)
    assert isinstance(listing, Listing)
    assert [file.path for file in list_artifacts(listing, dataset=True)] == names[:1]
    held = fetch(repository._replace(file=names[0]), artifact="train")
    assert isinstance(held, Held)
    assert [path.read_bytes() for path in held.paths] == [name.encode() for name in names]


def test_a_mirror_with_a_path(fetch: Fetch, served: hubs.Hub) -> None:
    served.prefix = "/api/mirror"
    held = fetch()
    assert isinstance(held, Held) and held.origin
    assert held.origin.source.hub == f"127.0.0.1:{served.server_port}/api/mirror"


def test_a_token_goes_to_the_hub(fetch: Fetch, served: hubs.Hub) -> None:
    assert isinstance(fetch(token="hf_secret"), Held)
    assert {one.headers.get("authorization") for one in served.seen} == {"Bearer hf_secret"}


def test_one_of_that_name_is_there(fetch: Fetch, served: hubs.Hub) -> None:
    assert isinstance(fetch(), Held)
    before = len(served.paths("HEAD"))
    with pytest.raises(UsageError, match="in the store already"):
        fetch()
    assert len(served.paths("HEAD")) == before, "it was asked for before anybody looked"


@pytest.mark.parametrize(
    ("card", "licence", "bases"),
    [
        ({"license": "other", "license_name": "llama3"}, "llama3", ()),
        ({"license": ["mit", "apache-2.0"]}, "mit, apache-2.0", ()),
        ({"license": "a\nb", "base_model": "one"}, "", ("one",)),
        ({"license": "x" * 300, "base_model": ["one", 7, "one", "t\x1bwo"]}, "", ("one",)),
        ({}, "", ()),
        (None, "", ()),
    ],
)
def test_what_a_card_says(
    ask: Ask, served: hubs.Hub, card: object, licence: str, bases: tuple[str, ...]
) -> None:
    served.faults["card"] = card
    listing = ask()
    assert isinstance(listing, Listing)
    assert (listing.licence, listing.bases) == (licence, bases)


def test_files_that_cannot_be_written_down_are_left_out(ask: Ask, served: hubs.Hub) -> None:
    served.faults["listing"] = {
        "siblings": [
            {"rfilename": "a\u202eb.gguf", "size": 1, "blobId": "1" * 40},
            {"rfilename": "../up.gguf", "size": 1, "blobId": "1" * 40},
            {"rfilename": "no-size.gguf", "blobId": "1" * 40},
            {"rfilename": "no-digest.gguf", "size": 1},
            {"rfilename": "bad-digest.gguf", "size": 1, "blobId": "../../x"},
            {"rfilename": "good.gguf", "size": 1, "blobId": "1" * 40},
        ]
    }
    listing = ask()
    assert isinstance(listing, Listing)
    assert [file.path for file in listing.files] == ["good.gguf"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"null", b"<html>", b"\xff", b"[" * 5000])
def test_an_answer_that_is_none(ask: Ask, served: hubs.Hub, raw: bytes) -> None:
    served.faults["raw"] = raw
    with pytest.raises(HubError):
        ask()


@pytest.mark.parametrize("name", ["Tiny One", "../../away"])
def test_what_is_no_identifier_is_said_before_anything_comes(
    fetch: Fetch, served: hubs.Hub, store: Path, name: str
) -> None:
    with pytest.raises(UsageError, match="no identifier"):
        fetch(artifact=name)
    assert not [one for one in served.seen if "/resolve/" in one.path]
    assert not store.exists()
