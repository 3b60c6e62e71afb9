"""Wording for the next root of trust, and for the list of what is revoked. Nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from localai.cli.roots.rotating import Draft
from localai.cli.roots.trustscreen import show_roles
from localai.cli.screen import join
from localai.manifest.chain import Walk
from localai.manifest.lane import compare_frames
from localai.manifest.revocation import Revocations
from localai.manifest.rotation import Step
from localai.manifest.trust import Role, RoleName, Root, fingerprint_root
from localai.terminal import printable


def show_draft(draft: Draft) -> str:
    """The next root as it stands: what it says, who signed it, and who may still have to."""
    root = draft.step.root
    if root is None:
        return printable(f"{draft.path}: {draft.step.problem}, {draft.step.evidence}")
    state = "in force" if draft.in_force else "not in force here"
    lines = [
        f"next root of trust: {draft.path}, {state}",
        f"  fingerprint {fingerprint_root(draft.step.signed.raw)}",
        f"  version     {root.version}, {root.issued} to {root.expires}",
        *show_roles(root),
        *_show_changes(draft.before, root),
        *_show_lane_changes(draft.before, root),
        *_waiting(draft.before, root, draft.step),
    ]
    return join(lines)


def show_walk(walked: Walk, kept: bool) -> str:
    """Every step from the root that was trusted, and where the walk ended."""
    lines = [f"trusted: version {walked.start.version}, until {walked.start.expires}"]
    lines += [_show_step(step) for step in walked.steps]
    accepted = walked.accepted
    if accepted and (last := accepted[-1]).root:
        verb = "in force" if kept else "would be in force"
        lines.append(f"{verb}: version {last.root.version}, until {last.root.expires}")
        lines.append(f"  fingerprint {fingerprint_root(last.signed.raw)}")
    elif not walked.steps:
        lines.append("nothing newer")
    return join(lines)


def show_revocations(path: Path, found: Revocations) -> str:
    """The list of what is revoked here, or what is wrong with it."""
    if found.problem:
        lines = [
            f"revoked: {path}",
            f"  refused     {found.problem}, {found.evidence}",
            f"  do          {found.remedy}",
        ]
    else:
        signers = ", ".join(found.signers)
        lines = [f"revoked: version {found.version}, {path}", f"  signed by   {signers}"]
        lines += [f"  {one.kind:<11} {one.value}, {one.on}: {one.reason}" for one in found.revoked]
    return join(lines)


def find_lane_changes(before: Root, root: Root) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the lane may approve that it could not before, and what no longer: to be read before
    it is signed."""
    frames = (one.lane.frame if one.lane else None for one in (before, root))
    return compare_frames(*frames)


def _show_lane_changes(before: Root, root: Root) -> list[str]:
    shown = zip(("now allowed", "no longer"), find_lane_changes(before, root), strict=True)
    return [f"  {title:<11} {', '.join(what)}" for title, what in shown if what]


def _show_step(step: Step) -> str:
    version = f"version {step.root.version}" if step.root else "a root"
    if step.problem:
        return f"  refused     {version}: {step.problem}, {step.evidence}"
    signers = ", ".join(dict.fromkeys((*step.old, *step.new)))
    return f"  follows     {version}, signed by {signers}"


def find_changes(before: Root, root: Root) -> Iterator[tuple[str, RoleName, str]]:
    """What a signer of ``root`` agrees to, beside its dates and its lane: keys by what they are,
    not by name."""
    for role in RoleName:
        old, new = (one.roles.get(role, Role(0, ())) for one in (before, root))
        was, is_now = ({key.public: key.name for key in one.keys} for one in (old, new))
        for public, name in is_now.items():
            if public not in was:
                yield "added", role, name
            elif was[public] != name:
                yield "renamed", role, f"{was[public]} -> {name}"
        yield from (("removed", role, was[gone]) for gone in was if gone not in is_now)
        if old.threshold != new.threshold:
            yield "threshold", role, f"{old.threshold} -> {new.threshold}"


def find_missing(before: Root, root: Root, step: Step) -> Iterator[tuple[int, int, list[str]]]:
    """Of which version's root keys signatures are missing, how many, and whose would do."""
    for whose, signers in ((before, step.old), (root, step.new)):
        missing = whose.root.threshold - len(signers)
        if missing > 0:
            names = [key.name for key in whose.root.keys if key.name not in signers]
            yield whose.version, missing, names


def _show_changes(before: Root, root: Root) -> Iterator[str]:
    for change, role, what in find_changes(before, root):
        yield f"  {change:<11} {role}: {what}"


def _waiting(before: Root, root: Root, step: Step) -> list[str]:
    lines = [f"  signed by   {', '.join(dict.fromkeys((*step.old, *step.new))) or 'nobody yet'}"]
    for version, count, names in find_missing(before, root, step):
        whose = f"the root keys of version {version}: {', '.join(names)}"
        lines.append(f"  missing     {count} of {whose}")
    return lines
