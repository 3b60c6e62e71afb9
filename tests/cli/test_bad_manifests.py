"""Manifests that must not count: ``run`` refuses, says why and what to do, and starts nothing.

Every one of them is spoiled in one way only: the same manifest without the flaw lets the model run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from home import TERMS, Home

from localai.manifest.envelope import MANIFEST_TYPE, Envelope, Signature, write_envelope
from localai.manifest.keyfile import load_key
from localai.manifest.signature import PrivateKey, generate_key, sign
from localai.manifest.signing import found_root
from localai.manifest.trust import RoleKey

pytestmark = pytest.mark.usefixtures("subreaper")

TODAY = date.today()
SIGN = "localai manifest sign FILE"
CORRECT = "correct it, raise its version and sign it again"


class Case(NamedTuple):
    """A home whose manifest is to be spoiled, and the key that it trusts."""

    home: Home
    key: PrivateKey

    @property
    def manifest(self) -> Path:
        return self.home.directory / "config/manifests/own.yaml"

    @property
    def envelope(self) -> Path:
        return self.manifest.with_name("own.dsse.json")

    def write(self, text: str | bytes, *keys: PrivateKey, kind: str = MANIFEST_TYPE) -> None:
        """Put ``text`` in the manifest's place, signed by ``keys``, or by the trusted one."""
        raw = text.encode() if isinstance(text, str) else text
        self.manifest.write_bytes(raw)
        self.sign([sign(kind, raw, key) for key in keys or (self.key,)], kind)

    def sign(self, signatures: Sequence[Signature], kind: str = MANIFEST_TYPE) -> None:
        self.envelope.write_bytes(write_envelope(Envelope(kind, tuple(signatures))))

    def set(self, **values: object) -> str:
        """The manifest's text with some of its first lines changed."""
        lines = self.manifest.read_text().splitlines(keepends=True)
        for key, value in values.items():
            lines = [f"{key}: {value}\n" if one.startswith(f"{key}: ") else one for one in lines]
        return "".join(lines)


def no_passphrase() -> str:
    raise AssertionError("the key is not encrypted")


@pytest.fixture
def case(home: Home, tmp_path: Path) -> Case:
    moved = home.copy(tmp_path)
    return Case(moved, load_key(moved.directory / "config/keys/own.pem", no_passphrase))


def refuse(case: Case, problem: str, remedy: str) -> None:
    case.home.refuses(
        "run", str(case.home.model), "hi", code=3, problem=problem, remedy=remedy
    )  # fmt: skip


def test_signed_again_as_it_is_it_counts(case: Case) -> None:
    """The control of all that follows."""
    case.write(case.set(version=9))
    assert case.home.run("hi", "-n", "1").returncode == 0


def changed_later(case: Case) -> None:
    case.manifest.write_bytes(case.manifest.read_bytes() + b"# harmless\n")


def as_our_key(case: Case) -> None:
    """A stranger's signature that claims to be ours."""
    raw = case.manifest.read_bytes()
    *_, ours = json.loads(case.envelope.read_text())["signatures"]
    case.sign([Signature(ours["keyid"], sign(MANIFEST_TYPE, raw, generate_key()).value)])


def rolled_back(case: Case) -> None:
    older, signed = case.manifest.read_bytes(), case.envelope.read_bytes()
    case.write(case.set(version=9))
    assert case.home.run("hi", "-n", "1").returncode == 0
    case.manifest.write_bytes(older)
    case.envelope.write_bytes(signed)


def two_contents(case: Case) -> None:
    assert case.home.run("hi", "-n", "1").returncode == 0
    case.write(case.manifest.read_text() + "# another approval, say\n")


def own_root(case: Case) -> None:
    """A stranger's root of trust, sound in itself, and a manifest that it trusts."""
    stranger = generate_key()
    raw, signed = found_root(stranger, [RoleKey("own", stranger.public)], 1, TODAY)
    (case.home.directory / "config/root.json").write_bytes(raw)
    (case.home.directory / "config/root.dsse.json").write_bytes(signed)
    case.write(case.manifest.read_text(), stranger)


def past(case: Case) -> None:
    last_year = TODAY - timedelta(days=365)
    case.write(case.set(issued=last_year, expires=TODAY - timedelta(days=1)))


def future(case: Case) -> None:
    case.write(case.set(issued=TODAY + timedelta(days=3), expires=TODAY + timedelta(days=9)))


def linked(case: Case) -> None:
    case.manifest.rename(case.manifest.with_suffix(".txt"))
    case.manifest.symlink_to("own.txt")


def twice(case: Case) -> None:
    beside = case.manifest.with_name("zwei.yaml")
    beside.write_bytes(case.manifest.read_bytes())
    beside.with_name("zwei.dsse.json").write_bytes(case.envelope.read_bytes())


MANIFESTS: dict[str, tuple[Callable[[Case], object], str, str]] = {
    "unsigned": (lambda case: case.envelope.unlink(), "there is no .dsse.json beside it", SIGN),
    "no signature": (lambda case: case.sign([]), "0 of 1 signatures", SIGN),
    "stranger": (lambda case: case.write(case.set(), generate_key()), "0 of 1 signatures", SIGN),
    "stranger under our key id": (as_our_key, "0 of 1 signatures", SIGN),
    "changed after signing": (changed_later, "0 of 1 signatures", SIGN),
    "signed as a root": (lambda case: case.write(case.set(), kind="application/x-root"),
                         "payload type application/x-root", SIGN),
    "envelope cut": (lambda case: case.envelope.write_bytes(case.envelope.read_bytes()[:99]),
                     "signatures malformed", SIGN),
    "expired": (past, "expired", "localai manifest sign"),
    "not yet issued": (future, "not yet issued", "set the clock of this host"),
    "rolled back": (rolled_back, "version 2, but version 9 was seen", "get version 9 or a newer"),
    "two contents": (two_contents, "two contents, one version", "ask its signers which is right"),
    "another root": (own_root, "root is not the pinned one", "localai trust init FILE"),
    "a link": (linked, "own.yaml is a link, and none is followed", "put the file itself"),
    "one name twice": (twice, "two files hold a manifest named own", "keep the newer one"),
    "missing": (lambda case: case.manifest.unlink(), "nothing is approved here", "localai approve"),
}  # fmt: skip


@pytest.mark.parametrize("flaw", MANIFESTS)
def test_a_manifest_that_does_not_count(case: Case, flaw: str) -> None:
    spoil, problem, remedy = MANIFESTS[flaw]
    spoil(case)
    refuse(case, problem, remedy)


BOMB = "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9) if number else 'x'}]\n"
    for number in range(9)
)

# What is added to a whole, signed manifest, or what takes a line's place in it; and the refusal.
ATTACKS: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "duplicate key": (lambda text: f"{text}version: 99\n", "twice"),
    "duplicate key by escape": (lambda text: f'{text}"vers\\x69on": 99\n', "twice"),
    "anchor": (lambda text: text.replace("name: own", "name: &n own"), "anchors (&)"),
    "alias": (lambda text: text.replace("kind: model", "kind: *n"), "aliases (*)"),
    "alias bomb": (lambda text: BOMB + text, "anchors (&)"),
    "merge key": (lambda text: f"{text}<<: {{version: 99}}\n", "merge"),
    "tag": (lambda text: text.replace("name: own", "name: !!python/name:os.system own"), "tag"),
    "plain tag": (lambda text: text.replace("version: 2", "version: !!int 2"), "tag"),
    "second document": (lambda text: f"{text}---\nversion: 99\n", "document"),
    "directive": (lambda text: f"%YAML 1.1\n---\n{text}", "directive"),
    "deep nesting": (lambda text: f"{text}note: {'[' * 2000}{']' * 2000}\n", "nested"),
    "line separator": (lambda text: f"{text}# end\u2028version: 99\n", "U+2028"),
    "next line": (lambda text: f"{text}# end\u0085version: 99\n", "U+0085"),
    "carriage return": (lambda text: f"{text}# end\rversion: 99\n", "U+000D"),
    "byte order mark": (lambda text: f"\ufeff{text}", "U+FEFF"),
    "bidi override": (lambda text: f"{text}# \u202eevil\n", "U+202E"),
    "NUL": (lambda text: f"{text}# \0\n", "U+0000"),
    "not UTF-8": (lambda text: text.encode() + b"# caf\xe9\n", "not UTF-8"),
    "UTF-16": (lambda text: text.encode("utf-16"), "not UTF-8"),
    "unknown key": (lambda text: f"{text}sandbox: off\n", "sandbox"),
    "a yes for true": (lambda text: text.replace("self-approved: true", "self-approved: yes"),
                       "self-approved"),
    "an exponent": (lambda text: text.replace("version: 2", "version: 2e3"), "version"),
    "too large": (lambda text: text + "# x\n" * (1 << 22), "larger than the 16777216 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_yaml_that_says_two_things(case: Case, attack: str) -> None:
    """All of it is signed by the key that counts: only the strict reader stands in the way."""
    change, problem = ATTACKS[attack]
    changed = change(case.manifest.read_text())
    assert changed != case.manifest.read_text()
    case.write(changed)
    refuse(case, problem, "replace it by a file" if attack == "too large" else CORRECT)


@pytest.fixture(scope="module")
def office(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which two of two keys must sign, and both did."""
    place = tmp_path_factory.mktemp("office")
    office = home.copy(place)
    for name in ("root.json", "root.dsse.json", "root.pin"):
        (office.directory / "config" / name).unlink()
    office.call("keys", "generate", "two", "--unencrypted-key", check=True)
    second = str(office.directory / "config/keys/two.pub.pem")
    asked = ("--key", "own", "--signer", second, "--threshold", "2")
    office.call("trust", "init", *asked, check=True)
    for key in ("own", "two"):
        office.call("manifest", "sign", "--key", key, check=True)
    return office


def test_two_signatures_are_enough(office: Home, tmp_path: Path) -> None:
    assert office.copy(tmp_path).run("hi", "-n", "1").returncode == 0


@pytest.mark.parametrize("signers", [("own",), ("two",), ("own", "own"), ("two", "two", "two")])
def test_fewer_keys_than_the_threshold(
    office: Home, tmp_path: Path, signers: tuple[str, ...]
) -> None:
    """One key counts once: ECDSA gives another signature each time, and other ids are claimed."""
    moved = office.copy(tmp_path)
    keys = moved.directory / "config/keys"
    case = Case(moved, load_key(keys / "own.pem", no_passphrase))
    raw = case.manifest.read_bytes()
    made = [sign(MANIFEST_TYPE, raw, load_key(keys / f"{n}.pem", no_passphrase)) for n in signers]
    case.sign([Signature(f"{number:064x}", one.value) for number, one in enumerate(made)])
    refuse(case, f"1 of 2 signatures: {signers[0]}", SIGN)


def test_one_signer_of_two_cannot_approve_alone(office: Home, tmp_path: Path) -> None:
    """``approve`` then writes a proposal for the officer, and touches no manifest."""
    moved = office.copy(tmp_path)
    before = moved.files()
    ran = moved.call("approve", str(moved.model), *TERMS)
    assert ran.returncode == 0, ran.stderr.decode()
    assert b"proposal written: " in ran.stdout
    assert moved.files() == before


def revoke(case: Case) -> None:
    digest = sha256(case.home.model.read_bytes()).hexdigest()
    said = ("trust", "revoke", "--sha256", digest, "--reason", "it leaks")
    case.home.call(*said, check=True)


def test_revoked(case: Case) -> None:
    revoke(case)
    refuse(case, "it leaks", "ask your security officer")


def test_the_list_of_what_is_revoked_is_gone(case: Case) -> None:
    revoke(case)
    case.home.call("check", str(case.home.model))
    for kind in ("yaml", "dsse.json"):
        (case.home.directory / f"config/revocation.{kind}").unlink()
    refuse(case, "revocation list missing", "get revocation.yaml")


def test_its_signer_was_replaced(case: Case) -> None:
    """Under the next root the manifest counts once the key that took the place signed it."""
    home = case.home
    home.call("keys", "generate", "next", "--unencrypted-key", check=True)
    public = home.directory / "config/keys/next.pub.pem"
    old = case.key.public.fingerprint
    home.call("trust", "rotate", "--role", "manifest", old, str(public), check=True)
    home.call("trust", "sign", "--key", "own", check=True)
    refuse(case, "not signed by a trusted key", SIGN)
    home.call("manifest", "sign", "--key", "next", check=True)
    assert home.run("hi", "-n", "1").returncode == 0
