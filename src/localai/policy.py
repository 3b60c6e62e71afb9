"""The administrator's rules, ``localai.policy/1``, and what a user's own settings add to them.

On a host that an administrator has set rules for a user's file may only tighten them. On another
the user's file counts against the built-in policy, and nobody can waive anything.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from localai.environment import LabelRules
from localai.errors import DocumentError, StateError
from localai.smallfile import read_small

if TYPE_CHECKING:
    from localai.host.targets import Target

_T = TypeVar("_T")

SCHEMA = "localai.policy/1"
BUILT_IN = "built-in"
# Promise 1: label, signature, artifact, sandbox and sandbox-egress are never waived. Nor are the
# policy itself, a format that was not understood, and a manifest that expired or was rolled back
# (its signers can renew it). A new check is not waivable until it is named here.
WAIVABLE = frozenset({"approved-use", "telemetry-off", "host-egress", "resources"})


class HostEgress(StrEnum):
    """What is asked of the host's own way out."""

    NOTE = "note"
    MUST_BE_BLOCKED = "must-be-blocked"


class Permission(StrEnum):
    """Whether a person may do something alone."""

    ALLOW = "allow"
    DENY = "deny"


class DataClass(StrEnum):
    """Kinds of data, the least protected first."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Waiver(NamedTuple):
    """One check that may fail, who approved that, why, and the last day it counts."""

    check: str
    approver: str
    reason: str
    until: date


class Policy(NamedTuple):
    """The rules in force.

    ``officer`` is whom to send a request for approval to. ``targets`` are all that may be tried off
    this machine, ``host_must_pass`` the questions about the host (:mod:`localai.host.checks`) that
    a self-test must find well. ``self_test_hours`` is how old the newest self-test may be, None if
    none is asked for.
    """

    name: str = BUILT_IN
    officer: str = ""
    labels: LabelRules = LabelRules()
    self_approval: bool = True
    host_egress: HostEgress = HostEgress.NOTE
    targets: tuple[Target, ...] = ()
    host_must_pass: tuple[str, ...] = ()
    self_test_hours: int | None = None
    data_classes: tuple[DataClass, ...] = tuple(DataClass)
    waivers: tuple[Waiver, ...] = ()


STRICT = Policy(
    name="strict",
    labels=LabelRules(self_declared=False),
    self_approval=False,
    host_egress=HostEgress.MUST_BE_BLOCKED,
    data_classes=(DataClass.PUBLIC,),
)
"""What stands in for a policy that cannot be read: the gate refuses anyway."""


class Settings(NamedTuple):
    """One policy file. ``None`` is a rule that the file does not speak of."""

    name: str
    officer: str
    classes: dict[str, frozenset[str]] | None
    production_hosts: tuple[str, ...] | None
    self_declared: bool | None
    self_approval: bool | None
    host_egress: HostEgress | None
    targets: tuple[Target, ...] | None
    host_must_pass: tuple[str, ...] | None
    self_test_hours: int | None
    data_classes: tuple[DataClass, ...] | None
    waivers: tuple[Waiver, ...]


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
            policy = _replace(policy, _parse(content))
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
            policy = (_tighten if administered else _replace)(policy, settings)
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


def _replace(policy: Policy, settings: Settings) -> Policy:
    """``policy`` with every rule that ``settings`` speaks of."""

    labels = LabelRules(
        _given(settings.classes, dict(policy.labels.classes)),
        _given(settings.production_hosts, policy.labels.production_hosts),
        _given(settings.self_declared, policy.labels.self_declared),
    )
    return Policy(
        settings.name,
        settings.officer,
        labels,
        _given(settings.self_approval, policy.self_approval),
        _given(settings.host_egress, policy.host_egress),
        _given(settings.targets, policy.targets),
        _given(settings.host_must_pass, policy.host_must_pass),
        _given(settings.self_test_hours, policy.self_test_hours),
        _given(settings.data_classes, policy.data_classes),
        settings.waivers,
    )


def _given(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value


def _tighten(policy: Policy, settings: Settings) -> Policy:
    """``policy`` with those rules of ``settings`` that are stricter; looser ones do nothing."""
    rules = policy.labels
    classes = dict(rules.classes)
    if settings.classes is not None:
        allowed = settings.classes
        classes = {
            name: words & allowed[name] for name, words in classes.items() if name in allowed
        }
    labels = LabelRules(
        classes,
        rules.production_hosts + (settings.production_hosts or ()),
        rules.self_declared and settings.self_declared is not False,
    )
    data_classes = policy.data_classes
    if settings.data_classes is not None:
        data_classes = tuple(one for one in data_classes if one in settings.data_classes)
    blocked = HostEgress.MUST_BE_BLOCKED in (policy.host_egress, settings.host_egress)
    required = dict.fromkeys((*policy.host_must_pass, *(settings.host_must_pass or ())))
    hours = [one.self_test_hours for one in (policy, settings) if one.self_test_hours is not None]
    return policy._replace(
        labels=labels,
        self_approval=policy.self_approval and settings.self_approval is not False,
        host_egress=HostEgress.MUST_BE_BLOCKED if blocked else policy.host_egress,
        host_must_pass=tuple(required),
        self_test_hours=min(hours, default=None),
        data_classes=data_classes,
    )
