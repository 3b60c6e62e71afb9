"""The folder for a signer without localai: its bytes, its page and its script."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from localai.manifest.envelope import MANIFEST_TYPE, encode_for_signing
from localai.manifest.schema import Manifest, parse_manifest
from localai.manifest.signing import begin_manifest
from localai.manifest.write import write_manifest
from localai.reports.request import PAGE, PAYLOAD, SCRIPT, write_request

VECTOR = Path(__file__).parents[2] / "vectors" / "manifest" / "accepted-two-entries.yaml"


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def request(raw: bytes) -> tuple[Manifest, dict[str, bytes]]:
    manifest = parse_manifest(raw)
    return manifest, write_request(manifest, raw, encode_for_signing(MANIFEST_TYPE, raw))


@pytest.fixture
def made() -> tuple[Manifest, dict[str, bytes]]:
    return request(VECTOR.read_bytes())


def test_the_payload_is_what_is_signed(made: tuple[Manifest, dict[str, bytes]]) -> None:
    _, files = made
    assert files[PAYLOAD] == encode_for_signing(MANIFEST_TYPE, VECTOR.read_bytes())
    assert set(files) == {PAYLOAD, PAGE, SCRIPT}


def test_page_and_script_name_the_digest_of_the_payload(
    made: tuple[Manifest, dict[str, bytes]],
) -> None:
    _, files = made
    digest = sha256(files[PAYLOAD]).hexdigest()
    assert digest in Page(files[PAGE]).text
    assert f"$expected = '{digest}'" in files[SCRIPT].decode("ascii")
    assert b"@" not in files[SCRIPT].replace(b"@(Get-ChildItem", b"")


def test_the_page_shows_all_that_is_approved(made: tuple[Manifest, dict[str, bytes]]) -> None:
    manifest, files = made
    text = Page(files[PAGE]).text
    assert len(manifest.entries) == 2
    for entry in manifest.entries:
        for said in (entry.id, entry.name, entry.licence, entry.source.repository,
                     entry.approval.by, str(entry.approval.review_by), *entry.use.purposes,
                     *entry.use.data_classes, *(file.sha256 for file in entry.files)):  # fmt: skip
            assert said in text
    for line in VECTOR.read_text("utf-8").splitlines():
        assert line in text  # the whole manifest, comments and all


def test_page_and_script_say_that_the_script_was_not_run(
    made: tuple[Manifest, dict[str, bytes]],
) -> None:
    _, files = made
    for said in (Page(files[PAGE]).text, files[SCRIPT].decode().replace("\n# ", " ")):
        assert "could not be run where localai is made" in said


def test_the_page_runs_and_fetches_nothing(made: tuple[Manifest, dict[str, bytes]]) -> None:
    _, files = made
    page = Page(files[PAGE])
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not [value for _, found in page.tags for value in found if value.startswith("on")]
    assert "default-src 'none'" in files[PAGE].decode()
    assert "://" not in files[PAGE].decode()
    assert [tag for tag in page.tags if tag[0] == "html"] == [("html", {"lang": "en"})]
    assert len([tag for tag, _ in page.tags if tag == "h1"]) == 1


def test_what_others_wrote_stays_text() -> None:
    raw = VECTOR.read_bytes()
    entry = parse_manifest(raw).entries[0]
    spoiled = raw.replace(entry.name.encode(), b"<b onclick=x>&amp; bold", 1)
    _, files = request(spoiled)
    assert "<b onclick=x>&amp; bold" in Page(files[PAGE]).text
    assert "b" not in {tag for tag, _ in Page(files[PAGE]).tags}


def test_a_manifest_without_entries_says_so() -> None:
    _, files = request(write_manifest(begin_manifest("empty", date(2026, 1, 1))))
    assert "withdrawn" in Page(files[PAGE]).text


def test_the_script_reads_one_file_writes_two_and_sends_nothing(
    made: tuple[Manifest, dict[str, bytes]],
) -> None:
    """It cannot be run here; so its text is held to what it may do."""
    script = made[1][SCRIPT].decode("ascii")
    code = "\n".join(line for line in script.splitlines() if not line.startswith("#"))
    assert re.findall(r"\[IO\.File\]::(\w+)", code) == [
        "ReadAllBytes", "WriteAllBytes", "WriteAllBytes",
    ]  # fmt: skip
    for word in ("Invoke-", "Start-", "Net.", "Web", "Remove-", "Set-", "http", "Export-Pfx"):
        assert word not in code
    for opening, closing in ("()", "{}", "[]"):
        assert code.count(opening) == code.count(closing)
    assert "SHA384" in code
    assert "Pkcs1" in code
