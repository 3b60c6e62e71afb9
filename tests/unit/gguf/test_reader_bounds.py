"""How much the reader reads, keeps and takes, whatever a file claims."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import gguf_maker as maker
from localai.errors import DocumentError
from localai.gguf import cursor, reader
from localai.gguf.check import check_structure
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.reader import read_gguf

GB, TB = 1 << 30, 1 << 40
BOUND = 64 << 20  # bytes of memory that the reader's docstring promises never to exceed
KNOWN = maker.entry("general.architecture", maker.STRING, "llama")

# Reads the file behind a descriptor with so much more address space than Python has already, and
# says how it ended. Caps can be taken away first.
CHILD = """
import re, resource, sys
from localai.errors import DocumentError
from localai.gguf import cursor, reader
fd, size, more = map(int, sys.argv[1:4])
for cap in sys.argv[4:]:
    setattr(cursor if hasattr(cursor, cap) else reader, cap, 1 << 62)
with open("/proc/self/status") as status:
    used = int(re.search(r"VmSize:\\s+(\\d+) kB", status.read())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + more, used + more))
try:
    reader.read_gguf(fd, size)
except DocumentError:
    print("refused")
except MemoryError:
    print("out of memory")
else:
    print("read")
"""

# Inspects the file behind a descriptor and says how many bytes of memory the process ever had.
INSPECTOR = """
import re, sys
from localai.gguf.inspect import OpenGguf, inspect
from localai.gguf.reader import read_gguf
fd, size = map(int, sys.argv[1:])
header = read_gguf(fd, size)
inspect([OpenGguf(fd, header)])
assert header.metadata["tokenizer.ggml.tokens"].length == 500_000
with open("/proc/self/status") as status:
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) << 10)
"""


@pytest.fixture
def memory() -> Iterator[int]:
    """A file that exists in memory only, and may have holes."""
    fd = os.memfd_create("test")
    yield fd
    os.close(fd)


def write(fd: int, data: bytes, size: int = 0) -> int:
    """Write ``data``, and make the file ``size`` bytes long if that is more."""
    os.truncate(fd, 0)
    assert os.pwrite(fd, data, 0) == len(data)
    os.ftruncate(fd, max(len(data), size))
    return max(len(data), size)


def array(key: str, kind: int, count: int, content: bytes) -> bytes:
    return maker.string(key) + struct.pack("<IIQ", maker.ARRAY, kind, count) + content


def most_tensors(count: int = reader.MAX_TENSORS) -> maker.Parts:
    """Tensors with the longest names and four dimensions; as many as may be."""
    infos = (maker.tensor_info(f"{n:063d}", [1, 1, 1, 8], 0, 32 * n) for n in range(count))
    return maker.Parts(tensors=tuple(infos), data=bytes(32 * count))


def most_numbers() -> maker.Parts:
    """Numbers that are kept, until no more may be; and as many entries as may be."""
    content = b"\xff" * 8 * 100
    arrays = (array(f"k{n}", maker.U64, 100, content) for n in range(4600))
    small = (maker.entry(f"s{n}", maker.U8, 1) for n in range(reader.MAX_ENTRIES - 4600))
    return maker.Parts((*small, *arrays))


def most_words() -> maker.Parts:
    """Short lists, all of whose words are kept."""
    words = ["a word of a list in which words are long"] * reader.KEPT_WORDS
    return maker.Parts(
        tuple(maker.entry_array(f"k{n}", maker.STRING, words) for n in range(reader.MAX_ENTRIES))
    )


def most_text() -> maker.Parts:
    """Texts that take four times as much memory as they have bytes, for one character's sake."""
    text = "\U0001f512" + "a" * (cursor.MAX_TEXT - 4)
    return maker.Parts(tuple(maker.entry(f"k{n}", maker.STRING, text) for n in range(8)))


def read_in_child(fd: int, size: int, *without: str) -> str:
    command = [sys.executable, "-c", CHILD, str(fd), str(size), str(BOUND), *without]
    ended = subprocess.run(command, pass_fds=[fd], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


GREEDY: dict[str, tuple[Callable[[], maker.Parts], str]] = {
    "tensors": (most_tensors, "read"),
    "numbers": (most_numbers, "refused"),
    "words": (most_words, "refused"),
    "text": (most_text, "refused"),
}


@pytest.mark.parametrize("what", GREEDY)
def test_memory_has_a_bound(memory: int, what: str) -> None:
    make, expected = GREEDY[what]
    size = write(memory, make().bytes())
    assert read_in_child(memory, size) == expected


def test_the_parts_of_a_set_share_what_may_be_kept(memory: int) -> None:
    """Forty files that each keep what one file may would be forty times as much."""
    parts = most_numbers()._replace(entries=most_numbers().entries[-1800:])
    size = write(memory, parts.bytes())
    files = [read_gguf(memory, size)]
    assert cursor.MAX_KEPT // 3 < files[0].memory < cursor.MAX_KEPT // 2
    files.append(read_gguf(memory, size, files))
    assert files[1].memory == files[0].memory
    with pytest.raises(DocumentError, match=r"more than .* bytes of memory"):
        read_gguf(memory, size, files)


def test_the_parts_of_a_set_share_what_arrays_may_hold(memory: int) -> None:
    count = reader.MAX_ELEMENTS // 2 + 1
    tokens = array("tokenizer.ggml.tokens", maker.STRING, count, bytes(8 * count))
    size = write(memory, maker.Parts((tokens,)).bytes())
    first = read_gguf(memory, size)
    with pytest.raises(DocumentError, match=f"more than {reader.MAX_ELEMENTS} array elements"):
        read_gguf(memory, size, [first])


def test_without_the_caps_memory_would_have_none(memory: int) -> None:
    size = write(memory, most_text().bytes())
    assert read_in_child(memory, size, "MAX_KEPT") == "out of memory"
    size = write(memory, most_tensors(6 * reader.MAX_TENSORS).bytes())
    assert read_in_child(memory, size) == "refused"
    assert read_in_child(memory, size, "MAX_TENSORS", "MAX_KEPT") == "out of memory"


def test_half_a_million_tokens_are_inspected_in_100_megabytes(memory: int) -> None:
    names = [f"token-{n}" for n in range(500_000)]
    entries = (
        maker.entry("tokenizer.ggml.model", maker.STRING, "gpt2"),
        maker.entry_array("tokenizer.ggml.tokens", maker.STRING, names),
        maker.entry_array("tokenizer.ggml.merges", maker.STRING, [f"{n} x" for n in names]),
        array("tokenizer.ggml.scores", maker.F32, len(names), bytes(4 * len(names))),
        array("tokenizer.ggml.token_type", maker.I32, len(names), b"\1\0\0\0" * len(names)),
    )
    size = write(memory, maker.Parts((KNOWN, *entries)).bytes())
    command = [sys.executable, "-c", INSPECTOR, str(memory), str(size)]
    ended = subprocess.run(command, pass_fds=[memory], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 100_000_000


@pytest.mark.parametrize("flaw", ["keys", "tensors"])
def test_a_million_is_refused_before_the_first_is_read(memory: int, flaw: str) -> None:
    counts = (0, 1_000_000) if flaw == "keys" else (1_000_000, 0)
    content = maker.entry("k", maker.U8, 1) * 1_000_000
    size = write(memory, b"GGUF" + struct.pack("<IQQ", 3, *counts) + content)
    with pytest.raises(DocumentError, match=r"1000000 .*, more than"):
        read_gguf(memory, size)


def test_arrays_a_thousand_deep_are_refused_at_the_first(memory: int) -> None:
    nested = struct.pack("<IQ", maker.ARRAY, 1) * 1000 + struct.pack("<IQB", maker.U8, 1, 1)
    entry = maker.string("k") + struct.pack("<I", maker.ARRAY) + nested
    size = write(memory, maker.Parts((entry,)).bytes())
    with pytest.raises(DocumentError, match="an array of arrays under 'k'"):
        read_gguf(memory, size)


def test_two_gigabytes_of_zeros_behind_a_good_file(memory: int) -> None:
    whole = maker.make_model()
    size = write(memory, whole, 2 * GB)
    file = read_gguf(memory, size)
    assert file.tensors == read_gguf(memory, len(whole)).tensors
    assert [f.summary for f in check_structure([file])] == ["GGUF v3", "unused bytes"]
    inspect([OpenGguf(memory, file)])  # comes to an end


def test_two_gigabytes_of_zeros_instead_of_tokens(memory: int) -> None:
    tokens = array("tokenizer.ggml.tokens", maker.STRING, reader.MAX_ELEMENTS, b"")
    size = write(memory, maker.Parts((KNOWN, tokens), entry_count=3).bytes(), 2 * GB)
    with pytest.raises(DocumentError, match="an empty key"):
        read_gguf(memory, size)


def test_a_hole_of_ten_terabytes(memory: int) -> None:
    """Which a header may claim to be all of it."""
    tensor = maker.tensor_info("t", [10 * TB // 4], 0, 0)
    size = write(memory, maker.Parts((KNOWN,), (tensor,)).bytes(), 11 * TB)
    (found,) = read_gguf(memory, size).tensors
    assert found.size == 10 * TB


@pytest.mark.parametrize("length", [cursor.WINDOW, cursor.MAX_TEXT])
def test_a_header_has_an_end_though_the_file_has_none(
    memory: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens as long as a window, of which each would be read for its length alone."""
    tokens = array("tokenizer.ggml.tokens", maker.STRING, reader.MAX_ELEMENTS, b"")
    first = 24 + len(tokens)
    size = write(memory, maker.Parts((tokens,)).bytes(), 11 * TB)
    for place in range(first, 2 * cursor.MAX_HEADER, 8 + length):
        os.pwrite(memory, struct.pack("<Q", length), place)
    read = count_reads(monkeypatch)
    with pytest.raises(DocumentError, match=f"a header of more than {cursor.MAX_HEADER} bytes"):
        read_gguf(memory, size)
    assert sum(read) <= cursor.MAX_HEADER + cursor.WINDOW


def test_a_token_has_an_end(memory: int) -> None:
    length = cursor.MAX_TEXT + cursor.WINDOW
    tokens = array("tokenizer.ggml.tokens", maker.STRING, 1, struct.pack("<Q", length))
    size = write(memory, maker.Parts((tokens,)).bytes(), GB)
    with pytest.raises(DocumentError, match=f"a string of more than {cursor.MAX_TEXT} bytes"):
        read_gguf(memory, size)


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The length of every read from now on."""
    lengths: list[int] = []

    def pread(fd: int, length: int, offset: int) -> bytes:
        lengths.append(length)
        return real(fd, length, offset)

    real = os.pread
    monkeypatch.setattr(os, "pread", pread)
    return lengths
