"""Wording for keys and the root of trust. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localai.cli.screen import join
from localai.manifest.lane import Frame
from localai.manifest.trust import Role, RoleName, Root
from localai.manifest.verify import Trust


def show_key(name: str, algorithm: str, fingerprint: str, state: str, path: Path) -> str:
    """One key of this account."""
    return join(
        [f"{name}", f"  algorithm   {algorithm}", f"  fingerprint {fingerprint}",
         f"  private key {state}", f"  public key  {path}"]
    )  # fmt: skip


def show_trust(path: Path, trust: Trust) -> str:
    """The root of trust that counts here, or what is wrong with it."""
    whose = "the administrator's" if trust.authority == "administrator" else "your own"
    lines = [f"root of trust: {whose}, {path}"]
    if trust.fingerprint:
        lines.append(f"  fingerprint {trust.fingerprint}")
    root = trust.root
    if root is None:
        lines.append(
            f"  refused     {trust.problem}{', ' if trust.evidence else ''}{trust.evidence}"
        )
        lines.append(f"  do          {trust.remedy}")
        return join(lines)
    lines.append(f"  version     {root.version}, {root.issued} to {root.expires}")
    lines += show_roles(root)
    return join(lines)


def show_roles(root: Root) -> list[str]:
    """Whose keys may sign what, and how many must."""
    titles = {RoleName.MANIFEST: "manifests"}
    lines = [
        line
        for name, role in root.roles.items()
        for line in _role_lines(titles.get(name, name.value), role)
    ]
    return [*lines, *(_frame_lines(root.lane.frame) if root.lane else ())]


def _frame_lines(frame: Frame) -> Iterator[str]:
    yield f"  frame       {', '.join(frame.purposes)}; {', '.join(frame.data_classes)} data"
    yield f"              from {', '.join(frame.sources)} under {', '.join(frame.licences)}"
    yield f"              until {frame.until}; what is wider needs the role manifest"


def _role_lines(title: str, role: Role) -> Iterator[str]:
    yield f"  {title:<11} {role.threshold} of {len(role.keys)} keys must sign"
    for key in role.keys:
        yield f"              {key.public.fingerprint[:16]}… {key.public.algorithm} {key.name}"
