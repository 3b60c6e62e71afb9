"""The root of trust: what is read, and when it can be relied on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from office import TODAY, Office, seal

from localai.errors import DocumentError
from localai.manifest.envelope import MANIFEST_TYPE, ROOT_TYPE, parse_envelope
from localai.manifest.trust import (
    Role,
    fingerprint_root,
    is_signed_by_itself,
    parse_root,
    write_root,
)
from localai.manifest.verify import Authority, Trust, verify_root


def test_it_survives(office: Office) -> None:
    assert parse_root(office.root_raw) == office.root


def change(office: Office, edit: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(office.root_raw)
    edit(document)
    return json.dumps(document).encode()


def keys(document: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = document["roles"]["manifest"]["keys"]
    return found


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda d: d.pop("schema"), "schema: missing"),
        (lambda d: d.update(schema="localai.root/2"), "localai.root/1 was expected"),
        (lambda d: d.update(extra="x"), "unknown key 'extra'"),
        (lambda d: d.update(version=0), "an integer from 1"),
        (lambda d: d.update(expires="2020-01-01"), "lies before the day of issue"),
        (lambda d: d["roles"].pop("root"), "roles: root: missing"),
        (lambda d: d["roles"].update(helper={}), "unknown key 'helper'"),
        (lambda d: d["roles"]["manifest"].update(threshold=0), "threshold: 0"),
        (lambda d: d["roles"]["manifest"].update(threshold=4), "4 of 3 keys can never be reached"),
        (lambda d: d["roles"]["manifest"].update(keys=[]), "can never be reached"),
        (lambda d: keys(d).append({**keys(d)[0], "name": "again"}), "stands twice"),
        (lambda d: keys(d)[1].update(name="officer-1"), "the name officer-1 stands twice"),
        (lambda d: keys(d)[0].update(key="AAAA"), "not a key that is accepted"),
        (lambda d: keys(d)[0].update(key="%"), "is not base64"),
        (lambda d: keys(d)[0].update(name=""), "name: empty"),
    ],
)
def test_malformed(office: Office, edit: Callable[[dict[str, Any]], object], problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_root(change(office, edit))
    assert problem in caught.value.message


def test_one_key_listed_twice_is_not_written_either(office: Office) -> None:
    role = office.root.manifest
    twice = role._replace(keys=(role.keys[0], role.keys[0]._replace(name="again")))
    with pytest.raises(DocumentError, match="stands twice"):
        write_root(office.root._replace(manifest=twice))


@pytest.mark.parametrize("name", ["caf\udce9", "two\nlines", "bidi \u202e", " ", "x" * 201])
def test_no_such_name_is_written(office: Office, name: str) -> None:
    """\udce9 is what a byte that is no UTF-8 becomes in a file's name."""
    role = Role(1, (office.root.root.keys[0]._replace(name=name),))
    with pytest.raises(DocumentError):
        write_root(office.root._replace(root=role))


def test_another_set_of_keys_has_another_fingerprint(office: Office) -> None:
    role = office.root.manifest
    assert role.fingerprint == role._replace(keys=role.keys[::-1]).fingerprint
    assert role.fingerprint == role._replace(threshold=1).fingerprint
    assert role.fingerprint != role._replace(keys=role.keys[:2]).fingerprint


def test_who_signed_it(office: Office) -> None:
    raw = office.root_raw

    def signed(envelope: bytes) -> bool:
        return is_signed_by_itself(office.root, raw, parse_envelope(envelope))

    assert signed(office.root_envelope)
    assert not signed(seal(ROOT_TYPE, raw, [office.stranger]))
    assert not signed(seal(ROOT_TYPE, raw, office.officers[1:]))  # keys of another role
    assert not signed(seal(ROOT_TYPE, raw, []))
    assert not signed(seal(ROOT_TYPE, raw + b" ", office.officers))
    assert not signed(seal(MANIFEST_TYPE, raw, office.officers))


def distrusted(trust: Trust) -> str:
    assert trust.root is None
    assert trust.remedy
    return trust.problem


def test_relied_on_only_if_pinned_signed_and_in_time(office: Office) -> None:
    raw, envelope = office.root_raw, office.root_envelope
    pin = fingerprint_root(raw)
    own, administrator = Authority.OWN, Authority.ADMINISTRATOR
    trust = verify_root(raw, envelope, own, pin, TODAY)
    assert (trust.root, trust.fingerprint, trust.problem) == (office.root, pin, "")
    assert verify_root(raw, envelope, administrator, None, TODAY).root == office.root
    assert verify_root(raw, envelope, own, pin, date(2030, 1, 1)).root

    def problem(*arguments: Any) -> str:
        return distrusted(verify_root(*arguments))

    assert problem(None, None, own, pin, TODAY) == "no root of trust"
    assert problem(None, None, administrator, None, TODAY) == "no root of trust"
    assert problem(raw, envelope, own, None, TODAY) == "root not pinned"
    assert problem(raw, envelope, own, "0" * 64, TODAY) == "root is not the pinned one"
    assert problem(raw, None, own, pin, TODAY) == "root unsigned"
    assert problem(raw, b"{", own, pin, TODAY) == "root malformed"
    assert problem(raw, envelope, own, pin, date(2030, 1, 2)) == "root expired"
    other = seal(ROOT_TYPE, raw, [office.stranger])
    assert problem(raw, other, own, pin, TODAY) == "root not signed by its own keys"
    assert problem(raw, other, administrator, None, TODAY) == "root not signed by its own keys"
    junk = b"{}"
    assert problem(junk, envelope, own, fingerprint_root(junk), TODAY) == "root malformed"


def test_every_byte_of_the_root_counts(office: Office) -> None:
    raw = office.root_raw
    changed = raw.replace(b"officer-1", b"officer-9")
    assert changed != raw
    pinned_before = fingerprint_root(raw)
    trust = verify_root(changed, office.root_envelope, Authority.OWN, pinned_before, TODAY)
    assert distrusted(trust) == "root is not the pinned one"
    trust = verify_root(changed, office.root_envelope, Authority.ADMINISTRATOR, None, TODAY)
    assert distrusted(trust) == "root not signed by its own keys"
