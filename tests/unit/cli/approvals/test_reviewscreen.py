"""What a person reads before they approve: in any width, with nothing that a terminal obeys."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.cli.approvals import reviewscreen
from localai.cli.approvals.reviewing import Review
from localai.findings import Finding, Verdict
from localai.inspection.inspect import inspect_path
from localai.inspection.proposed import propose, reconstruct
from localai.manifest.draft import Stated, Unknown, answer, complete, draft_of
from localai.manifest.proposal import Proposal, parse_proposal, write_proposal
from localai.manifest.provenance import Form, Provenance
from localai.manifest.schema import Approval, ArtifactFile, Source, Use

TODAY = date(2026, 3, 1)
SLY = "{{ messages }}\u202e\x1b[31m\nsecond\u2028line"
FAIL = Finding("licence", Verdict.FAIL, "not allowed", "MIT", "the rule", "another model")


@pytest.fixture
def sly(tmp_path: Path) -> Proposal:
    metadata = {"general.organization": "Example\x1b]0;title\x07"}
    (tmp_path / "sly.gguf").write_bytes(maker.make_model(template=SLY, metadata=metadata))
    found = inspect_path(tmp_path / "sly.gguf", context=4096)
    files = [ArtifactFile(f.name, f.size, f.sha256 or "", f.tree) for f in found.files]
    use = Use(("evaluation",), ("public",), (), ("東" * 90, "word " * 30))
    told = propose(found, files, Stated(use, note="line\nof two"), "pat", TODAY)
    return parse_proposal(write_proposal(told))


@pytest.fixture
def told(sly: Proposal) -> Review:
    return Review(sly.draft, reconstruct(sly), (), proposal=sly)


def show(review: Review, width: int = 100) -> str:
    return reviewscreen.review(review, ["sly.proposal.json"], TODAY, width)


def test_nothing_commands_the_terminal(told: Review) -> None:
    for width in (20, 40, 80, 200):
        assert all(line.isprintable() for line in show(told, width).split("\n"))
    assert "\\x1b]0;title" in show(told) and "\\u202e\\x1b[31m" in show(told)


def test_whose_word_it_is(told: Review) -> None:
    shown = " ".join(show(told).split())
    assert "is the word of pat: --file MODEL looks at it. Without it no tree digest" in shown
    at_hand = told._replace(at_hand=True, differences=())
    assert "looked at: the file itself; it is what is listed" in show(at_hand)
    assert "the word of" not in show(at_hand)
    for differences in (("size: 1 listed, 2 here",), None):
        assert "it is what is listed" not in show(at_hand._replace(differences=differences))


def test_what_is_unknown_is_named_with_what_to_type(told: Review) -> None:
    assert told.found
    told = told._replace(found=told.found._replace(findings=()))
    assert "  source        unknown" in show(told) and "  revision      unknown" in show(told)
    *_, unknown, following = show(told, 200).splitlines()
    assert unknown == "unknown: source, revision"
    assert following.endswith("sly.proposal.json --source PUBLISHER/REPOSITORY@REVISION")
    said = told._replace(draft=answer(told.draft, source=Source("a", "a/b")))
    assert "  revision      not named" in show(said)
    assert not said.draft.unknown


def test_the_hub_is_not_left_out(told: Review) -> None:
    source = Source("a", "a/b", hub="hub.example")
    shown = show(told._replace(draft=told.draft._replace(source=source)))
    assert "  source        a, hub.example, a/b\n" in shown


@pytest.mark.parametrize("differences", [(), ("size: 1 listed, 2 here",)])
@pytest.mark.parametrize("judged", [(), (FAIL,)])
@pytest.mark.parametrize("unknown", [(), (Unknown.LICENCE,)])
def test_what_refuses(
    told: Review,
    differences: tuple[str, ...],
    judged: tuple[Finding, ...],
    unknown: tuple[Unknown, ...],
) -> None:
    draft = told.draft._replace(unknown=unknown)
    found = told.found._replace(findings=()) if told.found else None
    review = told._replace(
        draft=draft, found=found, at_hand=True, differences=differences, judged=judged
    )
    assert review.refuses is bool(differences or judged or unknown)
    shown = show(review)
    assert ("nothing refuses it" in shown) is not review.refuses
    assert ("not what is listed" in shown) is bool(differences)
    assert ("the rule" in shown) is bool(judged)
    # What only wants an answer leads on; what refuses does not.
    assert ("next: " in shown) is not (differences or judged)


def test_a_finding_of_the_file_refuses(told: Review) -> None:
    assert told.found
    worse = told.found._replace(findings=(FAIL._replace(check="gguf-layout"),))
    assert told._replace(found=worse).refusing and not told._replace(found=None).refusing


@pytest.mark.parametrize(("age", "left", "words"), [
    (0, 365, "0 days; 365 days left"), (1, 0, "1 day; the last day"),
    (400, -35, "400 days; over since 35 days"),
])  # fmt: skip
def test_the_age_of_an_approval(told: Review, age: int, left: int, words: str) -> None:
    approval = Approval("Office", TODAY - timedelta(days=age), TODAY + timedelta(days=left))
    draft = answer(told.draft, "MIT", Source("a", "a/b"))
    entry = complete(draft, approval)
    review = Review(draft_of(entry), None, (), entry=entry)
    assert f"  age        {words}" in show(review)
    document = reviewscreen.review_document(review, TODAY, 0)
    approved = document["approved"]
    assert isinstance(approved, dict)
    assert (approved["age_days"], approved["days_left"]) == (age, left)
    assert document["findings_of"] is None


def test_who_signed_the_files_before(told: Review) -> None:
    approval = Approval("Office", TODAY, TODAY)
    draft = answer(told.draft, "MIT", Source("a", "a/b"))
    by = Provenance(Form.OMS, "sly.gguf", "1" * 64, "2" * 64, "3" * 64, TODAY)
    entry = complete(draft, approval)._replace(provenance=(by,))
    review = Review(draft_of(entry), None, (), entry=entry)
    assert f"  provenance oms, sly.gguf signed by the key {'1' * 64}" in show(review, 300)
    assert reviewscreen.review_document(review, TODAY, 0)["provenance"] == [
        {
            "form": "oms",
            "signed_as": "sly.gguf",
            "key_sha256": "1" * 64,
            "bundle_sha256": "2" * 64,
            "checked": str(TODAY),
        }
    ]


def test_the_document(told: Review) -> None:
    document = reviewscreen.review_document(told, TODAY, 3)
    assert document["schema"] == "localai.review/1"
    assert document["unknown"] == ["source", "revision"]
    assert document["findings_of"] == "proposal"
    assert document["proposed"] == {"by": "pat", "on": "2026-03-01"}
    templates = document["templates"]
    assert isinstance(templates, list) and templates[0]["source"] == SLY
