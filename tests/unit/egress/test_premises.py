"""Where probes could fail for want of a way in, no worker is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from localai.egress.laboratory import Premises
from localai.errors import PlatformError


def test_an_account_that_cannot_be_let_in_is_an_error(tmp_path: Path) -> None:
    premises = Premises(1, (), {}, {}, frozenset(), str(tmp_path / "gone"))
    with pytest.raises(PlatformError, match="cannot be opened to account 61184: No such file"):
        premises.admit(61184)
