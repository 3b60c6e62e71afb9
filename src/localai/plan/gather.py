"""Gather what can be known before a worker runs: rules, label, manifests, account, host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from localai.account import read_account
from localai.environment import Reading, declaration_file, machine_identity, read_labels
from localai.host import HostFacts, read_host
from localai.manifest.load import load_manifests
from localai.places import Places
from localai.plan.facts import Facts, Use
from localai.policy import HostEgress, LoadedPolicy, Policy, load_policy


def gather(
    places: Places,
    environ: Mapping[str, str],
    *,
    use: Use,
    today: date,
    host_name: str,
    terminal: bool,
    owner: int = 0,
) -> Facts:
    """All facts but the artifact's and the worker's, which the launch adds.

    ``today`` is a day of UTC, ``owner`` the uid that must own the administrator's files.
    Raises StateError if the state directory cannot be read or written.
    """
    policy = find_policy(places, owner=owner)
    return Facts(
        today=today,
        use=use,
        account=read_account(environ, terminal=terminal),
        labels=find_labels(places, environ, today=today, host_name=host_name, owner=owner),
        policy=policy,
        manifests=load_manifests(places, today, owner=owner),
        host=_look_at_host(environ, policy.policy),
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
