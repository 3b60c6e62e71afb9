"""The label of this host: which sources speak of it, and what each of them says.

The administrator's file and ``LOCALAI_ENVIRONMENT`` can grant; so can a label that a person
declared on this machine, within limits. Everything else can only deny. What the words mean
stands in :mod:`localai.labels`; the answer is the gate's
(:mod:`localai.plan.gates.environment_label`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from localai.errors import StateError
from localai.labels import PRODUCTION, tokens
from localai.smallfile import read_small

VARIABLE = "LOCALAI_ENVIRONMENT"
DENYING_VARIABLES = (
    "ENVIRONMENT",
    "ENV",
    "APP_ENV",
    "DEPLOY_ENV",
    "NODE_ENV",
    "RAILS_ENV",
    "DJANGO_ENV",
    "FLASK_ENV",
    "ASPNETCORE_ENVIRONMENT",
)
DECLARED_FOR = timedelta(days=90)
DECLARATION_SCHEMA = "localai.label/1"
MACHINE_INFO = Path("/etc/machine-info")  # machine-info(5)
MACHINE_ID = Path("/etc/machine-id")  # machine-id(5)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4)


class Power(StrEnum):
    """What a source may do."""

    ADMINISTRATOR = "administrator"  # grants
    SELF_DECLARED = "self-declared"  # grants where the policy lets it
    DENY = "deny"  # can only deny
    HOST_NAME = "host-name"  # can only deny: by its words, or the policy's patterns


class Reading(NamedTuple):
    """What one source says. ``void`` is why it does not count (lapsed, another machine's),
    ``problem`` why it could not be read; ``remedy`` what to do about either."""

    source: str
    value: str
    power: Power
    void: str = ""
    problem: str = ""
    remedy: str = ""


def machine_identity(machine_id: Path = MACHINE_ID, boot_id: Path = BOOT_ID) -> str:
    """A name for this machine that reveals nothing of its machine-id, "" if it has none.

    machine-id(5) asks applications not to expose the id but to hash it with a key of their own,
    as sd_id128_get_machine_app_specific(3) does. Containers often have no machine-id: the label
    is then bound to the host's present boot, which no cloned image shares for long.
    """
    for kind, path in (("machine", machine_id), ("boot", boot_id)):
        content = (read_small(path, limit=256) or b"").strip()
        if re.fullmatch(rb"[0-9a-f-]{32,36}", content):
            return f"{kind}:{hmac.new(content, b'localai label', hashlib.sha256).hexdigest()}"
    return ""


def declaration_file(config: Path) -> Path:
    """Where a self-declared label lies under the user's settings."""
    return config / "label.json"


def write_declaration(label: str, machine: str, today: date) -> str:
    """The text of a self-declared label, bound to ``machine`` and dated ``today`` (UTC)."""
    document = {
        "schema": DECLARATION_SCHEMA,
        "label": label,
        "machine": machine,
        "declared": today.isoformat(),
    }
    return json.dumps(document, indent=2) + "\n"


def read_labels(
    *,
    administrator_file: Path,
    declaration: Path,
    environ: Mapping[str, str],
    host_name: str,
    machine: str,
    today: date,
    machine_info: Path = MACHINE_INFO,
    owner: int = 0,
) -> tuple[Reading, ...]:
    """Every source that says anything, the granting ones first. ``owner`` is the administrator."""
    readings = [
        _administrator(administrator_file, owner),
        _declaration(declaration, machine, today),
    ]
    if environ.get(VARIABLE, "").strip():
        readings.append(Reading(VARIABLE, environ[VARIABLE], Power.SELF_DECLARED))
    readings += _machine_info(machine_info)
    readings += [
        Reading(name, environ[name], Power.DENY)
        for name in DENYING_VARIABLES
        if environ.get(name, "").strip()
    ]
    readings.append(Reading("host name", host_name, Power.HOST_NAME))
    return tuple(reading for reading in readings if reading is not None)


def _administrator(path: Path, owner: int) -> Reading | None:
    try:
        content = read_small(path, limit=4096, owner=owner)
        if content is None:
            return None
        lines = content.decode("utf-8").splitlines()
    except StateError as error:
        return Reading(str(path), "", Power.ADMINISTRATOR, problem=error.message, remedy=error.hint)
    except UnicodeDecodeError:
        lines = []
    said = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if len(said) == 1:
        return Reading(str(path), said[0], Power.ADMINISTRATOR)
    return Reading(
        str(path),
        "",
        Power.ADMINISTRATOR,
        problem=f"expected one line with one label, found {len(said)}",
        remedy=f"echo sandbox > {path}",
    )


def _declaration(path: Path, machine: str, today: date) -> Reading | None:
    """The label that somebody declared here with ``localai env set`` or ``localai setup``."""
    remedy = "localai env set LABEL"
    try:
        content = read_small(path, limit=4096)
        if content is None:
            return None
        document = json.loads(content)
        if not isinstance(document, dict) or document.get("schema") != DECLARATION_SCHEMA:
            raise ValueError(f"not a {DECLARATION_SCHEMA} document")
        label, bound = str(document["label"]), str(document["machine"])
        declared = date.fromisoformat(str(document["declared"]))
    except StateError as error:
        return Reading(str(path), "", Power.SELF_DECLARED, problem=error.message, remedy=error.hint)
    except (ValueError, KeyError, RecursionError) as error:
        return Reading(
            str(path), "", Power.SELF_DECLARED, problem=f"malformed: {error}", remedy=remedy
        )
    void = ""
    if not machine or not hmac.compare_digest(bound.encode(), machine.encode()):
        void = "declared on another machine, or before the last start of this one"
        if bound.startswith("machine:"):
            void = "declared on another machine (the machine-id differs)"
    elif declared > today:
        void = f"declared on {declared}, which lies in the future"
    elif today - declared > DECLARED_FOR:
        void = f"declared on {declared}, lapsed after {DECLARED_FOR.days} days"
    return Reading(str(path), label, Power.SELF_DECLARED, void=void, remedy=remedy if void else "")


# One plain assignment: no escape, no second pair of quotes, nothing left open, no broken UTF-8.
_PLAIN = re.compile(r"""[ \t]*DEPLOYMENT=(["']?)([^"'\\\0\ufffd]*)\1[ \t]*""")


def _machine_info(path: Path) -> list[Reading]:
    """What systemd may take for DEPLOYMENT. Its parser knows escapes, joined quotes and values of
    several lines (env-file.c); this one knows plain lines, and refuses what it does not know."""
    source = f"{path} DEPLOYMENT"
    try:
        text = (read_small(path) or b"").decode("utf-8-sig", "replace")
    except StateError as error:
        return [Reading(source, "", Power.DENY, problem=error.message, remedy=error.hint)]
    lines = re.split(r"[\r\n]", text)
    # The last assignment counts for systemd; here every one of them may deny.
    values: list[str] = []
    for number, line in enumerate(lines):
        if "DEPLOYMENT" not in line or line.lstrip(" \t").startswith(("#", ";")):
            continue
        if plain := _PLAIN.fullmatch(line):
            values.append(plain[2].strip())
        else:
            rest = " ".join([line[line.index("DEPLOYMENT") :], *lines[number + 1 :]])
            return [_unclear(source, path, rest)]
    return [Reading(source, value, Power.DENY) for value in values if value]


def _unclear(source: str, path: Path, rest: str) -> Reading:
    """What a line not understood, and all after it, comes to: production if that is named."""
    named = [word for word in tokens(rest) if word in PRODUCTION]
    if named:
        return Reading(source, named[0], Power.DENY)
    return Reading(
        source,
        "",
        Power.DENY,
        problem="not one plain DEPLOYMENT=value on a line of its own",
        remedy=f"write it in {path} as one line: DEPLOYMENT=value",
    )
