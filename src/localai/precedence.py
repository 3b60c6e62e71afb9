"""Whose rule counts: what a policy file makes of the rules that were there before it.

An administrator's file, and a user's where no administrator set any rule, replaces what it speaks
of. A user's file beside an administrator's only tightens. docs/policy.md has the rule for each key.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from localai.labels import LabelRules
from localai.policy import Policy, Restricted

if TYPE_CHECKING:
    from localai.hubs import Hub
    from localai.settings import Settings

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


def replace(policy: Policy, settings: Settings) -> Policy:
    """``policy`` with every rule that ``settings`` speaks of."""
    labels = LabelRules(
        _given(settings.classes, dict(policy.labels.classes)),
        _given(settings.production_hosts, policy.labels.production_hosts),
        _given(settings.self_declared, policy.labels.self_declared),
    )
    return Policy(
        name=settings.name,
        officer=settings.officer,
        labels=labels,
        self_approval=_given(settings.self_approval, policy.self_approval),
        host_egress=_given(settings.host_egress, policy.host_egress),
        targets=_given(settings.targets, policy.targets),
        host_must_pass=_given(settings.host_must_pass, policy.host_must_pass),
        self_test_hours=_given(settings.self_test_hours, policy.self_test_hours),
        unattended=_given(settings.unattended, policy.unattended),
        accounts=_given(settings.accounts, policy.accounts),
        data_classes=_given(settings.data_classes, policy.data_classes),
        licences=_given(settings.licences, policy.licences),
        restricted=_given(settings.restricted, policy.restricted),
        hubs=_given(settings.hubs, policy.hubs),
        waivers=settings.waivers,
    )


def tighten(policy: Policy, settings: Settings) -> Policy:
    """``policy`` with those rules of ``settings`` that are stricter; looser ones do nothing."""
    hours = [one.self_test_hours for one in (policy, settings) if one.self_test_hours is not None]
    return policy._replace(
        labels=_tighten_labels(policy.labels, settings),
        self_approval=policy.self_approval and settings.self_approval is not False,
        host_egress=_stricter(policy.host_egress, settings.host_egress),
        host_must_pass=_together(policy.host_must_pass, settings.host_must_pass or ()),
        self_test_hours=min(hours, default=None),
        unattended=_stricter(policy.unattended, settings.unattended),
        accounts=_stricter(policy.accounts, settings.accounts),
        data_classes=_common(policy.data_classes, settings.data_classes),
        licences=_common(policy.licences, settings.licences)
        if policy.licences is not None
        else settings.licences,
        restricted=_add_names(policy.restricted, settings.restricted),
        hubs=_common_hubs(policy.hubs, settings.hubs),
    )


def _tighten_labels(rules: LabelRules, settings: Settings) -> LabelRules:
    classes = dict(rules.classes)
    if settings.classes is not None:
        allowed = settings.classes
        classes = {
            name: words & allowed[name] for name, words in classes.items() if name in allowed
        }
    return LabelRules(
        classes,
        rules.production_hosts + (settings.production_hosts or ()),
        rules.self_declared and settings.self_declared is not False,
    )


def _add_names(listed: Restricted | None, own: Restricted | None) -> Restricted | None:
    """A user's list adds names to the administrator's and stands in for none: it would otherwise
    make up for one that is missing or out of date."""
    if listed is None or own is None:
        return listed
    return listed._replace(names=_together(listed.names, own.names))


def _common_hubs(hubs: tuple[Hub, ...], own: tuple[Hub, ...] | None) -> tuple[Hub, ...]:
    """The hubs that both name, each with the further hosts that both name."""
    if own is None:
        return hubs
    named = {hub.url: hub.hosts for hub in own}
    return tuple(
        hub._replace(hosts=_common(hub.hosts, named[hub.url])) for hub in hubs if hub.url in named
    )


def _stricter(choice: _E, other: _E | None) -> _E:
    """The one of two values that stands further down in their class."""
    order = list(type(choice))
    return choice if other is None else max(choice, other, key=order.index)


def _common(values: tuple[_T, ...], others: tuple[_T, ...] | None) -> tuple[_T, ...]:
    """What both lists have; None names no limit."""
    return values if others is None else tuple(one for one in values if one in others)


def _together(values: Iterable[_T], others: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys((*values, *others)))


def _given(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value
