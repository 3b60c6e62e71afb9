"""Proposals: what they carry, and what nobody can smuggle into one."""

from __future__ import annotations

import contextlib
import json
import random
from base64 import b64encode
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from office import TODAY, Office

from localai.errors import DocumentError
from localai.findings import Finding, Verdict
from localai.formats.contents import Fact
from localai.gguf.facts import TEMPLATE_KEY, GgufFacts, Template
from localai.manifest.draft import Unknown, draft_of
from localai.manifest.proposal import LIMIT, Proposal, parse_proposal, write_proposal
from localai.manifest.schema import Kind, Manifest, parse_manifest
from localai.manifest.verify import verify_manifest
from localai.manifest.write import write_manifest

SLY = "{{ messages }}\t\x1b[2J\u202e\u00a0\r\n"  # none of which a document may hold
Change = Callable[[dict[str, Any]], None]


def template(source: str, key: str = TEMPLATE_KEY) -> Template:
    return Template(key, source, sha256(source.encode()).hexdigest())


@pytest.fixture
def proposal(manifest: Manifest) -> Proposal:
    (entry,) = manifest.entries
    main = template(SLY)
    draft = draft_of(entry)._replace(gguf=GgufFacts("llama", 3, main.sha256))
    return Proposal(
        "pat",
        date(2026, 3, 1),
        draft,
        (Fact("architecture", "llama"), Fact("context", 512, "512 tokens")),
        (main, template("{{ tools }}", f"{TEMPLATE_KEY}.tool_use")),
        (Finding("gguf-kind", Verdict.PASS, "GGUF v3"),),
    )


def changed(proposal: Proposal, change: Change) -> bytes:
    """The proposal's document after a stranger had it in an editor."""
    document = json.loads(write_proposal(proposal))
    change(document)
    return json.dumps(document).encode()


def refuse(raw: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        parse_proposal(raw)


def test_it_reads_back(proposal: Proposal) -> None:
    found = parse_proposal(write_proposal(proposal))
    assert found._replace(facts=()) == proposal._replace(facts=())
    assert [fact.text for fact in found.facts] == ["llama", "512 tokens"]


def test_what_is_unknown_is_absent_and_says_so(proposal: Proposal) -> None:
    unknown = (Unknown.LICENCE, Unknown.SOURCE, Unknown.REVISION)
    draft = proposal.draft._replace(licence=None, source=None, unknown=unknown)
    raw = write_proposal(proposal._replace(draft=draft))
    document = json.loads(raw)
    assert document["unknown"] == ["licence", "source", "revision"]
    assert not document["entry"].keys() & {"licence", "source"}
    assert parse_proposal(raw).draft == draft


def drop(key: str) -> Change:
    return lambda document: document["entry"].pop(key)


def as_data(document: dict[str, Any]) -> None:
    """A dataset that carries a chat template: it would be shown where people read those."""
    document["entry"].update(kind="dataset")
    del document["entry"]["gguf"]


def name_unknown(*names: str) -> Change:
    return lambda document: document.update(unknown=list(names))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("licence"), "licence: a field is either unknown or given"),
        (drop("source"), "source: a field is either unknown or given"),
        (name_unknown("licence"), "licence: a field is either unknown or given"),
        (name_unknown("revision"), "revision: a field is either unknown or given"),
        (name_unknown("digest"), "unknown: 'digest'"),
        (drop("files"), "files: missing"),
        (drop("gguf"), "gguf: missing"),
        (drop("use"), "use: missing"),
        (lambda document: document["entry"].update(files=[]), "at least one file"),
        (lambda document: document["entry"].update(kind="dataset"), "unknown key 'gguf'"),
        (as_data, "templates: a dataset has none"),
        (lambda document: document["entry"].update(id="../../x"), "id: "),
        (lambda document: document["entry"].update(name="a\u202eb"), "U\\+202E"),
        (
            lambda document: document["entry"].update(approval={"by": "me"}),
            "unknown key 'approval'",
        ),
        (lambda document: document.update(signatures=[]), "unknown key 'signatures'"),
        (lambda document: document.update({"proposed-by": "pat\x1b[2J"}), "U\\+001B"),
        (lambda document: document.update(schema="localai.manifest/1"), "was expected"),
        (lambda document: document["findings"][0].update(verdict="fine"), "verdict: 'fine'"),
        (lambda document: document["findings"][0].update(evidence="x" * 4001), "at most 4000"),
        (lambda document: document["facts"].extend(document["facts"] * 60), "at most 100"),
        # rows of its writer's choice, beside the digest that is pinned and before an answer
        (lambda document: document["facts"][0].update(name="sha256"), "name: 'sha256'"),
        (lambda document: document["facts"][0].update(name="looked at"), "name: 'looked at'"),
        (lambda document: document["findings"][0].update(check="artifact-approved"), "check: 'art"),
    ],
)
def test_what_is_not_as_it_must_be(proposal: Proposal, change: Change, words: str) -> None:
    refuse(changed(proposal, change), words)


def test_a_template_is_what_its_digest_says(proposal: Proposal) -> None:
    """Else an officer would read another one than a start is held to."""
    other = b64encode(b"{{ messages }}").decode()
    for number in (0, 1):

        def swap(document: dict[str, Any], number: int = number) -> None:
            document["templates"][number]["base64"] = other

        refuse(changed(proposal, swap), "the template that is carried has")


def test_the_template_that_is_pinned_is_carried(proposal: Proposal) -> None:
    words = "is not among them"
    refuse(changed(proposal, lambda document: document["templates"].pop(0)), words)

    def under_another_key(document: dict[str, Any]) -> None:
        document["templates"][0]["key"] = f"{TEMPLATE_KEY}.other"

    refuse(changed(proposal, under_another_key), words)

    def pin_another(document: dict[str, Any]) -> None:
        document["entry"]["gguf"]["template-sha256"] = document["templates"][1]["sha256"]

    refuse(changed(proposal, pin_another), words)


def test_there_is_no_second_one_beside_it(proposal: Proposal) -> None:
    """Whoever reads the first one would not know that the other is pinned."""

    def add(document: dict[str, Any]) -> None:
        document["templates"][1]["key"] = TEMPLATE_KEY

    refuse(changed(proposal, add), "which is not pinned")

    def pin_none(document: dict[str, Any]) -> None:
        del document["entry"]["gguf"]["template-sha256"]

    refuse(changed(proposal, pin_none), "which is not pinned")


@pytest.mark.parametrize("content", ["%%%%", "e30", "e30=\n", b64encode(b"\xff\xfe").decode()])
def test_a_template_that_is_no_text(proposal: Proposal, content: str) -> None:
    def put(document: dict[str, Any]) -> None:
        document["templates"][0]["base64"] = content

    refuse(changed(proposal, put), "base64")


def test_whatever_the_bytes_it_is_read_or_refused(proposal: Proposal) -> None:
    whole, source = write_proposal(proposal), random.Random(1)
    read = 0
    for _ in range(2000):
        raw = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            raw[source.randrange(len(raw))] = source.choice(b'\x00\xff"{}[],:\\0aA \n')
        with contextlib.suppress(DocumentError):
            found = parse_proposal(bytes(raw[: source.choice((len(raw), len(raw) - 3))]))
            read += 1
            for one in found.templates:
                assert sha256(one.source.encode()).hexdigest() == one.sha256
    assert 0 < read < 2000


def test_it_is_capped(proposal: Proposal) -> None:
    refuse(b" " * (LIMIT + 1), "more than the")
    huge = template("x" * LIMIT)
    draft = proposal.draft._replace(gguf=GgufFacts("llama", 3, huge.sha256))
    with pytest.raises(DocumentError, match="more than the"):
        write_proposal(proposal._replace(draft=draft, templates=(huge,)))


def test_the_largest_templates_that_an_inspection_lets_through_fit(proposal: Proposal) -> None:
    many = tuple(template("\U0001f600" * (128 << 10), f"{TEMPLATE_KEY}.{n}") for n in range(4))
    whole = proposal._replace(templates=(*proposal.templates, *many))
    assert parse_proposal(write_proposal(whole)).templates == whole.templates


def test_what_a_file_says_is_written_as_a_terminal_may_show_it(proposal: Proposal) -> None:
    sly = Finding("gguf-text", Verdict.NOTE, "a\x1b[2Jb", "x\u202e\n" * 5000, "", " ")
    raw = write_proposal(
        proposal._replace(facts=(Fact("name", "\x1b]0;x\x07"), Fact("empty", " ")), findings=(sly,))
    )
    found = parse_proposal(raw)
    assert found.facts == (Fact("name", "\\x1b]0;x\\x07"),)
    assert found.findings[0].summary == "a\\x1b[2Jb"
    assert found.findings[0].evidence.endswith("...") and found.findings[0].remedy == ""


def test_a_name_in_bytes_that_are_no_text_is_told(proposal: Proposal) -> None:
    with pytest.raises(DocumentError, match="not UTF-8"):
        write_proposal(proposal._replace(by="caf\udce9"))


def test_nothing_takes_a_proposal_for_a_manifest(
    proposal: Proposal, manifest: Manifest, office: Office
) -> None:
    """Nor the other way round; and whoever has one signed all the same has approved nothing."""
    raw = write_proposal(proposal)
    with pytest.raises(DocumentError):
        parse_manifest(raw)
    with pytest.raises(DocumentError):
        parse_proposal(write_manifest(manifest))
    signed = verify_manifest(raw, office.sign(raw), office.trust, today=TODAY, floors={})
    assert signed.entries == () and signed.findings[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.DATASET}))
def test_every_kind_of_gguf_file(proposal: Proposal, kind: Kind) -> None:
    draft = proposal.draft._replace(kind=kind)
    assert parse_proposal(write_proposal(proposal._replace(draft=draft))).draft.kind is kind
