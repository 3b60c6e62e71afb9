"""What the tests fetch, and what they call to do it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from hub import REPOSITORY
from localai.fetch.bring import Elsewhere
from localai.fetch.listing import Listing
from localai.findings import Finding
from localai.reference import Reference
from localai.store.held import Held

TODAY = date(2026, 3, 1)
CONTENT = bytes(range(256)) * 1200  # a few pieces of what is read at once
REFERENCE = Reference(REPOSITORY, "tiny.gguf")
Result = Held | Finding | Elsewhere
Ask = Callable[..., Listing | Finding]
Fetch = Callable[..., Result]
