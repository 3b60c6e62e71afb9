"""Signatures on disk that more are to be added to: a damaged file is named, and never replaced."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from office import Office

from localai.errors import DocumentError
from localai.manifest.change import read_signatures
from localai.manifest.envelope import envelope_beside


@pytest.mark.parametrize("length", [0, 1, 99, -3])
def test_signatures_that_were_cut_short_are_put_aside_as_the_hint_says(
    tmp_path: Path, office: Office, length: int
) -> None:
    path = tmp_path / "a b.yaml"
    assert read_signatures(path) is None
    whole = office.sign(b"x")
    envelope_beside(path).write_bytes(whole)
    assert read_signatures(path) == whole
    envelope_beside(path).write_bytes(whole[:length])
    with pytest.raises(DocumentError, match=r"a b\.dsse\.json: ") as caught:
        read_signatures(path)
    assert envelope_beside(path).read_bytes() == whole[:length]
    command, _, rest = caught.value.hint.partition(";")
    assert rest == " then all sign again"
    subprocess.run(shlex.split(command), check=True)
    assert read_signatures(path) is None
    assert (tmp_path / "a b.dsse.json.damaged").read_bytes() == whole[:length]
