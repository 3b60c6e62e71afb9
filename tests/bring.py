"""Let files arrive in the store of this environment, as a hub or a bundle would bring them:
``bring ID FILE...``."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

from localai.manifest.draft import measure_file
from localai.manifest.schema import Source
from localai.places import find_places
from localai.sealing import open_regular
from localai.store.arrival import admit, arriving
from localai.store.held import Held
from localai.store.origin import Origin

SOURCE = Source("example", "example/tiny", "1")
DAY = date(2026, 1, 2)


def bring(store: Path, artifact: str, *contents: tuple[str, bytes]) -> Held:
    """Take files of these names and contents into the quarantine."""
    with arriving(store, artifact) as place:
        arrived, files = [], []
        for name, content in contents:
            path = place / name
            path.write_bytes(content)
            opened = open_regular(path)
            files.append(measure_file(opened.fd, name, opened.size))
            os.close(opened.fd)
            arrived.append(path)
        held = admit(store, artifact, Origin(SOURCE, DAY, tuple(files)), arrived)
        for path in arrived:
            path.unlink()
        place.rmdir()
    return held


if __name__ == "__main__":
    store = find_places(os.environ, Path.home()).store
    paths = [Path(path) for path in sys.argv[2:]]
    bring(store, sys.argv[1], *((path.name, path.read_bytes()) for path in paths))
