"""The posture of the host under a policy: what was seen, what was tried, and what must pass.

Only the self-test and ``doctor`` ask. Packets go to the policy's targets and to nobody else; where
it names none, none is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localai.findings import Finding, Verdict
from localai.host.checks import HIDDEN
from localai.host.posture import Look, look_at_posture
from localai.host.targets import Reached, reach
from localai.records.log import read_lines

if TYPE_CHECKING:
    from localai.places import Places
    from localai.plan.facts import Facts

TARGETS = "host-targets"

# Where the tools of huggingface_hub, Ollama, LM Studio, GPT4All and Jan keep models, with the
# variable that moves them where they have one
_STORES = (
    ("HF_HOME", ".cache/huggingface"),
    ("OLLAMA_MODELS", ".ollama/models"),
    ("", ".lmstudio/models"),
    ("", ".local/share/nomic.ai/GPT4All"),
    ("", ".local/share/Jan"),
)


def find_posture(
    facts: Facts, places: Places, environ: Mapping[str, str], home: Path, directory: Path | None
) -> tuple[Finding, ...]:
    """A finding for each question. ``directory`` is where this person works, None if it is gone.

    Raises StateError if the records, which say where models lay, cannot be read.
    """
    look = Look(environ, facts.account.uid, home, _folders(places, environ, home, directory))
    policy = facts.policy.policy
    reached = facts.host.reached if facts.host else ()
    findings = (*look_at_posture(look), _tried(reached or reach(policy.targets)))
    return tuple(_require(finding, policy.host_must_pass) for finding in findings)


def _folders(
    places: Places, environ: Mapping[str, str], home: Path, directory: Path | None
) -> dict[str, Path]:
    folders = {"working directory": directory} if directory else {}
    folders |= {"records": places.state, "settings": places.config}
    stores = [Path(environ.get(variable) or home / usual) for variable, usual in _STORES]
    known = dict.fromkeys((*_models_on_record(places.records), *filter(_is_folder, stores)))
    return folders | {f"models {number}": path for number, path in enumerate(known, 1)}


def _models_on_record(records: Path) -> Iterable[Path]:
    """Folders of the models that were asked for by their full path, those that are still there."""
    for line in read_lines(records):
        artifact = line.get("artifact")
        path = str(artifact.get("path")) if isinstance(artifact, dict) else ""
        if path.startswith("/") and _is_folder(folder := Path(path).parent):
            yield folder


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # not this account's to see
        return False


def _tried(reached: tuple[Reached, ...]) -> Finding:
    """What became of the policy's targets."""
    if not reached:
        evidence = "the policy names none (host-canaries, host-controls), so none was tried"
        return Finding(TARGETS, Verdict.NOTE, "none", evidence)
    said = "; ".join(map(str, reached))
    if any(one.is_canary and one.got_through for one in reached):
        verdict, summary = Verdict.FAIL, "a canary answered"
    elif all(one.as_expected for one in reached):
        verdict, summary = Verdict.PASS, "as expected"
    else:
        verdict, summary = Verdict.NOT_CHECKED, "not as expected"
    return Finding(TARGETS, verdict, summary, said, why="the policy says what this host may reach")


def _require(finding: Finding, required: tuple[str, ...]) -> Finding:
    """What the policy requires fails where it would be noted; what it does not require, and what
    an ordinary account often cannot see, is noted where it could not be told."""
    if finding.check in required and finding.verdict is Verdict.NOTE:
        why = ". ".join(filter(None, (finding.why, "the policy requires this (host-must-pass)")))
        return finding._replace(verdict=Verdict.FAIL, why=why)
    hidden = finding.check in HIDDEN and finding.check not in required
    if hidden and finding.verdict is Verdict.NOT_CHECKED:
        return finding._replace(verdict=Verdict.NOTE)
    return finding
