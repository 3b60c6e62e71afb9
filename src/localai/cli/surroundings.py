"""What a command finds around it: environment, clock, places. Read once, here, and passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from localai.environment import Reading, machine_identity, read_labels
from localai.errors import StateError
from localai.places import Places, find_places
from localai.policy import LoadedPolicy, load_policy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``now`` is in UTC; all days (labels, manifests, waivers) are days of UTC."""

    environ: Mapping[str, str]
    now: datetime
    places: Places
    host_name: str

    @property
    def today(self) -> date:
        return self.now.date()

    def read_policy(self) -> LoadedPolicy:
        """The policy in force, with what there is to say about how it was found."""
        notes = ("LOCALAI_HOME is ignored: this host has an administrator's policy",)
        return load_policy(
            self.places.administrator / "policy.yaml",
            self.places.config / "policy.yaml",
            notes=notes if self.places.moved_ignored else (),
        )

    def read_labels(self) -> tuple[Reading, ...]:
        """Everything that says what kind of host this is."""
        return read_labels(
            administrator_file=self.places.administrator / "environment",
            declaration=declaration_file(self.places),
            environ=self.environ,
            host_name=self.host_name,
            machine=machine_identity(),
            today=self.today,
        )


def declaration_file(places: Places) -> Path:
    """Where a self-declared label lies."""
    return places.config / "label.json"


def look_around() -> Surroundings:
    """Read the environment, the clock and the host name of this process."""
    try:
        home = Path.home()
    except RuntimeError as error:
        raise StateError(
            "this account has no home directory and HOME is not set",
            hint="set HOME, or LOCALAI_HOME, to a directory that this account can write",
        ) from error
    environ = dict(os.environ)
    return Surroundings(environ, datetime.now(UTC), find_places(environ, home), os.uname().nodename)
