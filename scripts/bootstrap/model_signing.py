"""The program model_signing, in a virtual environment of its own, for the tests that ask it.

What it depends on is none of localai's business and would not fit beside what localai is tested
with. Where it cannot be had the tests that ask it are skipped, and say so: they check what other
programs make of localai's bundles, not what localai does.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping

from bootstrap.errors import CannotError
from bootstrap.paths import Checkout, write_whole
from bootstrap.pip import Pip
from bootstrap.screen import Step, say

VARIABLE = "LOCALAI_TEST_MODEL_SIGNING"  # the Python of an environment that has it
# pyOpenSSL is imported by model_signing 1.1.1 without being asked for.
WANTED = ("model-signing==1.1.1", "pyOpenSSL>=25,<27")


def bring_model_signing(checkout: Checkout, environ: Mapping[str, str]) -> dict[str, str]:
    """Make the environment, unless it is there; the variable that names it, none without it."""
    step = Step("model_signing")
    venv, python = checkout.model_signing, checkout.model_signing / "bin" / "python"
    stamp = venv / "wanted"
    key = "\n".join((str(venv), sys.version, *WANTED))
    if stamp.exists() and stamp.read_text("utf-8") == key:
        step.end("is there")
        return {VARIABLE: str(python)}
    shutil.rmtree(venv, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-I", "-m", "venv", venv], check=True)
        Pip(venv, environ).run(step, "install model_signing", "install", *WANTED)
    except (CannotError, subprocess.CalledProcessError) as error:
        say(f"    not there: {error}; the tests that ask it are skipped")
        return {}
    write_whole(stamp, key)
    step.end("installed")
    return {VARIABLE: str(python)}
