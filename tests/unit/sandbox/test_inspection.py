"""What is found from outside: somebody who got hold of the worker before it hid itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localai.errors import WorkerError
from localai.sandbox.inspection import Early, inspect
from localai.sandbox.spec import SandboxSpec

SPEC = SandboxSpec(0, (), "/nonexistent", "/nonexistent", 0, 1, ())


@pytest.mark.parametrize("tracer", [0, 77])
def test_a_worker_that_is_traced_is_none(tracer: int) -> None:
    status = Path("/proc/self/status").read_bytes()
    traced = status.replace(b"TracerPid:\t0", b"TracerPid:\t%d" % tracer)
    files = [os.memfd_create("status"), os.memfd_create("limits")]
    for file, content in zip(files, (traced, Path("/proc/self/limits").read_bytes()), strict=True):
        os.write(file, content)
    early = Early(False, {}, {}, {}, *files)
    problem = ""
    try:
        inspect(os.getpid(), SPEC, early, {}, filters_before=0, expected=frozenset())
    except WorkerError as error:
        problem = error.message
    finally:
        early.close()
    assert problem == (f"process {tracer} traces the worker and could change what it reports"
                       if tracer else "")  # fmt: skip
