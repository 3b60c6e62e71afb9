"""Make what one person needs to be user and officer at once: label, key, root of trust, manifest.

For ``localai setup``, and for ``localai approve`` on first use. What is there already stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from localai.cli import console
from localai.cli.choosing import choose_passphrase
from localai.cli.setups.declaring import declare
from localai.cli.surroundings import Surroundings
from localai.errors import StateError
from localai.manifest.change import changing, read_signatures, write_signed
from localai.manifest.envelope import MANIFEST_TYPE
from localai.manifest.folders import check_count
from localai.manifest.keyfile import load_key, save_key
from localai.manifest.load import load_trust, pin_root
from localai.manifest.signature import PrivateKey, generate_key
from localai.manifest.signing import add_signature, begin_manifest, found_root
from localai.manifest.trust import RoleKey
from localai.manifest.write import write_manifest
from localai.places import Places, make_private
from localai.plan.gates.environment_label import judge_labels
from localai.smallfile import is_there
from localai.terminal import printable

OWN = "own"
"""Name of the key, and of the manifest, that one person makes alone."""


# approve asks these as well, and has no such options
_LABEL = (
    "the label to setup: localai setup --label LABEL, with --unencrypted-key where nobody can type "
    "a passphrase"
)
_UNPROTECTED = (
    "--unencrypted-key to setup, which leaves the key unprotected: localai setup --unencrypted-key"
)


class Wishes(NamedTuple):
    """What was said on the command line. ``label`` None: ask; ``unencrypted_key`` stores the
    private key so that whoever reads the file can sign."""

    label: str | None = None
    unencrypted_key: bool = False


def key_file(places: Places) -> Path:
    """Where the own private key lies."""
    return places.keys / f"{OWN}.pem"


def manifest_file(places: Places) -> Path:
    """Where the own manifest lies."""
    return places.manifests / f"{OWN}.yaml"


def set_up(around: Surroundings, wishes: Wishes) -> None:
    """Make whatever is missing, and say so on stderr.

    Raises UsageError where something must be asked and nobody can be, StateError where what is
    there stands in the way.
    """
    _label(around, wishes)
    if around.places.administered:
        console.say("manifests: the administrator's; ask them to approve models")
        return
    trust = load_trust(around.places, around.today)
    if trust.root is None and trust.fingerprint:
        raise StateError(f"{trust.problem}: {trust.evidence}", hint=trust.remedy)
    owns_key = is_there(key_file(around.places))
    if trust.root is not None and not owns_key:
        console.say("root of trust: there is one, and its keys are somebody else's")
        return
    if trust.root is not None and is_there(manifest_file(around.places)):
        return
    private = own_key(around.places) if owns_key else _make_key(around.places, wishes)
    with changing(make_private(around.places.manifests)):
        _found(around, private)


def is_set_up(around: Surroundings) -> bool:
    """True if nothing is missing to approve a model alone."""
    granted = not judge_labels(around.read_labels(), around.read_policy().policy.labels).refuses
    trust = load_trust(around.places, around.today)
    return granted and trust.root is not None


def own_key(places: Places) -> PrivateKey:
    """The own private key, its passphrase asked for if it has one. Raises KeyFileError."""
    path = key_file(places)
    return load_key(path, lambda: console.ask_passphrase(f"passphrase of {path}"))


def store_manifest(
    path: Path, raw: bytes, private: PrivateKey, previous: bytes | None = None
) -> None:
    """Sign a manifest's bytes alone, and write them in the place of ``previous``."""
    present = None if previous is None else read_signatures(path)
    signatures = add_signature(MANIFEST_TYPE, raw, private, present, [private.public], previous)
    make_private(path.parent)
    check_count(path)
    write_signed(path, raw, signatures)


def _found(around: Surroundings, private: PrivateKey) -> None:
    """Root of trust and manifest, unless another command made them while this one asked."""
    if load_trust(around.places, around.today).root is None:
        name = around.account_name()
        raw, signatures = found_root(private, [RoleKey(name, private.public)], 1, around.today)
        fingerprint = pin_root(around.places, raw, signatures)
        console.say(f"root of trust: your own, {fingerprint[:16]}…, pinned")
    if not is_there(manifest_file(around.places)):
        raw = write_manifest(begin_manifest(OWN, around.today))
        store_manifest(manifest_file(around.places), raw, private)
        path = printable(str(manifest_file(around.places)))
        console.say(f"manifest: {path}, empty, signed")


def _label(around: Surroundings, wishes: Wishes) -> None:
    rules = around.read_policy().policy.labels
    readings = around.read_labels()
    finding = judge_labels(readings, rules)
    if not finding.refuses and wishes.label is None:
        console.say(f"label: {finding.summary} ({finding.evidence})")
        return
    if finding.refuses and finding.summary != "no label" and wishes.label is None:
        raise StateError(
            f"label {finding.summary}: {finding.evidence}; {finding.why}", hint=finding.remedy
        )
    label = wishes.label
    if label is None:
        if any(reading.void for reading in readings):
            console.say(f"label: {printable(finding.evidence)}")
        console.say("What kind of host is this? Models run only where nothing is in production.")
        known = ", ".join(sorted(rules.classes))
        label = console.ask(f"label ({known})", "sandbox", option=_LABEL)
    console.say(f"label: {declare(around, label)}")


def _make_key(places: Places, wishes: Wishes) -> PrivateKey:
    """Make the own key, encrypted unless somebody asked otherwise in so many words."""
    passphrase = None
    if not wishes.unencrypted_key:
        console.say("A key of your own will sign what you approve. Its passphrase protects it.")
        passphrase = choose_passphrase("passphrase", _UNPROTECTED)
    private = generate_key()
    save_key(key_file(places), private, passphrase)
    console.say(f"key: {printable(str(key_file(places)))}")
    return private
