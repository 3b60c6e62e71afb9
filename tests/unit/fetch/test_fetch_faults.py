"""What goes wrong on the way, each seen, and what is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from errands import CONTENT, REFERENCE, Ask, Fetch

import hub as hubs
from localai.errors import DocumentError, HubError, StateError
from localai.fetch import bring, errand
from localai.fetch.courier import Courier, make_environment
from localai.findings import Finding
from localai.hubs import Hub
from localai.store import arrival
from localai.store.held import Held, list_held

FILE = "tiny.gguf"
OTHER = CONTENT[:-1] + b"!"


def left_behind(store: Path) -> list[str]:
    return sorted(path.name for path in (store / "incoming").rglob("*.part"))


def refuses(found: object, summary: str, store: Path) -> None:
    assert isinstance(found, Finding) and found.refuses, found
    assert found.summary == summary, found
    assert list_held(store) == ()
    assert left_behind(store) == []


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for; how many there are stays."""
    made = errand.Errand
    monkeypatch.setattr(
        bring, "Errand", lambda *args, **more: made(*args, **more, pauses_s=(0.1, 0.1, 0.1))
    )


@pytest.mark.usefixtures("hasty")
class TestConnections:
    def test_a_cut_connection_is_gone_on_with(self, fetch: Fetch, served: hubs.Hub) -> None:
        served.faults |= {"cut": 1}
        held = fetch()
        assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
        ranges = [one.headers["range"] for one in served.seen if "range" in one.headers]
        assert len(ranges) == 1 and ranges[0] != "bytes=0-"

    def test_a_later_call_goes_on(self, fetch: Fetch, served: hubs.Hub, store: Path) -> None:
        """After a break the next command asks for the rest alone."""
        served.faults |= {"cut": 1, "cut at": 70_000}
        with pytest.raises(HubError):
            fetch(meanwhile=lambda: stop_after_one(served))
        (part,) = left_behind(store)
        there = (store / "incoming" / "fetch.tiny" / part).stat().st_size
        assert there == 65536
        served.faults = {}
        served.seen.clear()
        held = fetch()
        assert isinstance(held, Held) and held.paths[0].read_bytes() == CONTENT
        ranges = [one.headers["range"] for one in served.seen if "range" in one.headers]
        assert ranges == [f"bytes={there}-"]

    def test_nobody_answers(self, ask: Ask, served: hubs.Hub) -> None:
        gone = served.url
        served.shutdown()
        served.server_close()
        with pytest.raises(HubError, match="refused"):
            ask(hub=Hub(gone))


def stop_after_one(served: hubs.Hub) -> None:
    """One answer that is cut, and from then on none."""
    take = served.take

    def taking(fault: str) -> object:
        said = take(fault)
        if fault == "cut" and said:
            served.faults |= {"failing": 99, "code": 500}
        return said

    served.take = taking  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (CONTENT + b"!", "wrong length"),
        (CONTENT * 3, "wrong length"),
        (CONTENT[:-1], "wrong length"),
        (b"", "wrong length"),
        (OTHER, "wrong digest"),
    ],
)
def test_other_bytes(
    fetch: Fetch, served: hubs.Hub, store: Path, content: bytes, summary: str
) -> None:
    served.faults["content"] = {FILE: content}
    refuses(fetch(), summary, store)
    served.faults.clear()
    assert isinstance(fetch(), Held)


def test_without_the_comparison_other_bytes_would_be_taken(
    fetch: Fetch, served: hubs.Hub, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.faults["content"] = {FILE: OTHER}
    monkeypatch.setattr(bring, "_compare", lambda *_: None)
    held = fetch()
    assert isinstance(held, Held) and held.paths[0].read_bytes() == OTHER


def test_other_bytes_of_the_card(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    served.faults["content"] = {"README.md": hubs.CARD.replace(b"mit", b"MIT")}
    refuses(fetch(), "wrong digest", store)


@pytest.mark.parametrize(
    ("fault", "summary"),
    [
        ({"etag": {FILE: "0" * 64}}, "another digest"),
        ({"size": {FILE: 7}}, "another length"),
        ({"commit": "f" * 40}, "another revision"),
    ],
)
def test_the_hub_contradicts_itself(
    fetch: Fetch, served: hubs.Hub, store: Path, fault: dict[str, object], summary: str
) -> None:
    served.faults |= fault
    refuses(fetch(), summary, store)
    assert served.paths() == [path for path in served.paths() if path.startswith("/api/")]


def test_a_file_that_changes_meanwhile(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    """Between the listing and the file, under one revision."""
    refuses(fetch(meanwhile=lambda: served.files.update({FILE: OTHER})), "another digest", store)


def test_a_file_that_changed_under_one_revision(
    fetch: Fetch, served: hubs.Hub, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store has from there says otherwise; before a byte of it is asked for."""
    assert isinstance(fetch(), Held)
    served.files[FILE] = OTHER
    served.seen.clear()
    found = fetch(artifact="again")
    assert isinstance(found, Finding) and found.summary == "changed under one revision"
    assert served.paths("HEAD") == []
    assert [held.id for held in list_held(store)] == ["tiny"]
    served.revision = "f" * 40
    assert isinstance(fetch(artifact="again"), Held)
    served.revision = hubs.REVISION
    monkeypatch.setattr(bring, "_find_other", lambda *_: None)
    assert isinstance(fetch(artifact="unseen"), Held)


def test_a_hub_that_calls_the_publisher_otherwise(
    fetch: Fetch, served: hubs.Hub, store: Path
) -> None:
    """What a hub says beside the revision makes no other place of it."""
    assert isinstance(fetch(), Held)
    served.files[FILE] = OTHER
    served.faults["listing"] = {"author": "somebody"}
    found = fetch(artifact="again")
    assert isinstance(found, Finding) and found.summary == "changed under one revision"


def test_one_name_in_two_folders(fetch: Fetch, served: hubs.Hub) -> None:
    """They are two files, and none of them has changed."""
    served.files |= {"a/part.gguf": CONTENT, "b/part.gguf": OTHER}
    for folder, content in (("a", CONTENT), ("b", OTHER)):
        reference = REFERENCE._replace(file=f"{folder}/part.gguf")
        held = fetch(reference, artifact=f"part-{folder}")
        assert isinstance(held, Held) and held.paths[0].read_bytes() == content
        assert held.origin and held.origin.folder == folder
    served.files["a/part.gguf"] = OTHER
    found = fetch(REFERENCE._replace(file="a/part.gguf"), artifact="again")
    assert isinstance(found, Finding) and found.summary == "changed under one revision"


def test_a_file_in_git_that_changed_under_one_revision(
    fetch: Fetch, served: hubs.Hub, store: Path
) -> None:
    served.plain.add(FILE)
    assert isinstance(fetch(), Held)
    served.files[FILE] = OTHER
    found = fetch(artifact="again")
    assert isinstance(found, Finding) and found.summary == "changed under one revision"
    assert [held.id for held in list_held(store)] == ["tiny"]


def test_what_a_changed_file_left_is_not_gone_on_with(
    fetch: Fetch, served: hubs.Hub, store: Path
) -> None:
    place = store / "incoming" / "fetch.tiny"
    place.mkdir(parents=True)
    (place / f"{'0' * 64}.part").write_bytes(OTHER[:1000])
    (place / f"{served.digest(FILE)}.part").write_bytes(CONTENT[:1000])
    assert isinstance(fetch(), Held)
    assert [one.headers["range"] for one in served.seen if "range" in one.headers] == [
        "bytes=1000-"
    ]


def test_what_is_in_the_store_is_not_written_to(
    fetch: Fetch, served: hubs.Hub, store: Path
) -> None:
    """A kill between the last two steps leaves a part that the store has by another name."""
    place = store / "incoming" / "fetch.tiny"
    place.mkdir(parents=True)
    kept = store.parent / "kept.gguf"
    kept.write_bytes(CONTENT[:1000])
    kept.chmod(0o400)
    (place / f"{served.digest(FILE)}.part").hardlink_to(kept)
    assert isinstance(fetch(), Held)
    assert kept.read_bytes() == CONTENT[:1000]


def test_what_nobody_fetched(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    (store / "incoming" / "fetch.tiny" / "folder").mkdir(parents=True)
    with pytest.raises(StateError, match=r"cannot clear .*fetch\.tiny"):
        fetch()
    assert served.paths("HEAD") == []


@pytest.mark.parametrize("sha", ["main", "f" * 39, None, "f" * 40])
def test_no_exact_revision(ask: Ask, served: hubs.Hub, sha: object) -> None:
    """Whoever asks for one gets that one."""
    served.faults["sha"] = sha
    found = ask(REFERENCE._replace(revision=hubs.REVISION))
    assert isinstance(found, Finding) and found.refuses


@pytest.mark.parametrize(
    ("code", "why", "said"),
    [
        (401, "", "does not show example/tiny"),
        (403, "GatedRepo", "people who agree"),
        (403, "", "answers 403"),
        (404, "RevisionNotFound", "no such revision"),
        (404, "", "answers 404"),
        (418, "", "answers 418"),
    ],
)
def test_what_is_not_given(ask: Ask, served: hubs.Hub, code: int, why: str, said: str) -> None:
    """It is said at once, without a second try."""
    served.faults |= {"failing": 99, "code": code, "headers": {"X-Error-Code": why}}
    with pytest.raises(HubError, match=said):
        ask()
    assert len(served.seen) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_busy_hub(fetch: Fetch, ask: Ask, served: hubs.Hub, code: int) -> None:
    """A few tries, and not for ever."""
    served.faults |= {"failing": 2, "code": code}
    assert isinstance(fetch(), Held)
    served.seen.clear()
    served.faults["failing"] = 99
    with pytest.raises(HubError, match=f"answers {code}"):
        ask()
    assert len(served.seen) == 4


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "header", [{"Retry-After": "1"}, {"RateLimit": '"api";r=0;t=1'}], ids=["plain", "draft"]
)
def test_a_hub_that_says_when(served: hubs.Hub, header: dict[str, str], ask: Ask) -> None:
    told: list[float] = []
    courier = Courier(make_environment({}), lambda seconds, _: told.append(seconds))
    served.faults |= {"failing": 1, "code": 429, "headers": header}
    assert not isinstance(ask(courier=courier), Finding)
    assert told == [1.0]


def test_a_hub_that_wants_too_much_patience(ask: Ask, served: hubs.Hub) -> None:
    """It is not waited for longer than a person would."""
    served.faults |= {"failing": 99, "code": 429, "headers": {"Retry-After": "86400"}}
    with pytest.raises(HubError, match="86400 seconds"):
        ask()
    assert len(served.seen) == 1


def test_a_slow_hub(fetch: Fetch, served: hubs.Hub, store: Path) -> None:
    """A byte from time to time is no progress, however long it goes on."""
    served.faults["slow"] = 0.2
    brief = Courier(make_environment({}), lambda *_: None, patience_s=8)
    with pytest.raises(HubError, match="too slow"):
        fetch(courier=brief)
    assert served.paths()[-1].endswith(FILE)
    assert list_held(store) == ()


def test_too_little_room(
    fetch: Fetch, served: hubs.Hub, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    monkeypatch.setattr(arrival, "RESERVE", 1 << 60)
    with pytest.raises(StateError, match="not enough room"):
        fetch()
    assert served.paths("HEAD") == []


@pytest.mark.parametrize("name", ["con.gguf", "a:b.gguf"])
def test_a_name_that_no_file_has_here(
    fetch: Fetch, served: hubs.Hub, store: Path, name: str
) -> None:
    served.files[name] = CONTENT
    with pytest.raises(DocumentError, match="file's name"):
        fetch(REFERENCE._replace(file=name))
