"""What ``localai trust`` says to programs: the same as to people, field by field."""

from __future__ import annotations

import json
from typing import Any

from home import Home

LANE = (
    *("--purpose", "drafting", "--data-class", "public", "--source", "example"),
    *("--licence", "MIT", "--until", "2099-12-31"),
)


def ask(home: Home, *words: str, code: int = 0) -> dict[str, Any]:
    """The document that ``localai trust WORDS --json`` prints."""
    ran = home.call("trust", *words, "--json")
    assert ran.returncode == code, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_the_root_of_trust_and_what_is_revoked(moved: Home) -> None:
    found = ask(moved, "show")
    assert found["schema"] == "localai.trust/1"
    assert (found["root_of_trust"], found["problem"]) == ("own", None)
    shown = moved.call("trust", "show").stdout.decode()
    root = found["root"]
    assert found["fingerprint"] in shown and f"{root['issued']} to {root['expires']}" in shown
    assert [role["role"] for role in root["roles"]] == ["root", "manifest", "revocation"]
    (key,) = root["roles"][1]["keys"]
    assert key["algorithm"] == "p256" and len(key["fingerprint"]) == 64
    assert (root["version"], root["lane"], found["revocation"]) == (1, None, None)

    moved.call("trust", "revoke", "--sha256", "a" * 64, "--reason", "leaks", check=True)
    (line,) = ask(moved, "show")["revocation"]["revoked"]
    assert (line["kind"], line["value"], line["reason"]) == ("sha256", "a" * 64, "leaks")


def test_what_cannot_be_relied_on_has_no_root(moved: Home) -> None:
    moved.call("trust", "revoke", "--sha256", "a" * 64, "--reason", "leaks", check=True)
    config = moved.directory / "config"
    (config / "revocation.dsse.json").unlink()
    found = ask(moved, "show", code=3)
    assert found["root"] and found["revocation"]["revoked"] == []
    assert found["revocation"]["problem"]["summary"] == "revocation list unsigned"
    (config / "root.dsse.json").unlink()
    found = ask(moved, "show", code=3)
    assert found["root"] is None and found["problem"]["summary"] == "root unsigned"


def test_the_next_root_and_the_way_to_it(moved: Home) -> None:
    assert ask(moved, "verify")["steps"] == []
    moved.call("keys", "generate", "ben", "--unencrypted-key", check=True)
    public = moved.directory / "config" / "keys" / "ben.pub.pem"
    public.with_name("ben.pem").unlink()
    (own,) = (one["name"] for one in ask(moved, "show")["root"]["roles"][0]["keys"])
    moved.call("trust", "lane", str(public), *LANE, check=True)

    draft = ask(moved, "show", "--next")
    assert draft["schema"] == "localai.trust-next/1"
    assert (draft["follows"], draft["in_force"], draft["signers"]) == (1, False, [])
    assert draft["problem"]["summary"] == "too few signatures"
    assert draft["changes"] == [
        {"change": "added", "role": "lane", "what": "ben"},
        {"change": "threshold", "role": "lane", "what": "0 -> 1"},
    ]
    assert "purpose drafting" in draft["now_allowed"] and draft["no_longer"] == []
    assert draft["root"]["lane"]["until"] == "2099-12-31"
    assert draft["missing"] == [
        {"root": version, "signatures": 1, "may_sign": [own]} for version in (1, 2)
    ]
    assert ask(moved, "show", draft["path"]) == draft

    refused = ask(moved, "verify", code=3)
    assert refused["schema"] == "localai.trust-walk/1"
    assert refused["steps"][0]["problem"]["summary"] == "too few signatures"
    assert (refused["last"], refused["in_force"]) == (None, False)
    assert ask(moved, "update", code=3) == refused

    before = moved.copy(moved.place / "behind")
    moved.call("trust", "sign", check=True)
    roots = str(moved.directory / "config" / "roots")
    seen = ask(before, "verify", roots)
    assert (seen["trusted"]["version"], seen["in_force"]) == (1, False)
    assert seen["last"]["fingerprint"] == draft["fingerprint"] and seen["last"]["signers"] == [own]
    assert ask(before, "update", roots) == seen | {"in_force": True}
    assert ask(before, "show")["root"] == draft["root"]
