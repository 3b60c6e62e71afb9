"""What a proposal is believed, and what not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import gguf_maker as maker
from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFacts
from localai.inspection.inspect import inspect_path
from localai.inspection.proposed import (
    find_differences,
    find_refusing,
    find_templates_apart,
    propose,
    reconstruct,
)
from localai.manifest.draft import Draft, Stated, Unknown
from localai.manifest.proposal import CHECKS, FACTS, Proposal, parse_proposal, write_proposal
from localai.manifest.schema import ArtifactFile, Kind, Use

WALK = "{{ messages.__class__.__mro__ }}"  # out of the data, into Python
USE = Use(("evaluation",), ("public",))
VECTORS = Path(__file__).parents[2] / "vectors"
DATA = {
    "rows.csv": b"a,b\n1,2\n",
    "rows.jsonl": b'{"a": 1}\n',
    "words.txt": b"one\ntwo\n",
    "rows.parquet": (VECTORS / "parquet" / "none-1-plain.parquet").read_bytes(),
}


def make(path: Path, content: bytes) -> Proposal:
    path.write_bytes(content)
    found = inspect_path(path, context=4096)
    files = [ArtifactFile(f.name, f.size, f.sha256 or "", f.tree) for f in found.files]
    return propose(found, files, Stated(USE), "pat", date(2026, 3, 1))


@pytest.fixture
def plain(tmp_path: Path) -> Proposal:
    return make(tmp_path / "tiny.gguf", maker.make_model())


def test_it_says_what_the_file_says(plain: Proposal) -> None:
    assert (plain.draft.name, plain.draft.licence) == ("Tiny Test", "apache-2.0")
    assert plain.draft.unknown == (Unknown.SOURCE, Unknown.REVISION)
    assert plain.templates[0].source == maker.TEMPLATE
    assert parse_proposal(write_proposal(plain)).draft == plain.draft


def test_whatever_an_inspection_tells_can_be_proposed(tmp_path: Path) -> None:
    keys = ("organization", "base_model.0.name", "dataset.0.name", "quantized_by", "source.url")
    told = {f"general.{key}": "example" for key in keys} | {"general.license.name": "GPL-3.0"}
    full = make(tmp_path / "full.gguf", maker.make_model(metadata=told))
    bare = make(tmp_path / "bare.gguf", maker.make_model(template=None))
    adapter = make(tmp_path / "adapter.gguf", maker.make_adapter())
    data = [make(tmp_path / name, content) for name, content in DATA.items()]
    assert {fact.name for one in (full, bare, *data) for fact in one.facts} == FACTS
    found = {one.check for proposal in (full, adapter, *data) for one in proposal.findings}
    assert {"gguf-kind", "gguf-adapter", "chat-template", "licence", "dataset"} <= found <= CHECKS
    for proposal in (full, bare, adapter, *data):
        assert parse_proposal(write_proposal(proposal)).findings == proposal.findings


@pytest.mark.parametrize("name", DATA)
def test_what_comes_back_of_a_dataset(tmp_path: Path, name: str) -> None:
    told = make(tmp_path / name, DATA[name])
    assert (told.draft.kind, told.draft.gguf, told.templates) == (Kind.DATASET, None, ())
    assert told.draft.unknown == (Unknown.LICENCE, Unknown.SOURCE, Unknown.REVISION)
    again = reconstruct(parse_proposal(write_proposal(told)))
    assert again.findings == told.findings
    assert not find_refusing(again.findings, Kind.DATASET)


def test_a_dataset_is_approved_as_one_and_nothing_else_is(tmp_path: Path, plain: Proposal) -> None:
    data = make(tmp_path / "rows.csv", DATA["rows.csv"])
    for kind in Kind:
        found = [one.summary for one in find_refusing(data.findings, kind)]
        assert bool(found) is (kind is not Kind.DATASET), kind
    assert [one.summary for one in find_refusing(plain.findings, Kind.DATASET)] == ["not a dataset"]


def test_a_dataset_of_which_nobody_tells_anything_is_approved_by_nobody(tmp_path: Path) -> None:
    silent = make(tmp_path / "rows.csv", DATA["rows.csv"])._replace(findings=())
    told = reconstruct(parse_proposal(write_proposal(silent)))
    assert find_refusing(told.findings, Kind.DATASET)


def test_what_comes_back_is_what_was_seen(plain: Proposal) -> None:
    again = reconstruct(parse_proposal(write_proposal(plain)))
    assert again.findings == plain.findings
    assert again.templates == plain.templates
    assert [fact.text for fact in again.facts] == [fact.text for fact in plain.facts]
    assert again.files[0].sha256 == plain.draft.files[0].sha256


def test_what_a_proposal_says_of_its_templates_is_not_believed(tmp_path: Path) -> None:
    """Its writer says that nothing is unusual; the template itself says otherwise."""
    sly = make(tmp_path / "sly.gguf", maker.make_model(template=WALK))
    assert find_refusing(sly.findings, Kind.MODEL)
    fine = tuple(one._replace(verdict=Verdict.PASS, summary="fine") for one in sly.findings)
    for claimed in (fine, tuple(one for one in fine if one.check != "chat-template")):
        lie = parse_proposal(write_proposal(sly._replace(findings=claimed)))
        refusing = find_refusing(reconstruct(lie).findings, Kind.MODEL)
        assert [one.check for one in refusing] == ["chat-template"]
        assert "__class__" in refusing[0].evidence


def test_a_template_that_is_not_pinned_is_looked_at_too(tmp_path: Path) -> None:
    metadata = {"tokenizer.chat_template.tool_use": WALK}
    sly = make(tmp_path / "sly.gguf", maker.make_model(metadata=metadata))
    assert find_refusing(reconstruct(sly._replace(findings=sly.findings[:1])).findings, Kind.MODEL)


def test_more_templates_than_anybody_reads(plain: Proposal) -> None:
    """The limits are those of a file: whoever sends a proposal must not take an officer's day."""
    (one,) = plain.templates
    for some in ((one,) * 33, (one._replace(source="x" * (128 << 10)),) * 5):
        told = reconstruct(plain._replace(templates=some))
        assert find_refusing(told.findings, Kind.MODEL)


def test_where_nothing_is_told_nothing_was_checked(plain: Proposal) -> None:
    silent = reconstruct(plain._replace(findings=()))
    assert [one.summary for one in find_refusing(silent.findings, Kind.MODEL)] == ["no findings"]


def test_what_refuses_a_model_may_be_right_for_a_part() -> None:
    kind = Finding("gguf-kind", Verdict.FAIL, "not a model")
    other = Finding("gguf-layout", Verdict.NOT_CHECKED, "unread")
    assert find_refusing([kind, other], Kind.MODEL) == (kind, other)
    assert find_refusing([kind, other], Kind.DRAFT) == (kind, other)
    assert find_refusing([kind, other], Kind.ADAPTER) == (other,)


def test_an_adapter_is_one(tmp_path: Path, plain: Proposal) -> None:
    """A file that is whole and well, and another kind than somebody says."""
    assert not find_refusing(plain.findings, Kind.MODEL)
    (refusing,) = find_refusing(plain.findings, Kind.ADAPTER)
    assert (refusing.verdict, refusing.summary) == (Verdict.FAIL, "not an adapter")
    lora = make(tmp_path / "lora.gguf", maker.make_adapter())
    assert not find_refusing(lora.findings, Kind.ADAPTER)


def test_differences_of_files(plain: Proposal) -> None:
    draft = plain.draft
    (file,) = draft.files
    assert find_differences(draft, draft) == ()
    renamed = draft._replace(files=(file._replace(name="other.gguf"),), id="x", name="y")
    assert find_differences(draft, renamed) == ()
    assert find_differences(draft, draft._replace(files=(file._replace(sha256="0" * 64),))) == (
        f"listed, not here: tiny.gguf, {file.sha256}",
        f"here, not listed: tiny.gguf, {'0' * 64}",
    )
    more = draft._replace(files=(file, ArtifactFile("second.gguf", 1, "1" * 64)))
    assert find_differences(more, draft) == (f"listed, not here: second.gguf, {'1' * 64}",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tree": "0" * 64}, f"tree-sha256: {'0' * 64} listed"),  # a start goes by it alone
        ({"size": 1}, "size: 1 listed"),
    ],
)
def test_the_right_digest_beside_something_wrong(
    plain: Proposal, change: dict[str, object], words: str
) -> None:
    (file,) = plain.draft.files
    lie: Draft = plain.draft._replace(files=(file._replace(**change),))  # type: ignore[arg-type]
    (difference,) = find_differences(lie, plain.draft)
    assert difference.startswith(words)


def test_a_file_without_a_tree_digest_claims_none(plain: Proposal) -> None:
    (file,) = plain.draft.files
    assert (
        find_differences(plain.draft._replace(files=(file._replace(tree=None),)), plain.draft) == ()
    )


@pytest.mark.parametrize(
    ("gguf", "word"),
    [
        (GgufFacts("mamba", 21, None), "architecture: mamba listed, llama here"),
        (GgufFacts("llama", 22, None), "number of tensors: 22 listed, 21 here"),
        (GgufFacts("llama", 21, None), "template's sha256: none listed"),
    ],
)
def test_what_is_pinned_is_compared(plain: Proposal, gguf: GgufFacts, word: str) -> None:
    found = find_differences(plain.draft._replace(gguf=gguf), plain.draft)
    assert any(one.startswith(word) for one in found)


def test_templates_that_are_not_those_of_the_file(plain: Proposal, tmp_path: Path) -> None:
    metadata = {"tokenizer.chat_template.tool_use": "{{ tools }}"}
    two = make(tmp_path / "two.gguf", maker.make_model(metadata=metadata))
    assert find_templates_apart(plain.templates, plain.templates) == ()
    (missing,) = find_templates_apart(plain.templates, two.templates)
    assert missing.startswith("chat template here, not listed: ")
    (extra,) = find_templates_apart(two.templates, plain.templates)
    assert extra.startswith("chat template listed, not here: ")
