"""Gate manifest-freshness: is the manifest in date, and no older than one seen before?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding
from localai.plan.matching import judge_manifests

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "manifest-freshness"


def manifest_freshness(facts: Facts, policy: Policy) -> Finding:
    """The verification's own finding, for the manifest that holds the entry."""
    return judge_manifests(facts, CHECK)
