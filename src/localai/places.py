"""Where things lie on disk: the administrator's files, the user's settings, and the state.

Directories follow the XDG Base Directory Specification 0.8; the administrator's live in
``/etc/localai``. ``LOCALAI_HOME`` moves everything for demos and tests, and is ignored on a host
that an administrator has set rules for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from localai.errors import StateError

ADMINISTRATOR = Path("/etc/localai")
RULES = ("policy.yaml", "root.json", "manifests")
"""Any of these in the administrator's directory takes a host out of its users' hands."""
SHARED = Path("/var/lib/localai/store")
"""Where a store for every account of a host lies, if there is one."""


class Places(NamedTuple):
    """Directories of one account on one host. Nothing here need exist yet.

    ``administrator`` is where root-owned files would be; ``administered`` says whether a policy,
    a root of trust or manifests lie there. ``moved_ignored`` is true if ``LOCALAI_HOME`` was set
    and had to be ignored. ``home`` is the account's home directory. ``shared`` is the store of
    the host, None if there is none, and ``keeps_shared`` says whether it is this account's.
    """

    administrator: Path
    administered: bool
    config: Path
    state: Path
    moved_ignored: bool = False
    home: Path = Path("/nonexistent")
    shared: Path | None = None
    keeps_shared: bool = False

    @property
    def manifests(self) -> Path:
        return self.config / "manifests"

    @property
    def imported(self) -> Path:
        """Manifests that this account brought along, on a host where the administrator's count:
        their signatures authorise, not the directory."""
        return self.config / "imported"

    @property
    def keys(self) -> Path:
        return self.config / "keys"

    @property
    def root(self) -> Path:
        """The root of trust that counts: the administrator's if there is one, else the user's."""
        own = self.config / "root.json"
        return self.administrator / "root.json" if self.administered else own

    @property
    def records(self) -> Path:
        return self.state / "records.jsonl"

    @property
    def store(self) -> Path:
        """Where this account's artifacts lie, from their arrival on."""
        return self.shared if self.shared and self.keeps_shared else self.state / "store"

    @property
    def stores(self) -> tuple[Path, ...]:
        """Where artifacts are looked for, in this order."""
        others = (self.shared, self.state / "store")
        return tuple(dict.fromkeys((self.store, *filter(None, others))))

    @property
    def selftests(self) -> Path:
        """The log of self-tests' results."""
        return self.state / "selftests.jsonl"


def find_places(
    environ: Mapping[str, str],
    home: Path,
    administrator: Path = ADMINISTRATOR,
    shared: Path = SHARED,
) -> Places:
    """Work out the directories from the environment and the account's home directory.

    Raises StateError if an administrator's directory is there and cannot be looked into.
    """
    present = _is_there(administrator)
    if present and not administrator.is_dir():
        raise _unknown_rules(administrator)
    administered = present and any(_is_there(administrator / name) for name in RULES)
    moved = environ.get("LOCALAI_HOME", "")
    if moved and not administered:
        base = Path(moved).absolute()
        return Places(administrator, False, base / "config", base / "state", home=home)

    def xdg(variable: str, default: str) -> Path:
        value = environ.get(variable, "")  # relative paths are invalid there and ignored
        return (Path(value) if value.startswith("/") else home / default) / "localai"

    keeper = _find_keeper(shared)
    return Places(
        administrator,
        administered,
        xdg("XDG_CONFIG_HOME", ".config"),
        xdg("XDG_STATE_HOME", ".local/state"),
        moved_ignored=bool(moved),
        home=home,
        shared=None if keeper is None else shared,
        keeps_shared=keeper == os.geteuid(),
    )


def _find_keeper(shared: Path) -> int | None:
    """The uid whose store this is, None if there is none that this account could look into."""
    try:
        found = shared.lstat()
    except OSError:
        return None
    return found.st_uid if stat.S_ISDIR(found.st_mode) else None


def _is_there(path: Path) -> bool:
    """True if there is anything, a dangling link too: somebody meant rules to be there."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unknown_rules(path.parent) from error
    return True


def _unknown_rules(directory: Path) -> StateError:
    return StateError(
        f"{directory} cannot be looked into: the administrator's rules are unknown",
        hint=f"ask the administrator: {directory} must be a directory, chmod 755 {directory}",
    )


def make_private(directory: Path) -> Path:
    """Make ``directory`` with mode 0700 and return it. Raises StateError."""
    return make_directory(directory, 0o700)


def make_directory(directory: Path, mode: int) -> Path:
    """Make ``directory``, and what is missing above it, and return it.

    Raises StateError if that cannot be done.
    """
    try:
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot make the directory {directory}: {error.strerror}",
            hint="make it writable for this account, or set LOCALAI_HOME to a directory that is",
        ) from error
    return directory
