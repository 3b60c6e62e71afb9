"""The root of trust, the next one, and the way from one to the other, for programs to read."""

from __future__ import annotations

from pathlib import Path

from localai.cli.roots.rootscreen import find_changes, find_lane_changes, find_missing
from localai.cli.roots.rotating import Draft
from localai.manifest.chain import Walk
from localai.manifest.lane import Frame
from localai.manifest.revocation import Revocations
from localai.manifest.rotation import Step
from localai.manifest.trust import Root, fingerprint_root
from localai.manifest.verify import Trust

_Object = dict[str, object]


def trust_document(path: Path, trust: Trust, listed: Path, revoked: Revocations) -> _Object:
    """The document ``localai.trust/1``. ``root`` is null if it cannot be relied on, and
    ``revocation`` if nothing was ever revoked; ``problem`` says why either does not hold."""
    return {
        "schema": "localai.trust/1",
        "root_of_trust": trust.authority.value,
        "path": str(path),
        "fingerprint": trust.fingerprint or None,
        "problem": _problem(trust),
        "root": _root(trust.root) if trust.root else None,
        "revocation": _revocation(listed, revoked) if revoked.version or revoked.problem else None,
    }


def draft_document(draft: Draft) -> _Object:
    """The document ``localai.trust-next/1``. ``changes`` are against the root that is trusted here,
    ``follows``, and so is what the lane may approve ``now_allowed`` and ``no_longer``; ``missing``
    are signatures of its root keys, and of the next root's own."""
    step = draft.step
    root = step.root
    wider, narrower = find_lane_changes(draft.before, root) if root else ((), ())
    return {
        "schema": "localai.trust-next/1",
        "path": str(draft.path),
        "in_force": draft.in_force,
        "fingerprint": fingerprint_root(step.signed.raw),
        "follows": draft.before.version,
        "problem": _step_problem(step),
        "root": _root(root) if root else None,
        "changes": [
            {"change": change, "role": role.value, "what": what}
            for change, role, what in (find_changes(draft.before, root) if root else ())
        ],
        "now_allowed": list(wider),
        "no_longer": list(narrower),
        "signers": list(dict.fromkeys((*step.old, *step.new))),
        "missing": [
            {"root": version, "signatures": count, "may_sign": names}
            for version, count, names in (find_missing(draft.before, root, step) if root else ())
        ],
    }


def walk_document(walked: Walk, kept: bool) -> _Object:
    """The document ``localai.trust-walk/1``: every step from the root that was trusted, and the
    last that may be followed, null if there is none; ``in_force`` says whether it is now."""
    last = walked.accepted[-1] if walked.accepted else None
    return {
        "schema": "localai.trust-walk/1",
        "trusted": {"version": walked.start.version, "expires": str(walked.start.expires)},
        "steps": [_step(step) for step in walked.steps],
        "last": _step(last) if last else None,
        "in_force": kept and last is not None,
    }


def _root(root: Root) -> _Object:
    return {
        "version": root.version,
        "issued": str(root.issued),
        "expires": str(root.expires),
        "roles": [
            {
                "role": name.value,
                "threshold": role.threshold,
                "keys": [
                    {
                        "name": key.name,
                        "algorithm": str(key.public.algorithm),
                        "fingerprint": key.public.fingerprint,
                    }
                    for key in role.keys
                ],
            }
            for name, role in root.roles.items()
        ],
        "lane": _frame(root.lane.frame) if root.lane else None,
    }


def _frame(frame: Frame) -> _Object:
    return {
        "purposes": list(frame.purposes),
        "data_classes": list(frame.data_classes),
        "sources": list(frame.sources),
        "licences": list(frame.licences),
        "until": str(frame.until),
    }


def _revocation(path: Path, found: Revocations) -> _Object:
    return {
        "path": str(path),
        "version": found.version or None,
        "problem": _problem(found),
        "signers": list(found.signers),
        "revoked": [
            {"kind": one.kind.value, "value": one.value, "on": str(one.on), "reason": one.reason}
            for one in found.revoked
        ],
    }


def _problem(found: Trust | Revocations) -> _Object | None:
    if not found.problem:
        return None
    return {"summary": found.problem, "evidence": found.evidence, "remedy": found.remedy}


def _step(step: Step) -> _Object:
    return {
        "version": step.root.version if step.root else None,
        "expires": str(step.root.expires) if step.root else None,
        "fingerprint": fingerprint_root(step.signed.raw),
        "signers": list(dict.fromkeys((*step.old, *step.new))),
        "problem": _step_problem(step),
    }


def _step_problem(step: Step) -> _Object | None:
    return {"summary": step.problem, "evidence": step.evidence} if step.problem else None
