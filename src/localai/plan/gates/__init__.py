"""The gates, in the order in which they are asked. One gate a file, and this one list."""

from __future__ import annotations

from localai.plan.gates.account import account
from localai.plan.gates.approved_use import approved_use
from localai.plan.gates.artifact_approved import artifact_approved
from localai.plan.gates.artifact_format import artifact_format
from localai.plan.gates.chat_template import chat_template
from localai.plan.gates.companions import companions
from localai.plan.gates.each import Gate, of_each
from localai.plan.gates.environment_label import environment_label
from localai.plan.gates.host_egress import host_egress
from localai.plan.gates.licence import licence
from localai.plan.gates.manifest_freshness import manifest_freshness
from localai.plan.gates.manifest_signature import manifest_signature
from localai.plan.gates.policy_read import policy_read
from localai.plan.gates.resources import resources
from localai.plan.gates.restricted_technology import restricted_technology
from localai.plan.gates.review_date import review_date
from localai.plan.gates.sandbox_egress import sandbox_egress
from localai.plan.gates.sandbox_layers import sandbox_layers
from localai.plan.gates.self_test import self_test
from localai.plan.gates.telemetry_off import telemetry_off

GATES: tuple[Gate, ...] = (
    environment_label,
    policy_read,
    account,
    manifest_signature,
    manifest_freshness,
    of_each(artifact_approved),
    of_each(artifact_format),
    of_each(chat_template),
    companions,
    of_each(approved_use),
    of_each(review_date),
    of_each(licence),
    of_each(restricted_technology),
    telemetry_off,
    host_egress,
    sandbox_layers,
    sandbox_egress,
    self_test,
    resources,
)

# If one of these refuses, no probe is sent: nothing could start anyway.
PROBING_NEEDS: tuple[Gate, ...] = (
    environment_label,
    policy_read,
    manifest_signature,
    manifest_freshness,
)

# What can be asked of a host before anybody names a file (``localai doctor``).
GATES_WITHOUT_ARTIFACT: tuple[Gate, ...] = (
    *PROBING_NEEDS,
    host_egress,
    sandbox_layers,
    sandbox_egress,
    self_test,
)

# A self-test loads nothing, so it asks no manifest, but it looks like an attack: label and policy
# must allow it.
SELFTEST_NEEDS: tuple[Gate, ...] = (environment_label, policy_read)
PROOF_GATES: tuple[Gate, ...] = (sandbox_layers, sandbox_egress)
POSTURE_GATES: tuple[Gate, ...] = (host_egress,)
