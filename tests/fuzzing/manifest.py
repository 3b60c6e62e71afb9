"""The two readers of a manifest, with any bytes: what the faster one reads, the strict one reads,
and reads the same.

It leaves most inputs to the other, so each is also tried behind a head and within an entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fuzzing.judge import hold_against
from localai import document
from localai.document import decode_text
from localai.document.yamltree import read_tree
from localai.errors import DocumentError
from localai.manifest import schema
from localai.manifest.schema import LIMIT, Manifest
from localai.manifest.written import read_written
from localai.shape import read_shape

MODULES = ("localai.manifest.written", "localai.manifest.schema")
LONGEST = 4096
WORDS = (
    *(b"\n", b"  ", b"    ", b"- ", b"---\n", b"...\n", b"# c\n", b" # c", b"\n\n", b"\n   \n"),
    *(
        b": ",
        b":\n",
        b": |\n",
        b": >\n",
        b": ''",
        b": '",
        b': ""',
        b': "',
        b'"',
        b"'",
        b"\\",
        b'\\"',
    ),
    *(b"\\\\", b"\\n", b"\\x41", b"\\u0041", b"\\\n", b"[", b"]", b", ", b",", b"[]", b"{", b"}"),
    *(
        b"&a ",
        b"*a",
        b"!a ",
        b"? ",
        b"<<",
        b"%YAML 1.2\n",
        b"~",
        b"null",
        b"\xc3\xa9",
        b"\xf0\x9f\x98\x80",
    ),
    *(
        b"\xef\xbf\xbe",
        b"\xef\xbf\xbf",
        b"\xef\xbb\xbf",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\t",
        b"\r\n",
    ),
    *(
        b"entries:\n",
        b"  - id: ",
        b"    name: ",
        b"    kind: model\n",
        b"    note: ",
        b"    files:\n",
    ),
    *(b"      - name: ", b"        size: ", b"    use:\n", b"2026-02-30", b"0", b"01", b"nul.gguf"),
)
VECTORS = Path(__file__).parents[1] / "vectors" / "manifest"
HEAD, ENTRY = (VECTORS / "accepted.yaml").read_bytes().split(b"  - id", 1)


def prepare() -> None:
    """Nothing: the caps are those of every manifest."""


def run(data: bytes) -> None:
    check(data)
    check(HEAD + data)
    first, second = ENTRY[: len(ENTRY) // 2], ENTRY[len(ENTRY) // 2 :]
    for begin in (first, first.rpartition(b"\n")[0]):
        check(HEAD + b"  - id" + begin + data + second)


def read_strictly(raw: bytes) -> Manifest:
    """The manifest as YAML alone reads it. Raises DocumentError."""
    tree = read_tree(decode_text(raw, limit=LIMIT), LIMIT // document.BYTES_A_VALUE)
    return read_shape(tree, "manifest", schema._read_manifest)


def check(data: bytes) -> None:
    """Raises Broken if the readers do not agree."""
    try:
        found = read_written(decode_text(data, limit=LIMIT))
    except DocumentError:
        return
    hold_against(found, lambda: read_strictly(data))


def seeds() -> Iterator[bytes]:
    """The manifests of the tests, each with what must become of it."""
    for path in sorted(VECTORS.glob("*.yaml")):
        yield path.read_bytes()
