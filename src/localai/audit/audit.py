"""An audit: every model-like file below some folders, held against what is approved on this host.

Nothing is written, loaded or run, and no file is opened twice without being seen to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from localai.audit.cache import Key, Known
from localai.audit.files import AuditedFile, Ground, State, judge_file, mark_same
from localai.audit.measure import Task
from localai.audit.rules import Remark, Rules, Topic, judge_rules
from localai.audit.shelves import Shelves
from localai.audit.stores import Folder, name_stored, read_ollama_names
from localai.audit.survey import Survey
from localai.audit.walk import Unseen
from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.hashing import Digests


class Audit(NamedTuple):
    """Everything that was found. ``made`` is aware, in UTC; ``folders`` were looked through,
    ``hashed`` bytes were read for it: what an earlier audit had read was not."""

    made: datetime
    host: str
    folders: tuple[Path, ...]
    files: tuple[AuditedFile, ...]
    remarks: tuple[Remark, ...]
    rules: Rules
    hashed: int

    @property
    def clean(self) -> bool:
        """True if nothing refuses: every file approved, everything looked at and in force."""
        findings = [file.finding for file in self.files]
        findings += [remark.finding for remark in self.remarks]
        return not any(finding.refuses for finding in findings)

    def count(self, state: State) -> int:
        """How many files are so."""
        return sum(file.state is state for file in self.files)

    @property
    def duplicates(self) -> int:
        """How many files hold what another one holds."""
        return sum(file.same_as is not None for file in self.files)


class Occasion(NamedTuple):
    """When, where and over which folders; ``stores`` are those of other tools that were found."""

    made: datetime
    host: str
    folders: tuple[Path, ...]
    stores: tuple[Folder, ...]


def conclude(
    occasion: Occasion,
    found: Survey,
    measured: Mapping[Task, Digests | DocumentError],
    known: Mapping[Key, Known],
    rules: Rules,
) -> Audit:
    """The audit of what was found and measured."""
    digests = {task.key: answer for task, answer in measured.items()}
    blobs = {file.path.parent for file in found.candidates if file.path.parent.name == "blobs"}
    names = {folder: read_ollama_names(folder) for folder in blobs}
    ground = Ground(
        Shelves(rules.manifests),
        rules.revocations,
        occasion.made.date(),
        rules.policy.policy.self_approval,
    )
    files = [
        judge_file(
            file,
            digests.get(file.key) or _recall(known[file.key], file.key),
            name_stored(file.path, names.get(file.path.parent, {}), occasion.stores),
            ground,
        )
        for file in found.candidates
    ]
    inodes = {file.path: (file.key.device, file.key.inode) for file in found.candidates}
    remarks = (*(_tell(one) for one in found.unseen), *judge_rules(rules, occasion.made.date()))
    read = sum(task.key.size for task, answer in measured.items() if isinstance(answer, Digests))
    return Audit(
        occasion.made,
        occasion.host,
        occasion.folders,
        mark_same(files, inodes),
        remarks,
        rules,
        read,
    )


def to_keep(
    found: Survey,
    measured: Mapping[Task, Digests | DocumentError],
    known: Mapping[Key, Known],
) -> dict[Key, Known]:
    """What the next audit may rely on: what was found now, and what is known of other files. What a
    file was before it changed is forgotten."""
    answers = {task.key: answer for task, answer in measured.items()}
    kept = {}
    for file in found.candidates:
        answer = answers.get(file.key)
        if isinstance(answer, Digests) and answer.sha256:
            kept[file.key] = Known(file.kind, answer.sha256, answer.tree)
        elif answer is None:
            kept[file.key] = known[file.key]
    inodes = {(file.key.device, file.key.inode) for file in found.candidates}
    others = {key: one for key, one in known.items() if (key.device, key.inode) not in inodes}
    return others | kept


def _recall(known: Known, key: Key) -> Digests:
    return Digests(key.size, known.sha256, known.tree)


def _tell(one: Unseen) -> Remark:
    return Remark(
        str(one.path),
        Finding(
            Topic.PLACE,
            Verdict.NOT_CHECKED,
            "not looked into",
            one.why,
            "what nobody looked at is not known to be approved",
            one.remedy,
        ),
    )
