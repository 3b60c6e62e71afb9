"""Declare the label of this machine, for ``localai env set`` and ``localai setup``."""

from __future__ import annotations

from localai.atomicfile import write_whole
from localai.cli.surroundings import Surroundings
from localai.environment import (
    DECLARED_FOR,
    declaration_file,
    machine_identity,
    write_declaration,
)
from localai.errors import PlatformError, StateError, UsageError
from localai.labels import Kind, LabelRules, classify
from localai.places import make_private


def declare(around: Surroundings, label: str) -> str:
    """Write the label and return what to say about it.

    Raises UsageError for a label that would not count, StateError where the policy leaves labels
    to the administrator, PlatformError where there is nothing to bind a label to.
    """
    rules = around.read_policy().policy.labels
    if not rules.self_declared:
        raise StateError(
            "the policy of this host leaves its label to the administrator",
            hint=f"ask them to write it into {around.places.administrator / 'environment'}",
        )
    check_label(label, rules)
    machine = machine_identity()
    if not machine:
        raise PlatformError(
            "this machine has neither a machine-id nor a boot id to bind a label to",
            hint="as root: systemd-machine-id-setup",
        )
    path = declaration_file(around.places.config)
    make_private(path.parent)
    write_whole(path, write_declaration(label, machine, around.today).encode())
    until = around.today + DECLARED_FOR
    if machine.startswith("boot:"):
        return f"{label}: self-declared, for this machine until it restarts (it has no machine-id)"
    return f"{label}: self-declared, for this machine until {until}"


def check_label(label: str, rules: LabelRules) -> None:
    """Raise UsageError unless ``label`` means one class of host that the policy allows."""
    meaning = classify(label, rules)
    known = ", ".join(sorted(rules.classes))
    hint = f"if this host is not in production, say so in one of these words: {known}"
    if meaning.kind is Kind.PRODUCTION:
        raise UsageError(
            f"{label!r}: the self-hosted lane is for exploratory work only, not for production",
            hint=hint,
        )
    if meaning.kind is Kind.NEAR_PRODUCTION:
        raise UsageError(
            f"{label!r} is ambiguous: it names production without saying how near it is", hint=hint
        )
    if meaning.kind is not Kind.KNOWN:
        raise UsageError(
            f"{label!r} is no kind of host that the policy knows", hint=f"one of: {known}"
        )
