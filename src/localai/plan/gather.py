"""Gather what can be known before a worker runs: rules, label, manifests, account, host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from localai.account import read_account
from localai.environment import Reading, declaration_file, machine_identity, read_labels
from localai.errors import StateError
from localai.host import HostFacts, read_host
from localai.manifest.load import load_manifests
from localai.places import Places
from localai.plan.facts import Facts, LastSelfTest, Use
from localai.policy import HostEgress, LoadedPolicy, Policy, load_policy


def gather(
    places: Places,
    environ: Mapping[str, str],
    *,
    use: Use,
    now: datetime,
    host_name: str,
    terminal: bool,
    owner: int = 0,
) -> Facts:
    """All facts but the artifact's and the worker's, which the launch adds.

    ``now`` is in UTC, ``owner`` the uid that must own the administrator's files.
    Raises StateError if the state directory cannot be read or written.
    """
    today = now.date()
    policy = find_policy(places, owner=owner)
    asked = policy.policy.self_test_hours is not None
    return Facts(
        today=today,
        use=use,
        account=read_account(environ, terminal=terminal),
        labels=find_labels(places, environ, today=today, host_name=host_name, owner=owner),
        policy=policy,
        manifests=load_manifests(places, today, owner=owner),
        host=_look_at_host(environ, policy.policy),
        self_test=_find_last_self_test(places, now) if asked else None,
    )


def _look_at_host(environ: Mapping[str, str], policy: Policy) -> HostFacts:
    """Sends nothing, unless the policy wants the host blocked, names what to try, and looking is
    not enough."""
    host = read_host(environ)
    must_be_blocked = policy.host_egress is HostEgress.MUST_BE_BLOCKED
    if must_be_blocked and policy.targets and (host.ways or host.unchecked):
        from localai.host.targets import reach  # paid for only where it is used

        host = host._replace(reached=reach(policy.targets))
    return host


def _find_last_self_test(places: Places, now: datetime) -> LastSelfTest:
    from localai.selftests.history import newest  # paid for only where it is used

    try:
        result = newest(places.selftests)
    except StateError as error:
        return LastSelfTest(problem=error.message, remedy=error.hint)
    hours = (now - result.time).total_seconds() / 3600 if result else 0.0
    return LastSelfTest(result, hours)


def find_policy(places: Places, *, owner: int = 0) -> LoadedPolicy:
    """The policy in force, with what there is to say about how it was found."""
    ignored = ("LOCALAI_HOME is ignored: an administrator has set rules for this host",)
    return load_policy(
        places.administrator / "policy.yaml",
        places.config / "policy.yaml",
        administered=places.administered,
        owner=owner,
        notes=ignored if places.moved_ignored else (),
    )


def find_labels(
    places: Places, environ: Mapping[str, str], *, today: date, host_name: str, owner: int = 0
) -> tuple[Reading, ...]:
    """Everything that says what kind of host this is."""
    return read_labels(
        administrator_file=places.administrator / "environment",
        declaration=declaration_file(places.config),
        environ=environ,
        host_name=host_name,
        machine=machine_identity(),
        today=today,
        owner=owner,
    )
