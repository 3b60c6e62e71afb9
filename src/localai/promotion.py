"""May an artifact in the store take its next step? Measured anew: its origin is nobody's word.

To ``approved`` it goes only against a signed entry of a manifest in force whose files are exactly
these. What no manifest lists yet goes from quarantine to ``proposed``, where it waits for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from localai.findings import Finding, Verdict
from localai.hashing import Digests, Progress, report_nothing
from localai.intact import CHECK, judge_digests, judge_match
from localai.manifest.schema import Kind
from localai.manifest.verify import LoadedManifest
from localai.plan.matching import agree, candidates, find_matches, find_outside
from localai.store.check import measure, name_removal
from localai.store.held import Held
from localai.store.state import State

_WHY = "a step is taken by what arrived, whole and unchanged"


class Promotion(NamedTuple):
    """The state that it may go to, None if it stays, and why; what it is approved as, if it is."""

    state: State | None
    finding: Finding
    kind: Kind | None = None


def judge_promotion(
    held: Held,
    manifests: Sequence[LoadedManifest],
    today: date,
    *,
    self_approval: bool,
    progress: Progress = report_nothing,
) -> Promotion:
    """Measure an artifact and say which step it may take. ``progress`` as in
    :func:`localai.store.check.measure`."""
    measured = measure(held, progress)
    digests = [found for found in measured.digests if found]
    if measured.problems or not digests:
        evidence, remedy = "; ".join(measured.problems), name_removal(held)
        return Promotion(
            None, Finding(CHECK, Verdict.FAIL, "not as it arrived", evidence, _WHY, remedy)
        )
    listed = [
        find_matches(candidates(manifests, found.size), sha256=found.sha256, tree=found.tree)
        for found in digests
    ]
    if match := agree(listed):
        finding = judge_match(match, today, self_approval)
        return Promotion(None if finding.refuses else State.APPROVED, finding, match.entry.kind)
    known = [digest for found in digests for digest in (found.sha256, found.tree) if digest]
    unlisted = not any(listed) and find_outside(manifests, known) is None
    next_state = State.PROPOSED if unlisted and held.state is State.QUARANTINE else None
    finding = judge_apart(held.paths, digests, manifests, today, self_approval=self_approval)
    return Promotion(next_state, finding)


def judge_apart(
    paths: Sequence[Path],
    digests: Sequence[Digests],
    manifests: Sequence[LoadedManifest],
    today: date,
    *,
    self_approval: bool,
) -> Finding:
    """Why no entry is exactly these files: the first of them that refuses says so."""
    findings = [
        judge_digests(path, found, manifests, today, self_approval=self_approval).finding
        for path, found in zip(paths, digests, strict=True)
    ]
    evidence = "each file is approved, but not as one artifact of exactly these"
    together = Finding(CHECK, Verdict.FAIL, "not an entry's files", evidence)
    return next((one for one in findings if one.refuses), together)
