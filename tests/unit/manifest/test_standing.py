"""Who signed, who is missing, and what runs out."""

from __future__ import annotations

from datetime import timedelta

from office import TODAY, MakeRaw, Office

from localai.manifest.schema import Manifest
from localai.manifest.signature import generate_key
from localai.manifest.standing import ends_of, find_endings, find_standing


def test_who_signed_and_who_is_missing(office: Office, make_raw: MakeRaw) -> None:
    raw, role = make_raw(), office.root.manifest
    one, two, three = (key.name for key in role.keys)
    nobody = find_standing(raw, None, role)
    assert nobody.signed == () and nobody.others == (one, two, three) and nobody.needed == 2
    some = find_standing(raw, office.sign(raw, office.officers[1:2]), role)
    assert some.signed == (two,) and some.others == (one, three) and some.needed == 1
    enough = find_standing(raw, office.sign(raw, office.officers), role)
    assert enough.needed == 0 and enough.others == ()


def test_what_is_no_signature_counts_for_nobody(office: Office, make_raw: MakeRaw) -> None:
    raw, role = make_raw(), office.root.manifest
    for envelope in (
        office.sign(make_raw(version=99)),  # of other bytes
        office.sign(raw, [office.stranger, generate_key()]),
        b"{",
        office.sign(raw)[:-20],
    ):
        assert find_standing(raw, envelope, role).signed == ()
    twice = office.sign(raw, [office.officers[0]] * 2)
    assert find_standing(raw, twice, role).needed == 1


def test_what_runs_out(manifest: Manifest) -> None:
    assert dict(ends_of(manifest)) == {
        "manifest vectors": manifest.expires,
        "review of model-one in vectors": manifest.entries[0].approval.review_by,
    }
    ends = [(str(days), TODAY + timedelta(days)) for days in (89, 90, -1, 0)]
    found = find_endings(ends, TODAY)
    assert [(one.what, one.left) for one in found] == [("-1", -1), ("0", 0), ("89", 89)]
