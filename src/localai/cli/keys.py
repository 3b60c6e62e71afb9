"""``localai keys``: make and show signing keys."""

from __future__ import annotations

from typing import Annotated

import typer

from localai.cli import console
from localai.cli.arguments import UnencryptedKey
from localai.errors import Exit, UsageError
from localai.terminal import show_path

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make and show signing keys. A private key signs manifests and roots of trust; keep it "
    "where only its owner can read it.",
)


@app.command()
def generate(
    name: Annotated[str, typer.Argument(help="what to call it")] = "own",
    kind: Annotated[
        str, typer.Option(help="p256, p384, rsa, or ed25519, which not every FIPS host has")
    ] = "p256",
    unencrypted_key: UnencryptedKey = False,
) -> int:
    """Make a key pair: NAME.pem, private, and NAME.pub.pem to hand on."""
    from localai.cli.choosing import choose_passphrase
    from localai.cli.surroundings import look_around
    from localai.manifest.algorithm import Algorithm
    from localai.manifest.filename import find_name_problem
    from localai.manifest.keyfile import public_beside, save_key
    from localai.manifest.signature import generate_key
    from localai.smallfile import is_there

    path = look_around().places.keys / f"{name}.pem"
    if problem := find_name_problem(name):
        raise UsageError(f"{name!r} {problem}", hint="localai keys generate officer")
    if kind not in set(Algorithm):
        raise UsageError(f"no such kind of key: {kind}", hint=", ".join(Algorithm))
    if is_there(path):
        raise UsageError(f"{path} exists already", hint="localai keys generate ANOTHER-NAME")
    option = "--unencrypted-key, which leaves the key unprotected"
    question = "passphrase for the new key"
    passphrase = None if unencrypted_key else choose_passphrase(question, option)
    key = generate_key(Algorithm(kind))
    save_key(path, key, passphrase)
    console.say(f"private key  {show_path(path)}")
    console.say(f"public key   {show_path(public_beside(path))}")
    console.out(key.public.fingerprint)
    return Exit.DONE


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="one key; all if left out")] = None,
    pem: Annotated[bool, typer.Option("--pem", help="print the public key itself")] = False,
) -> int:
    """Show the keys of this account, with their fingerprints. Private keys are not opened."""
    from localai.cli.choosing import choose_key_file, private_keys
    from localai.cli.roots.trustscreen import show_key
    from localai.cli.surroundings import look_around
    from localai.manifest.keyfile import describe_private, load_public, public_beside

    places = look_around().places
    paths = private_keys(places) if name is None else [choose_key_file(places, name)]
    if not paths:
        raise UsageError(f"there is no key in {places.keys}", hint="localai keys generate")
    for path in paths:
        public = load_public(public_beside(path))
        if pem:
            console.out(public.pem.rstrip())
            continue
        state = f"{path}, {describe_private(path)}"
        console.out(
            show_key(path.stem, public.algorithm, public.fingerprint, state, public_beside(path))
        )
    return Exit.DONE
