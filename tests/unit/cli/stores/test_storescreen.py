"""What is said about stored artifacts fits into a narrow terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from localai.bundle.contents import Artifact, Contents
from localai.cli.stores import bundlescreen, storescreen
from localai.cli.stores.bundling import Inspected
from localai.manifest.schema import ArtifactFile, Source
from localai.store.held import Held
from localai.store.origin import Origin
from localai.store.state import State

ORIGIN = Origin(
    Source("A Publisher of Models", "a-publisher/a-model", "ab" * 10, ("a/base", "b/base")),
    date(2026, 1, 1),
    (ArtifactFile("a model with a long name.gguf", 12345, "d" * 64),),
    licence="apache-2.0, with something more to say",
    gated=True,
)
HELD = Held("a-model", State.APPROVED, Path("/a/store/with/a/long/name/approved/a-model"), ORIGIN)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_only_what_is_copied_is_longer_than_a_line(width: int) -> None:
    bundled = Contents((Artifact("a-model", ORIGIN),))
    texts = (
        storescreen.artifact(HELD, width),
        bundlescreen.inspection(Inspected(bundled, ()), width),
    )
    for text in texts:
        long = [line for line in text.splitlines() if len(line) > width]
        assert [line for line in long if " " in line[13:].strip()] == []  # a path, a digest
        assert "d" * 64 in text
