"""What a person says about a model, and the entry that comes of it."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

from localai.approval import (
    approve_alone,
    check_use,
    displaced_by,
    find_denied,
    fit_into,
)
from localai.gguf.facts import GgufFile
from localai.manifest.schema import Entry, Manifest, Use
from localai.policy import Policy, Restricted, Waiver


def manifest(*entries: Entry) -> Manifest:
    return Manifest("own", 1, date(2026, 1, 1), date(2027, 1, 1), entries)


def test_the_same_bytes_keep_their_identifier(entry: Entry) -> None:
    again = entry._replace(id="another-name")
    assert fit_into(manifest(entry), again).id == entry.id


def test_other_bytes_never_replace_an_entry(entry: Entry) -> None:
    (file,) = entry.files
    other = entry._replace(files=(file._replace(sha256="e" * 64, tree="f" * 64),))
    fitted = fit_into(manifest(entry), other)
    assert fitted.id == "tiny-eeeeeeee"
    assert fit_into(manifest(), other) == other


def test_a_set_that_shares_a_part_takes_the_others_place(entry: Entry) -> None:
    """No file stands in two entries, so that there is one answer to what applies to it."""
    (file,) = entry.files
    parts = [file._replace(name=f"part-{letter}", sha256=letter * 64) for letter in "abc"]
    first = entry._replace(files=(parts[0], parts[1]))
    other = fit_into(manifest(first), entry._replace(id="new", files=(parts[0], parts[2])))
    assert other.id == first.id
    assert displaced_by(manifest(first), other) == first
    assert displaced_by(manifest(first), first) is None
    assert displaced_by(manifest(), first) is None


def test_approved_alone_says_so() -> None:
    approval = approve_alone("pat", date(2026, 3, 1), 180)
    assert approval.self_approved
    assert approval.review_by == date(2026, 8, 28)


def test_the_policy_bounds_what_is_approved() -> None:
    use = Use(("evaluation",), ("public", "internal"))
    assert check_use(use, ("public", "internal")) == ""
    assert check_use(use, ("public",)) == "internal"


def test_what_every_start_would_refuse_is_not_signed(entry: Entry) -> None:
    file = GgufFile(
        3,
        100,
        32,
        0,
        MappingProxyType({"general.author": "One Labs", "general.license": "mit"}),
        (),
    )
    today = date(2026, 3, 1)
    restricted = Restricted("The list", date(2020, 1, 1), ("one-labs",))

    def denied(policy: Policy) -> list[str]:
        return [finding.check for finding in find_denied(entry, [file], policy, today)]

    assert denied(Policy()) == []  # without a list nothing is denied, if nothing starts either
    assert denied(Policy(licences=("Apache-2.0",))) == ["licence"]
    assert denied(Policy(licences=("Apache-2.0", "MIT"))) == []
    assert denied(Policy(restricted=restricted)) == ["restricted-technology"]
    strange = entry._replace(name="T\u13a5ny")  # a letter of no table, that may be another one
    elsewhere = restricted._replace(as_of=today, names=("another",))
    for named, wanted in ((entry, []), (strange, ["restricted-technology"])):
        found = find_denied(named, [file], Policy(restricted=elsewhere), today)
        assert [finding.check for finding in found] == wanted
    for until, wanted in ((today, []), (date(2026, 2, 28), ["restricted-technology"])):
        waiver = Waiver("restricted-technology", "Officer", "looked at it", until)
        assert denied(Policy(restricted=restricted, waivers=(waiver,))) == wanted
