"""Gate manifest-signature: did enough distinct keys sign the manifest that counts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localai.findings import Finding
from localai.plan.matching import judge_manifests

if TYPE_CHECKING:
    from localai.plan.facts import Facts
    from localai.policy import Policy

CHECK = "manifest-signature"


def manifest_signature(facts: Facts, policy: Policy) -> Finding:
    """The verification's own finding, for the manifest that holds the entry."""
    return judge_manifests(facts, CHECK)
