"""Signers whose keys lie elsewhere: what the page tells them to type is typed here, with openssl
and with a module that plays the card; what came of it is checked by tools that are not ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest

from localai.reports.request import COMMANDS

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
MODULE = next((path for path in MODULES if Path(path).exists()), "")
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
needs_module = pytest.mark.skipif(
    not (MODULE and shutil.which("softhsm2-util") and shutil.which("pkcs11-tool")),
    reason="NO CARD IS PLAYED: softhsm2 and opensc are not installed",
)
pytestmark = needs_openssl

KINDS = {
    "p256": ("EC", "ec_paramgen_curve:P-256", "P-256 or RSA"),
    "p384": ("EC", "ec_paramgen_curve:P-384", "P-384"),
    "rsa": ("RSA", "rsa_keygen_bits:2048", "P-256 or RSA"),
    "ed25519": ("ED25519", "", "Ed25519"),
}


class Desk:
    """A directory in which somebody types; ``localai`` and others' programs are called by name."""

    def __init__(self, place: Path, environ: Mapping[str, str]) -> None:
        self.place, self.environ = place, dict(environ)
        place.mkdir()

    def try_to(self, command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=self.place, env=self.environ, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def type(self, command: str) -> str:
        done = self.try_to(command)
        assert done.returncode == 0, f"{command}: {done.stdout!r} {done.stderr!r}"
        return done.stdout.decode()

    def make_key(self, kind: str) -> None:
        """``KIND.pem``, and ``KIND.pub`` to hand on, by openssl."""
        algorithm, option, _ = KINDS[kind]
        more = f"-pkeyopt {option}" if option else ""
        self.type(f"openssl genpkey -algorithm {algorithm} {more} -out {kind}.pem")
        self.type(f"openssl pkey -in {kind}.pem -pubout -out {kind}.pub")

    def found(self, signers: list[str], threshold: int) -> None:
        """A root of trust of a key of localai's own and of ``signers``, and a manifest to sign."""
        listed = " ".join(f"--signer {signer}" for signer in signers)
        self.type("localai keys generate own --unencrypted-key")
        self.type(f"localai trust init {listed} --threshold {threshold}")
        self.type("localai manifest init agency")

    def request(self) -> Path:
        self.type("localai manifest request-signature --folder asked")
        return self.place / "asked"


def commands_for(kind: str) -> str:
    """What the page tells a signer with that kind of key to type."""
    groups = dict(part.split("\n", 1) for part in COMMANDS.removeprefix("# ").split("\n# "))
    return groups[kind]


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    return Desk(tmp_path / "desk", environ)


@pytest.fixture
def signed(desk: Desk) -> Desk:
    """A manifest with a signature by every kind of key, made as the page says."""
    for kind in KINDS:
        desk.make_key(kind)
    desk.found([f"{kind}.pub" for kind in KINDS], 4)
    asked = desk.request()
    for kind, (_, _, group) in KINDS.items():
        shutil.copy(desk.place / f"{kind}.pem", asked / "key.pem")
        desk.type(f"cd asked; {commands_for(f'a key in a file, {group}')}")
        said = desk.type("localai manifest attach-signature --signature asked/signature.bin")
    assert "4 of 4 signatures" in said
    assert f"signed by  {', '.join(KINDS)}" in said
    return desk


def test_every_kind_of_key_signs_as_the_page_says(signed: Desk) -> None:
    signed.type("localai manifest verify")


def test_the_printed_payload_is_the_one_that_is_asked_for(desk: Desk) -> None:
    desk.found([], 1)
    asked = desk.request()
    desk.type("localai manifest sign --print-payload > payload")
    printed = (desk.place / "payload").read_bytes()
    assert printed == (asked / "payload.bin").read_bytes()
    assert not list((desk.place.parent / "home").rglob("*.dsse.json"))[1:]  # the root's alone
    odd = desk.try_to("LC_ALL=C PYTHONIOENCODING=utf-16 localai manifest sign --print-payload")
    assert odd.stdout == printed


def test_what_verify_prints_is_a_check_by_hand(signed: Desk) -> None:
    """The commands are run where there is no localai. Then each thing that they rest on is spoilt
    in turn, and they say so."""
    signed.type("localai manifest verify --by-hand > check.sh 2> seen")
    script = (signed.place / "check.sh").read_text()
    assert "localai " not in script.replace("vnd.localai", "")
    signed.environ["PATH"] = "/usr/bin:/bin"
    said = signed.type("bash -e check.sh")
    assert said.count("OK") + said.count("Verified Successfully") == 4
    for kind in KINDS:
        command = f"openssl pkey -pubin -in {kind}.pub -outform DER | openssl dgst -sha256 -r"
        assert signed.type(command).split()[0] in said

    (manifest,) = (signed.place.parent / "home").rglob("agency.yaml")
    raw = manifest.read_bytes()
    manifest.write_bytes(raw + b"#")
    assert signed.try_to("bash -e check.sh").returncode != 0
    manifest.write_bytes(raw)
    for line in [line for line in script.splitlines() if ".sig" in line and "echo" in line]:
        value = b64decode(line.split()[1])
        spoilt = b64encode(value[:-1] + bytes([value[-1] ^ 1])).decode()
        (signed.place / "spoilt.sh").write_text(script.replace(line.split()[1], spoilt))
        assert signed.try_to("bash -e spoilt.sh").returncode != 0
    assert signed.try_to("bash -e check.sh").returncode == 0


def test_a_name_cannot_add_a_command(desk: Desk) -> None:
    """Whoever names a file or a key must not type into the shell of whoever checks it."""
    desk.make_key("p256")
    odd = "x $(touch pwned) `touch pwned`; touch pwned"
    (desk.place / "p256.pub").rename(desk.place / f"{odd}.pub")
    desk.found([f"'{odd}.pub'"], 2)
    desk.type("localai manifest sign --print-payload > payload")
    desk.type(commands_for("a key in a file, P-256 or RSA").replace("payload.bin", "payload")
              .replace("key.pem", "p256.pem"))  # fmt: skip
    desk.type("localai manifest attach-signature --signature signature.bin; localai manifest sign")
    (manifest,) = (desk.place.parent / "home").rglob("agency.yaml")
    for path in (manifest, manifest.with_name("agency.dsse.json")):
        name = path.name.replace("agency", f"{odd}'; touch pwned #")
        shutil.copy(path, desk.place / name)
    (desk.place / "own.sh").write_text('localai manifest verify --by-hand "$1" > check.sh')
    copied = next(desk.place.glob("*.yaml")).name
    assert "touch pwned" in copied
    subprocess.run(
        ["bash", "own.sh", f"./{copied}"], cwd=desk.place, env=desk.environ, check=True,
        capture_output=True,
    )  # fmt: skip
    assert desk.type("bash -e check.sh").count("OK") == 2
    assert not (desk.place / "pwned").exists()


def test_a_certificate_stands_for_its_key(desk: Desk) -> None:
    """In DER, as Windows writes it. That its dates are not looked at has a test of its own."""
    desk.make_key("rsa")
    desk.type(
        "openssl req -x509 -key rsa.pem -subj /CN=officer -days 1 -outform DER -out officer.cer"
    )
    desk.found(["officer.cer"], 2)
    asked = desk.request()
    shutil.copy(desk.place / "rsa.pem", asked / "key.pem")
    desk.type(f"cd asked; {commands_for('a key in a file, P-256 or RSA')}")
    desk.type("localai manifest sign")
    command = "localai manifest attach-signature --signature asked/signature.bin --key officer.cer"
    assert "signed by  own, officer" in desk.type(command)


def test_an_exported_envelope_is_checked_by_somebody_elses_verifier(signed: Desk) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    signed.type("localai manifest export --dsse agency.json")
    document = json.loads((signed.place / "agency.json").read_bytes())
    (manifest,) = (signed.place.parent / "home").rglob("agency.yaml")
    assert b64decode(document["payload"]) == manifest.read_bytes()

    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    keys = []
    for kind in KINDS:
        pem = (signed.place / f"{kind}.pub").read_bytes()
        der = ["openssl", "pkey", "-pubin", "-in", f"{kind}.pub", "-outform", "DER"]
        spki = subprocess.run(der, cwd=signed.place, capture_output=True, check=True).stdout
        fingerprint = subprocess.run(
            ["sha256sum"], input=spki, capture_output=True, check=True
        ).stdout.split()[0].decode()  # fmt: skip
        scheme = "rsa-pkcs1v15-sha256" if kind == "rsa" else None
        public = load_pem_public_key(pem)
        keys.append(SSlibKey.from_crypto(public, keyid=fingerprint, scheme=scheme))  # type: ignore[arg-type]

    def verify(changed: dict[str, object], threshold: int = 4) -> None:
        copy = json.loads(json.dumps(document | changed))
        assert len(Envelope.from_dict(copy).verify(keys, threshold)) == threshold

    verify({})
    for changed in (
        {"payload": b64encode(manifest.read_bytes() + b"#").decode()},
        {"payloadType": "application/vnd.localai.root.v1+json"},
        {"signatures": document["signatures"][1:]},
    ):
        with pytest.raises(VerificationError):
            verify(changed)


def test_nothing_is_exported_that_does_not_hold(signed: Desk) -> None:
    (manifest,) = (signed.place.parent / "home").rglob("agency.yaml")
    manifest.write_bytes(manifest.read_bytes() + b"#")
    done = signed.try_to("localai manifest export --dsse agency.json")
    assert done.returncode == 3
    assert not (signed.place / "agency.json").exists()


@pytest.fixture
def card(desk: Desk) -> Desk:
    """A desk at which ``pkcs11-tool`` finds a card with one key of each kind that cards hold."""
    tokens = desk.place / "tokens"
    tokens.mkdir()
    configuration = desk.place / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    desk.environ["SOFTHSM2_CONF"] = str(configuration)
    desk.type("softhsm2-util --init-token --free --label card --so-pin 87654321 --pin 123456")
    tool = desk.place.parent / "bin" / "pkcs11-tool"
    tool.write_text(
        f'#!/bin/sh\nexec {shutil.which("pkcs11-tool")} --module {MODULE} --pin 123456 --id "$ID" '
        '"$@"\n'
    )
    tool.chmod(0o755)
    for number, kind in ((1, "EC:prime256v1"), (3, "rsa:2048")):
        desk.type(f"ID=0{number} pkcs11-tool --login --keypairgen --key-type {kind}")
        desk.type(f"ID=0{number} pkcs11-tool --read-object --type pubkey -o card-{number}.der")
    # pkcs11-tool 0.23 cannot read a P-384 key out again: this one is made outside and put in.
    desk.make_key("p384")
    desk.type("softhsm2-util --import p384.pem --token card --label p384 --id 02 --pin 123456")
    shutil.copy(desk.place / "p384.pub", desk.place / "card-2.der")
    return desk


@needs_module
def test_a_card_signs_as_the_page_says(card: Desk) -> None:
    card.found([f"card-{number}.der" for number in (1, 2, 3)], 3)
    asked = card.request()
    for number, kind in ((1, "P-256"), (2, "P-384"), (3, "RSA")):
        card.type(f"export ID=0{number}; cd asked; {commands_for(f'a card or a module, {kind}')}")
        made = (asked / "signature.bin").read_bytes()
        assert len(made) == {1: 64, 2: 96, 3: 256}[number]  # r and s side by side
        said = card.type(
            "localai manifest attach-signature --signature asked/signature.bin "
            f"--key card-{number}.der"
        )
        shutil.move(asked / "signature.bin", asked / f"signature-{number}.bin")
    assert "3 of 3 signatures" in said

    # A card's PSS too; and a signature of one card's key is none of another's.
    pss = "--sign --mechanism SHA256-RSA-PKCS-PSS -i asked/payload.bin -o pss.bin"
    card.type(f"ID=03 pkcs11-tool --login {pss}")
    card.type("localai manifest attach-signature --signature pss.bin")
    wrong = card.try_to("localai manifest attach-signature --signature pss.bin --key card-1.der")
    assert wrong.returncode == 4
    assert b"none of the keys" in wrong.stderr
    card.type("localai manifest verify")


@needs_module
def test_without_its_pin_the_card_signs_nothing(card: Desk) -> None:
    """The control: it is the module that signs, not a key that lies about."""
    card.found(["card-1.der"], 1)
    card.request()
    tool = card.place.parent / "bin" / "pkcs11-tool"
    tool.write_text(tool.read_text().replace("--pin 123456", "--pin 654321"))
    assert card.try_to(
        f"export ID=01; cd asked; {commands_for('a card or a module, P-256')}"
    ).returncode
    assert not (card.place / "asked" / "signature.bin").exists()
