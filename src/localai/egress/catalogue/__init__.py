"""The catalogue: every probe explained, one module for each module of probes.

For readers only: no start imports it. docs/egress.md is made from it and from the probes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from localai.egress.catalogue import (
    abi,
    descriptors,
    escapes,
    families,
    files,
    handed,
    ipc,
    locks,
    names,
    neighbours,
    network,
    processes,
    rings,
    services,
    spools,
    windows,
)
from localai.egress.catalogue.explanation import Explanation

CHAPTERS = (
    network,
    neighbours,
    families,
    names,
    services,
    abi,
    rings,
    descriptors,
    handed,
    processes,
    files,
    locks,
    spools,
    windows,
    ipc,
    escapes,
)
EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {name: said for chapter in CHAPTERS for name, said in chapter.EXPLANATIONS.items()}
)
