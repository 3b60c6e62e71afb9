"""The administrator's rules, ``localai.policy/1``, and what a user's own settings add to them.

On a host that an administrator has set rules for a user's file may only tighten them. On another
the user's file counts against the built-in policy, and nobody can waive anything.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from localai.errors import DocumentError, StateError
from localai.labels import LabelRules
from localai.smallfile import read_small

if TYPE_CHECKING:
    from localai.host.targets import Target
    from localai.hubs import Hub
    from localai.settings import Settings

SCHEMA = "localai.policy/1"
BUILT_IN = "built-in"
LONGEST_WAIVER = timedelta(days=366)
"""How far ahead a waiver may end: what is waived is decided anew within a year."""
# Promise 1: label, signature, artifact, sandbox and sandbox-egress are never waived. Nor are the
# policy itself, a format that was not understood, and a manifest that expired or was rolled back
# (its signers can renew it). A new check is not waivable until it is named here.
WAIVABLE = frozenset(
    {
        *("approved-use", "review-date", "licence", "restricted-technology", "account"),
        *("telemetry-off", "host-egress", "resources"),
    }
)


# Of each choice the loosest comes first: a user's file may only move on (localai.precedence).
class HostEgress(StrEnum):
    """What is asked of the host's own way out."""

    NOTE = "note"
    MUST_BE_BLOCKED = "must-be-blocked"


class Permission(StrEnum):
    """Whether a person may do something alone."""

    ALLOW = "allow"
    DENY = "deny"


class Unattended(StrEnum):
    """What is said to a start without a terminal."""

    NOTE = "note"
    REFUSE = "refuse"


class Accounts(StrEnum):
    """Which accounts may start something."""

    ANY = "any"
    DIRECTORY = "directory"


class DataClass(StrEnum):
    """Kinds of data, the least protected first."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Restricted(NamedTuple):
    """Names of publishers, models and architectures that may not be used: who lists them, and the
    day on which the list was taken from there."""

    source: str
    as_of: date
    names: tuple[str, ...]


class Waiver(NamedTuple):
    """One check that may fail, who approved that, why, and the last day it counts."""

    check: str
    approver: str
    reason: str
    until: date

    def is_endless(self, today: date) -> bool:
        """True if it ends later than anybody may decide today."""
        return self.until - today > LONGEST_WAIVER

    def counts(self, today: date) -> bool:
        """True on a day on which it waives its check."""
        return self.until >= today and not self.is_endless(today)


class Policy(NamedTuple):
    """The rules in force.

    ``officer`` is whom to send a request for approval to. ``targets`` are all that may be tried off
    this machine, ``host_must_pass`` the questions about the host (:mod:`localai.host.checks`) that
    a self-test must find well. ``self_test_hours`` is how old the newest self-test may be, None if
    none is asked for. ``licences`` are those that an artifact may have, None for any. ``hubs`` make
    this a host that may fetch: from these, and none where there are none.
    """

    name: str = BUILT_IN
    officer: str = ""
    labels: LabelRules = LabelRules()
    self_approval: bool = True
    host_egress: HostEgress = HostEgress.NOTE
    targets: tuple[Target, ...] = ()
    host_must_pass: tuple[str, ...] = ()
    self_test_hours: int | None = None
    unattended: Unattended = Unattended.NOTE
    accounts: Accounts = Accounts.ANY
    data_classes: tuple[DataClass, ...] = tuple(DataClass)
    licences: tuple[str, ...] | None = None
    restricted: Restricted | None = None
    hubs: tuple[Hub, ...] = ()
    waivers: tuple[Waiver, ...] = ()


STRICT = Policy(
    name="strict",
    labels=LabelRules(self_declared=False),
    self_approval=False,
    host_egress=HostEgress.MUST_BE_BLOCKED,
    data_classes=(DataClass.PUBLIC,),
)
"""What stands in for a policy that cannot be read: the gate refuses anyway."""


class LoadedPolicy(NamedTuple):
    """The policy in force, the files it came from with their SHA-256, and what is wrong with it."""

    policy: Policy
    administered: bool
    files: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()


def load_policy(
    administrator: Path,
    own: Path,
    *,
    administered: bool = False,
    owner: int = 0,
    notes: tuple[str, ...] = (),
) -> LoadedPolicy:
    """Read the administrator's policy file and the user's, where they exist.

    ``administered`` is true if the administrator set any rules, be they no policy; ``owner`` is the
    uid that must own their file and its directory; ``notes`` are passed through. A file that cannot
    be read or is malformed makes the result STRICT with a ``problem``, which the policy gate
    refuses.
    """
    from localai.precedence import replace, tighten

    files: list[tuple[str, str]] = []
    path = administrator
    try:
        _check_directory(administrator.parent, owner)
        content = read_small(administrator, owner=owner)
        if administered and content is None:
            notes += (f"there is no {administrator}: the built-in policy, and nothing looser",)
        administered = administered or content is not None
        policy = _ADMINISTERED if administered else Policy()
        if content is not None:
            files.append((str(administrator), hashlib.sha256(content).hexdigest()))
            policy = replace(policy, _parse(content))
        path = own
        if (content := read_small(own)) is not None:
            files.append((str(own), hashlib.sha256(content).hexdigest()))
            settings = _parse(content)
            if settings.waivers:
                raise DocumentError("waivers: only the administrator's policy can waive a check")
            if administered and settings.targets is not None:
                raise DocumentError(
                    "host-canaries, host-controls: only the administrator's policy names targets"
                )
            policy = (tighten if administered else replace)(policy, settings)
    except (DocumentError, StateError) as error:
        problem = error.message if str(path) in error.message else f"{path}: {error.message}"
        remedy = error.hint or f"correct {path}"
        administered = administered or path == administrator
        return LoadedPolicy(STRICT, administered, tuple(files), problem, remedy, notes)
    return LoadedPolicy(policy, administered, tuple(files), notes=notes)


def _parse(content: bytes) -> Settings:
    from localai.settings import parse_settings  # YAML is read only where there is a file to read

    return parse_settings(content)


def _check_directory(directory: Path, owner: int) -> None:
    """Who can write the directory can put any file in it, or take one away. Raises StateError."""
    try:
        found = directory.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(
            f"cannot look at {directory}: {error.strerror}", hint=f"ls -ld {directory}"
        ) from error
    if found.st_uid != owner or found.st_mode & 0o022:
        account = "root" if owner == 0 else owner
        raise StateError(
            f"{directory} belongs to uid {found.st_uid} with mode {found.st_mode & 0o777:04o}; "
            f"expected uid {owner} and nobody else able to write it",
            hint=f"chown {account}: {directory} && chmod 755 {directory}",
        )


# With an administrator, one person is not user and officer at once unless the policy says so.
_ADMINISTERED = Policy(labels=LabelRules(self_declared=False), self_approval=False)
