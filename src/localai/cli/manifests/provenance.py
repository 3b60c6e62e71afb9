"""What somebody signed before it came here: checked for ``localai verify``, and kept in entries."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from localai.cli import console
from localai.cli.choosing import choose_manifest
from localai.cli.surroundings import Surroundings
from localai.errors import DocumentError, Exit, UsageError
from localai.findings import Finding, Verdict
from localai.intact import Checked
from localai.manifest import oms, omsbundle
from localai.manifest.filename import name_of
from localai.manifest.keyfile import load_public
from localai.manifest.load import read_manifest
from localai.manifest.provenance import Form, Provenance, add_provenance, tie_to
from localai.manifest.schema import Entry, Manifest
from localai.manifest.signature import PublicKey
from localai.manifest.write import replace_entries
from localai.smallfile import read_small


class Bundle(NamedTuple):
    """A bundle of OpenSSF Model Signing, the key it was held against, and what came of it."""

    path: Path
    sha256: str
    key: PublicKey
    said: oms.Signed | Finding

    def judge(self, checked: Checked) -> Finding:
        """What it says of a file."""
        if isinstance(self.said, Finding):
            return self.said
        if checked.digests is None or checked.digests.sha256 is None:
            return Finding(oms.CHECK, Verdict.NOT_CHECKED, "not checked", "the file was not read")
        return oms.judge_file(self.said, name_of(checked.path), checked.digests.sha256)


def read_bundle(path: Path, key: Path) -> Bundle:
    """Read a bundle and hold it against the public key in the file ``key``.

    Raises DocumentError or StateError for a file that cannot be read or is no key; what is wrong
    with the bundle itself is a finding.
    """
    public = load_public(key)
    raw = read_small(path, limit=omsbundle.LIMIT)
    if raw is None:
        raise DocumentError(f"there is no bundle {path}", hint="check the name")
    return Bundle(path, sha256(raw).hexdigest(), public, oms.judge_bundle(raw, public))


def keep(around: Surroundings, given: str | None, found: Bundle, checked: Sequence[Checked]) -> int:
    """Write what came of a bundle into the entry of the files, as provenance, and show the next
    version of the manifest. All files of the entry must have been signed.

    Raises UsageError if no entry lists the files.
    """
    from localai.cli.manifests.revising import write_next

    if isinstance(found.said, Finding) or any(found.judge(one).refuses for one in checked):
        console.say("not kept, nothing was written")
        return Exit.REFUSED
    digests = {one.digests.sha256 for one in checked if one.digests and one.digests.sha256}
    entry = _find_entry(read_manifest(choose_manifest(around.places, given))[1], digests)
    for file in entry.files:
        if (finding := oms.judge_file(found.said, file.name, file.sha256)).refuses:
            console.say(f"{entry.id}: {file.name}: {finding.summary}: {finding.evidence}")
            console.say("not kept, nothing was written")
            return Exit.REFUSED
    new = Provenance(
        Form.OMS,
        found.said.name,
        found.key.fingerprint,
        found.sha256,
        tie_to(file.sha256 for file in entry.files),
        around.today,
    )
    known = {(one.key, one.bundle): one.checked for one in entry.provenance}
    if day := known.get((new.key, new.bundle)):
        console.say(f"kept already, on {day}")
        return Exit.DONE

    def put(raw: bytes, manifest: Manifest) -> bytes:
        listed = _find_entry(manifest, digests)  # with other files it would not read back
        return replace_entries(
            raw, [listed._replace(provenance=add_provenance(listed.provenance, new))]
        )

    return write_next(around, given, put)


def _find_entry(manifest: Manifest, digests: set[str]) -> Entry:
    for entry in manifest.entries:
        if digests <= {file.sha256 for file in entry.files}:
            return entry
    raise UsageError(
        f"no entry of {manifest.name} lists all of these files",
        hint=f"localai manifest show {manifest.name}, localai manifest add FILE",
    )
