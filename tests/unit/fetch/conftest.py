"""A hub on loopback, and the real way to it: huggingface_hub in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from errands import CONTENT, REFERENCE, TODAY, Ask, Fetch, Result

import hub as hubs
from localai.fetch.bring import Order, bring, look
from localai.fetch.courier import Courier, make_environment
from localai.fetch.listing import Listing, choose_files
from localai.findings import Finding
from localai.hubs import Hub
from localai.reference import Reference


@pytest.fixture
def served() -> Iterator[hubs.Hub]:
    with hubs.running({"tiny.gguf": CONTENT}) as hub:
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store"


@pytest.fixture
def courier() -> Courier:
    return Courier(make_environment({}), lambda *_: None)


@pytest.fixture
def ask(served: hubs.Hub, courier: Courier) -> Ask:
    """Ask the hub what it has, without waiting long between two tries."""

    def ask(reference: Reference = REFERENCE, **more: Any) -> Listing | Finding:
        hub = more.get("hub", Hub(served.url))
        return look(more.get("courier", courier), hub, reference, more.get("token", ""))

    return ask


@pytest.fixture
def fetch(served: hubs.Hub, store: Path, courier: Courier, ask: Ask) -> Fetch:
    """All that ``localai fetch`` does once it knows the hub; ``meanwhile`` is called between the
    listing and the files."""

    def fetch(reference: Reference = REFERENCE, **more: Any) -> Result:
        listing = ask(reference, **more)
        if isinstance(listing, Finding):
            return listing
        more.get("meanwhile", lambda: None)()
        files = choose_files(listing, reference.file)
        hub = more.get("hub", Hub(served.url))
        order = Order(hub, reference, listing, files, more.get("artifact", "tiny"))
        return bring(
            store,
            order,
            more.get("courier", courier),
            token=more.get("token", ""),
            today=TODAY,
        )

    return fetch
