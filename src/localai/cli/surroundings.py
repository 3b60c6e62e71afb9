"""What a command finds around it: environment, clock, places. Read once, here, and passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from localai.cli import console
from localai.errors import StateError
from localai.places import Places, find_places

if TYPE_CHECKING:  # what these bring is imported where it is used: a start begins without it
    from localai.environment import Reading
    from localai.findings import Finding
    from localai.plan.facts import Facts, Use
    from localai.plan.request import Around
    from localai.policy import LoadedPolicy


class Surroundings(NamedTuple):
    """``now`` is in UTC; all days (labels, manifests, waivers) are days of UTC."""

    environ: Mapping[str, str]
    now: datetime
    places: Places
    host_name: str

    @property
    def today(self) -> date:
        return self.now.date()

    def account_name(self) -> str:
        """The name of this account, as the operating system has it."""
        from localai.account import read_account

        return read_account(self.environ, terminal=console.interactive()).name

    def gather(self, use: Use | None = None) -> Facts:
        """Everything that can be known before a worker runs."""
        from localai.plan.facts import Use
        from localai.plan.gather import gather

        return gather(
            self.places,
            self.environ,
            use=use or Use(),
            now=self.now,
            host_name=self.host_name,
            terminal=console.interactive(),
        )

    def posture(self, facts: Facts) -> tuple[Finding, ...]:
        """What the self-test and ``doctor`` say of the host around the sandbox."""
        from localai.plan.posture import find_posture

        return find_posture(
            facts, self.places, self.environ, _home(self.environ), _working_directory()
        )

    def for_launch(self) -> Around:
        """What a start takes from outside."""
        from localai.plan.request import Around

        return Around(self.environ, self.places, self.host_name, console.interactive())

    def read_policy(self) -> LoadedPolicy:
        """The policy in force."""
        from localai.plan.gather import find_policy

        return find_policy(self.places)

    def read_labels(self) -> tuple[Reading, ...]:
        """Everything that says what kind of host this is."""
        from localai.plan.gather import find_labels

        return find_labels(self.places, self.environ, today=self.today, host_name=self.host_name)


def look_around() -> Surroundings:
    """Read the environment, the clock and the host name of this process. Raises StateError."""
    environ = dict(os.environ)
    home = _home(environ)
    return Surroundings(environ, datetime.now(UTC), find_places(environ, home), os.uname().nodename)


def _working_directory() -> Path | None:
    """None if it was removed meanwhile: then nothing of anybody's lies in it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _home(environ: Mapping[str, str]) -> Path:
    """The home directory. ``Path.home`` would take an empty HOME for ``/``, and a relative one for
    a place in whatever directory the command was started in."""
    hint = "set HOME to the full path of a directory that this account can write"
    said = environ.get("HOME")
    if said is not None and not said.startswith("/"):
        raise StateError(f"HOME is {said!r}: expected a full path, which begins with /", hint=hint)
    try:
        return Path.home()
    except RuntimeError as error:
        raise StateError(
            "this account has no home directory and HOME is not set", hint=hint
        ) from error
