"""What a bundle brings counts by what the host trusts, and nothing is written before that."""

from __future__ import annotations

import re
import tarfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hosts import FILES, ONE, TODAY, TWO, Host, Officer, lists, seal

from bring import SOURCE
from localai.bundle import judging, taking
from localai.bundle.contents import Artifact, Contents, Signed
from localai.bundle.frame import END, make_header, make_padding
from localai.cli.roots.pinning import pin_given
from localai.cli.stores import bundling
from localai.errors import Exit, UsageError
from localai.findings import refused
from localai.manifest.chain import read_trusted
from localai.manifest.envelope import MANIFEST_TYPE
from localai.manifest.load import load_manifests, load_revocations, load_trust
from localai.manifest.revocation import Kind, Revoked
from localai.manifest.schema import ArtifactFile
from localai.manifest.signature import generate_key
from localai.manifest.trust import parse_root
from localai.store.arrival import clear
from localai.store.check import check_held, check_store
from localai.store.held import find_held, list_held
from localai.store.origin import Origin
from localai.store.state import State

DIGEST = sha256(ONE).hexdigest()


def is_whole(host: Host, name: str = "tiny") -> bool:
    held = find_held(host.store, name)
    assert [path.read_bytes() for path in held.paths] == [ONE, TWO]
    assert held.state is State.APPROVED
    assert not any(one.finding.refuses for one in check_store(host.store))
    return check_held(held).finding.summary == "intact"


def test_an_artifact_arrives_with_what_approves_it(
    bundle: Path, sealed: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sealed.imports(bundle) is Exit.DONE
    assert is_whole(sealed)
    (manifest,) = load_manifests(sealed.places, TODAY)
    assert [one.id for one in manifest.entries] == ["tiny"]
    assert not list((sealed.store / "incoming").iterdir())
    assert find_held(sealed.store, "tiny").origin.arrived == TODAY  # type: ignore[union-attr]
    shown = capsys.readouterr()
    path, _ = find_held(sealed.store, "tiny").paths  # no store of whoever runs the tests
    assert shown.out.endswith(f"localai run {path}\n")
    before = sealed.all_files()
    assert sealed.imports(bundle) is Exit.DONE
    assert "here already: tiny" in capsys.readouterr().err
    assert sealed.all_files() == before


def refuses(host: Host, bundle: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said; nothing of the host is another than before."""
    before = host.all_files()
    assert host.imports(bundle) is Exit.REFUSED
    after = host.all_files()
    after.pop("state/floors.json", None)
    before.pop("state/floors.json", None)
    assert after == before
    assert not list_held(host.store)
    said = capsys.readouterr()
    assert "not imported" in said.err
    return " ".join(said.out.split())


def packs(
    staging: Host, *manifests: tuple[bytes, bytes], roots: tuple[Signed, ...] | None = None
) -> Path:
    """A bundle with other manifests, or other roots."""
    contents = staging.contents()
    kept = contents.roots if roots is None else roots
    signed = tuple(Signed(*one) for one in manifests)
    return staging.packs(contents._replace(manifests=signed, roots=kept), ONE, TWO)


def test_without_a_root_of_trust_nothing_counts(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever carries a bundle must not be able to found what it is judged by."""
    bare = Host(tmp_path / "bare")
    bare.place.mkdir()
    said = refuses(bare, bundle, capsys)
    assert "no root of trust is pinned here" in said
    assert "tar -xf BUNDLE roots" in said
    assert not bare.places.root.exists()


def test_a_second_root_under_the_name_of_the_first(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is shown is the first, what tar unpacks the last: so the remedy names the digest."""
    bare, forged = Host(tmp_path / "bare"), Officer().root()
    bare.place.mkdir()
    members = zip(("roots/1.root.json", "roots/1.root.dsse.json"), forged, strict=True)
    more = (make_header(name, len(raw)) + raw + make_padding(len(raw)) for name, raw in members)
    bundle.write_bytes(bundle.read_bytes().removesuffix(END) + b"".join(more) + END)
    said = refuses(bare, bundle, capsys)
    told = re.search(r"roots/1\.root\.json --fingerprint ([0-9a-f]{64})", said.replace("\n", ""))
    assert told
    with tarfile.open(bundle) as found:
        found.extractall(tmp_path, filter="data")
    unpacked = tmp_path / "roots" / "1.root.json"
    assert unpacked.read_bytes() == forged[0]
    with pytest.raises(UsageError, match="has the fingerprint"):
        pin_given(bare.around, unpacked, told[1])
    assert not bare.places.root.exists()
    assert pin_given(bare.around, unpacked, None) != told[1]


def test_manifests_that_do_not_count(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = lists(*FILES)
    raw, _ = officer.manifest(entry)
    cases = {
        "not signed by a trusted key": officer.manifest(entry, key=generate_key()),
        "expired": officer.manifest(entry, until=date(2026, 1, 20)),
        "signed as something else": (raw, seal("application/x", raw, officer.key)),
        "signatures malformed": (raw, b"{}"),
        "malformed": (b"x: y\n", seal(MANIFEST_TYPE, b"x: y\n", officer.key)),
        "review overdue": officer.manifest(lists(*FILES, review=date(2026, 1, 3))),
        "not as one artifact of exactly these": officer.manifest(
            lists(FILES[0]), lists(FILES[1], entry="second")
        ),
        "not in the manifest": officer.manifest(lists(FILES[0])),
        "not an entry's files": officer.manifest(lists(*FILES, ("three.gguf", b"more"))),
    }
    for summary, signed in cases.items():
        assert summary in refuses(sealed, packs(staging, signed), capsys), summary
    assert "not in the manifest" in refuses(sealed, packs(staging), capsys)


def test_two_manifests_of_one_name(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    both = officer.manifest(lists(*FILES)), officer.manifest(lists(*FILES), version=2)
    assert "two manifests named agency" in refuses(sealed, packs(staging, *both), capsys)


def test_an_older_manifest_is_refused(
    bundle: Path,
    staging: Host,
    sealed: Host,
    officer: Officer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Version 2 came first, and does not approve it any more."""
    file = ("x.gguf", b"x")
    signed = Signed(*officer.manifest(lists(file, entry="x"), version=2))
    newer = staging.packs(
        Contents((make_artifact("x", file),), staging.contents().roots, (signed,)), b"x"
    )
    assert sealed.imports(newer) is Exit.DONE
    before = sealed.all_files()
    capsys.readouterr()
    assert sealed.imports(bundle) is Exit.REFUSED
    said = capsys.readouterr().out
    assert "rolled back" in said
    assert sealed.all_files() == before
    assert [one.id for one in list_held(sealed.store)] == ["x"]
    # the very same, where nobody saw version 2
    (sealed.places.state / "floors.json").unlink()
    (sealed.places.manifests / "agency.yaml").unlink()
    assert sealed.imports(bundle) is Exit.DONE


def make_artifact(name: str, *files: tuple[str, bytes]) -> Artifact:
    measured = tuple(ArtifactFile(one, len(raw), sha256(raw).hexdigest()) for one, raw in files)
    return Artifact(name, Origin(SOURCE, TODAY, measured))


def test_one_version_has_one_content(
    bundle: Path, staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sealed.imports(bundle) is Exit.DONE
    other = officer.manifest(lists(*FILES), lists(("y.gguf", b"y"), entry="y"))
    assert sealed.imports(packs(staging, other)) is Exit.REFUSED
    assert "two contents" in capsys.readouterr().out


def test_a_manifest_that_is_here_will_do(staging: Host, sealed: Host, officer: Officer) -> None:
    sealed.has_manifest(officer.manifest(lists(*FILES)))
    assert sealed.imports(packs(staging, roots=())) is Exit.DONE
    assert is_whole(sealed)


def test_what_nobody_lists_goes_without_manifests(staging: Host, sealed: Host) -> None:
    """And without roots: the other host has its own."""
    staging.brings("other", [("other.gguf", b"other")])
    contents = staging.contents("other")
    assert (contents.roots, contents.manifests, contents.revocation) == ((), (), None)


def test_what_was_revoked_here(
    bundle: Path, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Revoked(Kind.SHA256, DIGEST, date(2026, 1, 5), "it leaks")
    sealed.has_revoked(officer.revocations(line))
    assert "it leaks" in refuses(sealed, bundle, capsys)


def test_a_list_of_what_is_revoked_travels(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    older, other = staging.creates(out="older"), Revoked(Kind.ENTRY, "x", TODAY, "why not")
    staging.has_revoked(officer.revocations(other))
    assert sealed.imports(staging.creates(out="newer")) is Exit.DONE
    trust = load_trust(sealed.places, TODAY)
    assert load_revocations(sealed.places, trust, None).revoked == (other,)
    # one that is newer here stays, and so does it if a bundle has none
    lines = other, other._replace(value="y")
    sealed.has_revoked(officer.revocations(*lines, version=2))
    for path in (staging.place / "newer", older):
        assert sealed.imports(path) is Exit.DONE
        assert load_revocations(sealed.places, trust, None).version == 2
    contents = staging.contents()
    forged = Signed(officer.revocations()[0], officer.manifest()[1])
    path = staging.packs(contents._replace(revocation=forged), ONE, TWO)
    assert sealed.imports(path) is Exit.REFUSED
    assert "revocation list not signed by its keys" in " ".join(capsys.readouterr().out.split())
    assert load_revocations(sealed.places, trust, None).version == 2


def test_a_newer_root_is_followed(staging: Host, sealed: Host, officer: Officer) -> None:
    roots = Signed(*officer.root()), Signed(*officer.root(2))
    signed = officer.manifest(lists(*FILES), key=officer.next_key)
    assert sealed.imports(packs(staging, signed, roots=roots)) is Exit.DONE
    assert parse_root(read_trusted(sealed.places).raw).version == 2
    assert is_whole(sealed)
    # what the first root's key signed counts no longer
    assert sealed.imports(packs(staging, officer.manifest(lists(*FILES)))) is Exit.REFUSED


def test_roots_that_lead_nowhere(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    first, other = Signed(*officer.root()), Officer(next_key=officer.next_key)
    good = officer.manifest(lists(*FILES))
    theirs = other.manifest(lists(*FILES))
    cases = (
        ("two different roots of version 1", (Signed(*other.root()),), theirs),
        ("0 of 1 signatures", (first, Signed(*other.root(2))), good),
        ("out of order", (first, Signed(*officer.root(3))), good),
        ("malformed", (Signed(b"{}", b"{}"),), good),
    )
    for problem, roots, signed in cases:
        assert problem in refuses(sealed, packs(staging, signed, roots=roots), capsys)


def damage(bundle: Path) -> Path:
    raw = bundle.read_bytes()
    at = raw.index(TWO)
    damaged = bundle.with_name("damaged")
    damaged.write_bytes(raw[:at] + b"X" + raw[at + 1 :])
    return damaged


def test_bytes_with_another_digest(
    bundle: Path,
    sealed: Host,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damaged = damage(bundle)
    said = refuses(sealed, damaged, capsys)
    assert "has the digest" in said
    (arriving,) = (sealed.store / "incoming").iterdir()
    assert [one.name for one in arriving.iterdir()] == [DIGEST]  # the good one, to go on from
    clear(sealed.store)
    # without the comparison it is in the store, and only a start would see it
    go_on = taking._go_on
    monkeypatch.setattr(taking, "_go_on", lambda *one: (go_on(*one), one[4].sha256)[1])
    assert sealed.imports(damaged) is Exit.DONE
    assert check_held(find_held(sealed.store, "tiny")).finding.refuses


def test_without_the_judgement_anything_counts(
    staging: Host, sealed: Host, officer: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control of all the refusals above."""
    path = packs(staging, officer.manifest(lists(*FILES, review=date(2026, 1, 15))))
    assert sealed.imports(path) is Exit.REFUSED
    monkeypatch.setattr(bundling, "refused", lambda _: False)
    monkeypatch.setattr(taking, "refused", lambda _: False)
    assert sealed.imports(path) is Exit.DONE
    assert find_held(sealed.store, "tiny").state is State.APPROVED


def test_a_name_that_is_taken(
    bundle: Path, sealed: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inspected, judged and imported it is the same answer; and nobody's files are replaced."""
    sealed.brings("tiny", [("one.gguf", b"something else")])
    before = sealed.all_files()
    assert bundling.inspect(sealed.around, bundle).exit_code is Exit.REFUSED
    assert sealed.imports(bundle) is Exit.REFUSED
    assert "another tiny is in the store" in " ".join(capsys.readouterr().out.split())
    assert sealed.all_files() == before


def test_what_lies_in_quarantine_stays_there(bundle: Path, sealed: Host) -> None:
    """The next step of what somebody else brought is a promotion."""
    sealed.brings("tiny", FILES)
    assert sealed.imports(bundle) is Exit.DONE
    assert find_held(sealed.store, "tiny").state is State.QUARANTINE


def test_files_lie_there_once(staging: Host, sealed: Host) -> None:
    staging.brings("twin", FILES)
    both = staging.creates("tiny", "twin", out="both")
    assert both.read_bytes().count(ONE) == 1
    assert sealed.imports(both) is Exit.DONE
    assert is_whole(sealed)
    assert is_whole(sealed, "twin")
    assert find_held(sealed.store, "tiny").paths[0].stat().st_nlink == 2


def test_another_command_changed_what_counts_meanwhile(
    bundle: Path,
    sealed: Host,
    officer: Officer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is judged again when it is put where it counts, and nobody can change that then."""
    read = bundling.read_files

    def revoke_meanwhile(*given: object) -> None:
        read(*given)  # type: ignore[arg-type]
        line = Revoked(Kind.ENTRY, "tiny", TODAY, "just now")
        sealed.has_revoked(officer.revocations(line))

    monkeypatch.setattr(bundling, "read_files", revoke_meanwhile)
    assert sealed.imports(bundle) is Exit.REFUSED
    assert "just now" in capsys.readouterr().out
    assert not list_held(sealed.store)
    assert not (sealed.places.manifests / "agency.yaml").exists()


def test_inspect_says_the_same_and_writes_nothing(
    bundle: Path, sealed: Host, tmp_path: Path
) -> None:
    good = bundling.inspect(sealed.around, bundle)
    assert good.exit_code is Exit.DONE
    assert good.contents
    assert [one.id for one in good.contents.artifacts] == ["tiny"]
    bad = bundling.inspect(sealed.around, damage(bundle))
    assert bad.exit_code is Exit.REFUSED
    assert bad.findings[-1].summary == "not as it was made"
    none = bundling.inspect(sealed.around, Path(__file__))
    assert (none.contents, none.exit_code) == (None, Exit.REFUSED)
    bare = bundling.inspect(Host(tmp_path / "bare").around, bundle)
    assert [one.check for one in bare.findings if one.refuses] == [judging.ROOT]
    assert refused(bare.findings)
    assert not sealed.store.exists()


def test_two_artifacts_of_one_name(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are approved, and neither is in the store: the second one must not stop half-way."""
    file = ("x.gguf", b"x")
    signed = Signed(*officer.manifest(lists(*FILES), lists(file, entry="x")))
    contents = staging.contents()._replace(manifests=(signed,))
    twins = contents._replace(artifacts=(*contents.artifacts, make_artifact("tiny", file)))
    assert "stands twice" in refuses(sealed, staging.packs(twins, ONE, TWO, b"x"), capsys)


def test_what_another_import_brought_meanwhile(
    bundle: Path,
    staging: Host,
    sealed: Host,
    officer: Officer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same artifact in two bundles at once: both imports end well."""
    other = packs(staging, officer.manifest(lists(*FILES), version=2))
    read = bundling.read_files

    def import_meanwhile(*given: Any) -> None:
        monkeypatch.setattr(bundling, "read_files", read)
        assert sealed.imports(bundle) is Exit.DONE
        read(*given)

    monkeypatch.setattr(bundling, "read_files", import_meanwhile)
    assert sealed.imports(other) is Exit.DONE
    assert is_whole(sealed)
    (manifest,) = load_manifests(sealed.places, TODAY)
    assert manifest.verification.manifest
    assert manifest.verification.manifest.version == 2
    assert not list((sealed.store / "incoming").iterdir())


def test_more_files_than_anybody_looks_up(
    staging: Host, sealed: Host, officer: Officer, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are all one file, so the bundle is small; each would be looked up in each manifest."""
    files = [(f"{number}.gguf", b"x") for number in range(1000)]
    for number, expected in ((10, "not in the manifest"), (11, "more than 10000 files")):
        artifacts = tuple(make_artifact(f"x{one}", *files) for one in range(number))
        signed = Signed(*officer.manifest(lists(*FILES)))
        packed = Contents(artifacts, staging.contents().roots, (signed,))
        assert expected in refuses(sealed, staging.packs(packed, b"x"), capsys)
