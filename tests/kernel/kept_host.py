"""A host whose models lie where an ordinary user cannot write: commands of such a user in a mount
namespace of their own, where /mnt holds a store of root's and that user's home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

USER = 61200
STORE, HOME = Path("/mnt/store"), Path("/mnt/home")
MODEL = STORE / "tiny.gguf"
AS_USER = f"setpriv --reuid {USER} --regid {USER} --clear-groups"
# What Python and localai need may lie below somebody's home, which others may not enter.
_SCRIPT = """
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/store /mnt/home /mnt/needed
mount --bind "$0/store" /mnt/store
mount --bind "$0/home" /mnt/home
number=0
for folder in $NEEDED; do
  number=$((number + 1)); mkdir "/mnt/needed/$number"; mount --bind "$folder" "/mnt/needed/$number"
done
for folder in $CLOSED; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
number=0
for folder in $NEEDED; do
  number=$((number + 1)); mkdir -p "$folder"; mount --bind "/mnt/needed/$number" "$folder"
done
cd /mnt/home
eval "$BEFORE"
exec $HOW "$@"
"""
_NEEDED = tuple({Path(one).resolve() for one in (sys.base_prefix, sys.prefix)} | {
    Path(__file__).resolve().parents[2]})  # fmt: skip


class KeptHost:
    """What lies in ``place`` stays from one command to the next."""

    def __init__(self, place: Path, model: bytes) -> None:
        self.place, self.model = place, model
        self.put_model()
        (place / "home").mkdir()
        os.chown(place / "home", USER, USER)
        terms = ("--yes", "--source", "example/tiny", "--licence", "Apache-2.0")
        self.localai("setup", "--label", "sandbox", "--unencrypted-key", check=True)
        self.localai("approve", str(MODEL), *terms, check=True)

    def put_model(self) -> Path:
        """Make the store anew, with the model in it, and say where that is from outside."""
        store = self.place / "store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir(mode=0o755)
        path = store / MODEL.name
        path.write_bytes(self.model)
        path.chmod(0o444)
        return path

    def call(
        self, *command: str, before: str = "", how: str = AS_USER, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as ``how`` says, after ``before``, which root does."""
        closed = {_find_closed(one) for one in _NEEDED} - {None}
        needed = [one for one in _NEEDED if _find_closed(one)]
        environ = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(HOME),
            "LOCALAI_HOME": str(HOME / "moved"),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "120",
            "BEFORE": before,
            "HOW": how,
            "NEEDED": " ".join(map(str, needed)),
            "CLOSED": " ".join(map(str, closed)),
        }
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", _SCRIPT,
             str(self.place), *command],
            env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def localai(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return self.call(sys.executable, "-m", "localai", *arguments, **more)

    def python(self, program: str, *arguments: str, **more: Any) -> Any:
        """What a program prints as JSON."""
        return json.loads(
            self.call(sys.executable, "-c", program, *arguments, check=True, **more).stdout
        )

    def check(self, model: Path = MODEL, **more: Any) -> Mapping[str, Any]:
        """What ``localai check`` says of the model."""
        done = self.localai("check", str(model), "--json", **more)
        assert done.returncode in (0, 3), done.stderr
        artifact: dict[str, Any] = json.loads(done.stdout)["artifact"]
        return artifact


def find_obstacle() -> str:
    """Why there is no such host here, "" if there is."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("setpriv"):
        return "a store of root's, used by another account, takes root, unshare and setpriv"
    command = ["unshare", "--mount", "--propagation", "private"]
    done = subprocess.run(
        [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True
    )
    return done.stderr.strip()


def _find_closed(place: Path) -> Path | None:
    """The first folder above that others may not enter."""
    above = reversed(place.parents)
    return next((folder for folder in above if not folder.stat().st_mode & 0o001), None)
