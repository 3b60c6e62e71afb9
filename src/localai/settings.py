"""Read one policy file, ``localai.policy/1``: which keys it may have, and what they may say."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from localai.document import read_document
from localai.labels import PRODUCTION, is_near_production, tokens
from localai.policy import (
    SCHEMA,
    WAIVABLE,
    Accounts,
    DataClass,
    HostEgress,
    Permission,
    Restricted,
    Unattended,
    Waiver,
)
from localai.shape import Fields, read_shape

if TYPE_CHECKING:
    from localai.host.targets import Target
    from localai.hubs import Hub

MOST_HOURS = 24 * 366


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
    unattended: Unattended | None
    accounts: Accounts | None
    data_classes: tuple[DataClass, ...] | None
    licences: tuple[str, ...] | None
    restricted: Restricted | None
    hubs: tuple[Hub, ...] | None
    waivers: tuple[Waiver, ...]


def parse_settings(raw: bytes) -> Settings:
    """Read one file. Raises DocumentError."""
    return read_shape(read_document(raw), "policy", _read_settings)


def _read_settings(fields: Fields) -> Settings:
    if (schema := fields.text("schema")) != SCHEMA:
        raise fields.refuse("schema", f"{schema!r}: {SCHEMA} was expected")

    def permission(key: str) -> bool | None:
        if not fields.has(key):
            return None
        return fields.choice(key, Permission) is Permission.ALLOW

    return Settings(
        name=fields.slug("name"),
        officer=fields.text("officer") if fields.has("officer") else "",
        classes=_read_classes(fields) if fields.has("labels") else None,
        production_hosts=(
            fields.texts("production-hosts") if fields.has("production-hosts") else None
        ),
        self_declared=permission("self-declared-label"),
        self_approval=permission("self-approval"),
        host_egress=(
            fields.choice("host-egress", HostEgress) if fields.has("host-egress") else None
        ),
        targets=_read_targets(fields),
        host_must_pass=_read_required(fields) if fields.has("host-must-pass") else None,
        self_test_hours=(
            fields.integer("self-test-hours", 1, MOST_HOURS)
            if fields.has("self-test-hours")
            else None
        ),
        unattended=(fields.choice("unattended", Unattended) if fields.has("unattended") else None),
        accounts=fields.choice("accounts", Accounts) if fields.has("accounts") else None,
        data_classes=(
            fields.choices("data-classes", DataClass) if fields.has("data-classes") else None
        ),
        licences=fields.texts("licences") if fields.has("licences") else None,
        restricted=(
            fields.one("restricted-technologies", _read_restricted)
            if fields.has("restricted-technologies")
            else None
        ),
        hubs=_read_hubs(fields) if fields.has("hubs") else None,
        waivers=fields.each("waivers", _read_waiver, most=100) if fields.has("waivers") else (),
    )


def _read_classes(fields: Fields) -> dict[str, frozenset[str]]:
    classes: dict[str, frozenset[str]] = {}
    for name, words in fields.each("labels", _read_class, most=100):
        taken = {word for known in classes.values() for word in known}
        if name in classes or taken & words:
            raise fields.refuse("labels", f"{name}: a class or a word stands twice")
        classes[name] = words
    if not classes:
        raise fields.refuse("labels", "no class of host is allowed, so nothing could ever run")
    return classes


def _read_class(fields: Fields) -> tuple[str, frozenset[str]]:
    name, words = fields.slug("class"), fields.texts("words")
    for word in (name, *words):
        if PRODUCTION.intersection(tokens(word)) or any(map(is_near_production, tokens(word))):
            raise fields.refuse("words", f"{word}: production is never a class of this kind")
    for word in words:
        if tokens(word) != (word,):
            raise fields.refuse("words", f"{word!r}: one lower-case word of letters was expected")
    return name, frozenset(words)


def _read_targets(fields: Fields) -> tuple[Target, ...] | None:
    """Canaries and controls; None if the file speaks of neither."""
    expectations = {"host-canaries": "blocked", "host-controls": "reachable"}
    named = {key: word for key, word in expectations.items() if fields.has(key)}
    if not named:
        return None
    from localai.host.targets import MOST, Expectation, read_target

    return tuple(
        target
        for key, word in named.items()
        for target in fields.each(key, partial(read_target, expected=Expectation(word)), most=MOST)
    )


def _read_required(fields: Fields) -> tuple[str, ...]:
    """Questions about the host that must be answered well."""
    from localai.host.checks import CHECKS

    asked = fields.texts("host-must-pass")
    if unknown := [check for check in asked if check not in CHECKS]:
        raise fields.refuse(
            "host-must-pass", f"there is no {unknown[0]!r}; there are: {', '.join(CHECKS)}"
        )
    return asked


def _read_restricted(fields: Fields) -> Restricted:
    names = fields.texts("names")
    for name in names:
        if sum(letter.isalnum() for letter in name) < 2:
            raise fields.refuse("names", f"{name!r}: two letters or digits are the least")
    return Restricted(fields.text("source"), fields.date("as-of"), names)


def _read_hubs(fields: Fields) -> tuple[Hub, ...]:
    from localai.hubs import MOST, read_hub

    hubs = fields.each("hubs", read_hub, most=MOST)
    if len({hub.url for hub in hubs}) != len(hubs):
        raise fields.refuse("hubs", "a hub stands twice")
    return hubs


def _read_waiver(fields: Fields) -> Waiver:
    check = fields.slug("check")
    if check not in WAIVABLE:
        raise fields.refuse(
            "check", f"{check} cannot be waived; these can: {', '.join(sorted(WAIVABLE))}"
        )
    return Waiver(check, fields.text("approver"), fields.text("reason"), fields.date("until"))
