"""Which manifest and which key a command means, and what shall protect a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from localai.cli import console
from localai.errors import UsageError
from localai.manifest.folders import find_manifests, manifest_directories, manifest_directory
from localai.manifest.keyfile import SHORTEST_PASSPHRASE, load_key
from localai.manifest.signature import PrivateKey
from localai.places import Places
from localai.smallfile import is_there, list_files

_TRIES = 3
_BEGIN, _WHICH = "localai manifest init NAME", "name the one that you mean"


def choose_manifest(places: Places, given: str | None) -> Path:
    """A path or a bare name; without either the only manifest of this host.

    Raises UsageError if it is not clear which one is meant.
    """
    if given is None:
        return _only(all_manifests(places), "manifest", _BEGIN, _WHICH)
    if "/" in given or given.endswith(".yaml"):
        return Path(given)
    named = [directory / f"{given}.yaml" for directory in manifest_directories(places)]
    return next((path for path in named if is_there(path)), named[0])


def list_manifests(places: Places, given: Sequence[str]) -> list[Path]:
    """The manifests that are named, or all of this host."""
    if given:
        return [choose_manifest(places, one) for one in given]
    found = all_manifests(places)
    if not found:
        raise UsageError(f"there is no manifest in {manifest_directory(places)}", hint=_BEGIN)
    return found


def all_manifests(places: Places) -> list[Path]:
    """Every manifest that lies where manifests count. Raises StateError if one could be missed."""
    return [
        path for directory in manifest_directories(places) for path in find_manifests(directory)
    ]


def choose_key(places: Places, given: str | None) -> PrivateKey:
    """The private key in a file or of a name; without either the only one of this account. Its
    passphrase is asked for if it has one. Raises UsageError or KeyFileError."""
    path = choose_key_file(places, given)
    return load_key(path, lambda: console.ask_passphrase(f"passphrase of {path}"))


def choose_passphrase(question: str, option: str) -> str:
    """Have a passphrase for a new key typed twice, and again where that went wrong. ``option`` is
    the way out where nobody can be asked. Raises UsageError, also after the third time."""
    wrong = ""
    for _ in range(_TRIES):
        if wrong:
            console.say(wrong)
        first = console.ask_passphrase(question, option=option)
        if len(first) < SHORTEST_PASSPHRASE:
            wrong = f"{len(first)} characters; expected {SHORTEST_PASSPHRASE} or more"
        elif console.ask_passphrase("again", option=option) != first:
            wrong = "the two passphrases differ"
        else:
            return first
    raise UsageError(wrong, hint="run the command again")


def choose_key_file(places: Places, given: str | None) -> Path:
    """Where that key lies."""
    if given is not None:
        named = places.keys / f"{given}.pem"
        return Path(given) if "/" in given or given.endswith(".pem") else named
    return _only(private_keys(places), "key", "localai keys generate", "--key NAME")


def private_keys(places: Places) -> list[Path]:
    """The private key files of this account. Raises StateError if they cannot be listed."""
    return [path for path in list_files(places.keys, ".pem") if ".pub" not in path.suffixes]


def _only(found: Sequence[Path], what: str, make: str, which: str) -> Path:
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no {what} yet", hint=make)
    listed = ", ".join(path.stem for path in found)
    raise UsageError(f"there are several {what}s: {listed}", hint=which)
