"""The approved-systems list in each of its formats: what is approved is in it, and nothing else."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hostile import HOSTILE
from test_page import Reader

from localai.findings import Finding, Verdict
from localai.gguf.facts import GgufFacts
from localai.manifest.provenance import Form, Provenance
from localai.manifest.revocation import Kind as RevokedKind
from localai.manifest.revocation import Revocations, Revoked
from localai.manifest.schema import (
    Approval,
    ArtifactFile,
    Entry,
    Kind,
    Manifest,
    Source,
    Use,
)
from localai.manifest.verify import Authority, LoadedManifest, Verification
from localai.reports.approved import ApprovedList, list_approved
from localai.reports.approved_csv import COLUMNS, approved_csv
from localai.reports.approved_cyclonedx import SPDX, approved_cyclonedx
from localai.reports.approved_page import approved_page

NOW = datetime(2026, 3, 1, 3, 4, tzinfo=UTC)
ON = date(2026, 2, 1)
PASSED = Finding("manifest-signature", Verdict.PASS, "fine")
ENTRY = Entry(
    id="tiny",
    name="Tiny",
    kind=Kind.MODEL,
    licence="MIT",
    source=Source("Example", "https://example.org/tiny", "r2", ("base/one",)),
    files=(
        ArtifactFile("tiny-1.gguf", 5, "1" * 64, "2" * 64),
        ArtifactFile("tiny-2.gguf", 6, "3" * 64),
    ),
    gguf=GgufFacts("llama", 12, "4" * 64),
    approval=Approval("A. Officer", ON, date(2027, 2, 1), ticket="SEC-1"),
    use=Use(("evaluation", "grading"), ("public",), ("it",), ("a person reviews",)),
    note="a\nnote",
    companions=("fine-tune",),
)
DATASET = ENTRY._replace(
    id="data", kind=Kind.DATASET, gguf=None, companions=(), licence="Our own terms",
    source=Source("Example", "a shelf"), files=(ArtifactFile("d.csv", 7, "5" * 64),),
    use=Use(("evaluation",), ("public",)), note=None,
)  # fmt: skip


def loaded(*entries: Entry, revoked: tuple[Revoked, ...] = ()) -> LoadedManifest:
    manifest = Manifest("agency", 3, ON, ON + timedelta(90), entries, "for evaluation")
    verification = Verification(
        (PASSED, PASSED), "a" * 64, Authority.ADMINISTRATOR, manifest, ("anna", "ben"), 2,
        revocations=Revocations(revoked),
    )  # fmt: skip
    return LoadedManifest(Path("/etc/agency.yaml"), verification)


def approved(*entries: Entry, self_approval: bool = True) -> ApprovedList:
    return list_approved([loaded(*entries)], NOW, self_approval=self_approval)


HOSTILE_ENTRY = ENTRY._replace(
    name=HOSTILE, licence=HOSTILE, note=HOSTILE,
    source=Source(HOSTILE, f"https://{HOSTILE}", HOSTILE, (HOSTILE,)),
    approval=ENTRY.approval._replace(by=HOSTILE, ticket=HOSTILE),
    use=Use((HOSTILE,), (HOSTILE,), (HOSTILE,), (HOSTILE,)),
    provenance=(Provenance(Form.OMS, HOSTILE, "6" * 64, "7" * 64, "8" * 64, ON),),
)  # fmt: skip
LISTS = [approved(), approved(ENTRY), approved(ENTRY, DATASET), approved(HOSTILE_ENTRY)]


def test_what_approves_nothing_is_left_out_with_its_reason() -> None:
    term = ENTRY.approval
    overdue = ENTRY._replace(id="overdue", approval=term._replace(review_by=date(2026, 2, 28)))
    early = ENTRY._replace(id="early", approval=term._replace(on=date(2026, 3, 2)))
    own = ENTRY._replace(id="own", approval=term._replace(self_approved=True))
    line = Revoked(RevokedKind.ENTRY, "gone", date(2026, 2, 9), "leaks")
    manifest = loaded(ENTRY, overdue, early, own, ENTRY._replace(id="gone"), revoked=(line,))
    found = list_approved([manifest], NOW, self_approval=False)
    assert [one.entry.id for one in found.listed] == ["tiny"]
    assert {one.entry: one.why for one in found.left_out} == {
        "overdue": "its review was due by 2026-02-28",
        "early": "approved from 2026-03-02 on",
        "own": "A. Officer approved it for themselves, which the policy does not allow",
        "gone": "revoked on 2026-02-09: leaks",
    }
    alone = list_approved([manifest], NOW, self_approval=True)
    assert [one.entry.id for one in alone.listed] == ["tiny", "own"]
    last = NOW.replace(year=2027, month=2, day=1)
    assert list_approved([loaded(ENTRY)], last, self_approval=True).listed
    assert not list_approved([loaded(ENTRY)], last + timedelta(1), self_approval=True).listed
    page = read(found)
    for one in found.left_out:
        assert f"Not in this list: {one.entry}, {one.why}." in page.text
    for report in (approved_csv, approved_cyclonedx):
        assert b"overdue" not in report(found)


def rows(found: ApprovedList) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(approved_csv(found).decode(), newline="")))


def test_csv_has_a_line_for_each_file() -> None:
    first, second, data = rows(approved(ENTRY, DATASET))
    assert tuple(first) == COLUMNS
    assert first["file"] == "tiny-1.gguf" and first["sha256"] == "1" * 64
    assert second["file"] == "tiny-2.gguf" and second["bytes"] == "6"
    assert first["purposes"] == "evaluation; grading" and first["signed_by"] == "anna; ben"
    assert data["id"] == "data" and data["groups"] == data["revision"] == ""
    raw = approved_csv(approved(ENTRY))
    assert raw.count(b"\r\n") == raw.count(b"\n") == 3
    assert len(rows(approved())) == 0


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", '=cmd|"/c calc"!A1', "\t=1"])
def test_no_spreadsheet_computes_a_field(start: str) -> None:
    (row,) = rows(approved(DATASET._replace(name=start)))
    assert row["name"].startswith(("'", "\\")), row["name"]


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1"])
def test_nor_what_it_makes_of_a_field_where_it_parts_them_at_semicolons(start: str) -> None:
    purposes = ("drafting", start, f"x;{start}")
    (row,) = rows(approved(DATASET._replace(use=DATASET.use._replace(purposes=purposes))))
    parts = [part.strip() for part in row["purposes"].split(";")]
    assert parts == ["drafting", f"'{start}", "x", f"'{start}"]
    (row,) = rows(approved(DATASET._replace(name="a; b;c-d")))
    assert row["name"] == "a; b;c-d"


def test_every_list_names_the_hub_where_the_entry_does() -> None:
    found = approved(DATASET._replace(source=DATASET.source._replace(hub="hub.example")))
    assert rows(found)[0]["hub"] == "hub.example"
    (data,) = json.loads(approved_cyclonedx(found))["components"]
    assert {"name": "localai:hub", "value": "hub.example"} in data["properties"]
    assert "a shelf on hub.example" in approved_page(found).decode()
    assert rows(approved(DATASET))[0]["hub"] == ""


def test_every_list_says_who_signed_the_files_before() -> None:
    by = Provenance(Form.OMS, "tiny", "6" * 64, "7" * 64, "8" * 64, ON)
    found = approved(ENTRY._replace(provenance=(by,)))
    said = f"oms, tiny signed by the key {'6' * 64}, bundle {'7' * 64}, checked on 2026-02-01"
    assert rows(found)[0]["provenance"] == said
    (component,) = json.loads(approved_cyclonedx(found))["components"]
    assert {"name": "localai:provenance", "value": said} in component["properties"]
    assert said in " ".join(read(found).text.split())
    assert rows(approved(ENTRY))[0]["provenance"] == ""


def test_text_from_elsewhere_stays_in_its_field() -> None:
    one, two = rows(approved(HOSTILE_ENTRY))
    assert one["ticket"] == two["ticket"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", "".join(one.values()))


def validate(document: bytes) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(document.decode())


@pytest.mark.parametrize("found", LISTS)
def test_cyclonedx_is_valid(found: ApprovedList) -> None:
    """By the official schema, in its strict form."""
    assert validate(approved_cyclonedx(found)) is None


def test_the_schema_sees_what_is_wrong() -> None:
    document: dict[str, Any] = json.loads(approved_cyclonedx(approved(ENTRY)))
    (component,) = document["components"]
    for spoiled in (
        {"type": "model"},
        {"licenses": [{"license": {"id": "Our own terms"}}]},
        {"hashes": [{"alg": "SHA-256", "content": "xyz"}]},
        {"modelCard": {"uses": []}},
        {"externalReferences": [{"type": "distribution", "url": "https://a b"}]},
    ):
        wrong = document | {"components": [component | spoiled]}
        assert validate(json.dumps(wrong).encode()) is not None, spoiled


def test_every_licence_that_goes_by_an_identifier_is_listed_by_spdx() -> None:
    for licence in SPDX:
        assert validate(approved_cyclonedx(approved(ENTRY._replace(licence=licence)))) is None


def test_cyclonedx_says_what_was_approved() -> None:
    document = json.loads(approved_cyclonedx(approved(ENTRY, DATASET)))
    model, data = document["components"]
    assert model["type"] == "machine-learning-model" and data["type"] == "data"
    assert model["modelCard"]["considerations"] == {
        "users": ["it"],
        "useCases": ["evaluation", "grading"],
    }
    assert model["pedigree"]["ancestors"][0]["name"] == "base/one"
    assert model["externalReferences"] == [
        {"type": "distribution", "url": "https://example.org/tiny"}
    ]
    assert [file["hashes"][0]["content"] for file in model["components"]] == ["1" * 64, "3" * 64]
    assert "hashes" not in model, "two files have no digest in common"
    assert data["hashes"][0]["content"] == "5" * 64
    assert data["licenses"] == [{"license": {"name": "Our own terms"}}]
    assert "modelCard" not in data and "externalReferences" not in data
    said = {one["name"]: one["value"] for one in model["properties"]}
    assert said["localai:review-by"] == "2027-02-01" and said["localai:ticket"] == "SEC-1"
    assert said["localai:safeguards"] == "a person reviews"


def test_the_same_list_has_the_same_serial_number() -> None:
    one, same, other = (
        approved(ENTRY),
        approved(ENTRY),
        approved(ENTRY)._replace(made=NOW + timedelta(seconds=1)),
    )
    assert approved_cyclonedx(one) == approved_cyclonedx(same)
    numbers = {json.loads(approved_cyclonedx(found))["serialNumber"] for found in (one, other)}
    assert len(numbers) == 2


def read(found: ApprovedList) -> Reader:
    return Reader(approved_page(found).decode("utf-8"))


@pytest.mark.parametrize("found", LISTS)
def test_the_page_needs_nothing_else_and_can_be_heard(found: ApprovedList) -> None:
    page = read(found)
    used = {tag for tag, _ in page.elements}
    assert not used & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not {"src", "href", "style"} & set(attributes), tag
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("main")) == len(page.all("h1")) == 1
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(set(ids)) == len(ids)
    for region in [one for one in page.all("div") if one.get("class") == "wide"]:
        assert region["role"] == "region" and region["tabindex"] == "0"
        assert region["aria-labelledby"] in ids
    assert len(page.all("table")) == len(page.all("caption"))
    for head in page.all("th"):
        assert head["scope"] in ("col", "row")


def test_the_page_says_what_was_approved_and_how_to_check_it() -> None:
    said = " ".join(read(approved(ENTRY, DATASET)).text.split())
    for words in (
        "On 2026-03-01 2 systems are approved",
        "Manifest agency, version 3",
        "signed by anna, ben",
        "Tiny (tiny, model), may go with fine-tune",
        "a person reviews",
        "by A. Officer on 2026-02-01, SEC-1",
        "1" * 64,
        "sha256sum agency.yaml",
        "grep -c '^ - id:' agency.yaml",
    ):
        assert words in said, words
    assert b"grep -c &#x27;^  - id:&#x27;" in approved_page(approved(ENTRY)), "both spaces"
    assert b"code { white-space: pre-wrap; }" in approved_page(approved(ENTRY))
    assert "It approves nothing." in read(approved()).text


def test_text_from_elsewhere_stays_text() -> None:
    plain, page = read(approved(ENTRY)), read(approved(HOSTILE_ENTRY))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", page.text)
