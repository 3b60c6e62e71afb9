"""What stands in the vocabulary itself: one pass over its tokens, however many there are."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator

from localai.findings import Finding, Verdict
from localai.gguf.elements import each_batch, find_number
from localai.gguf.facts import Array, GgufFile
from localai.gguf.finding import fail, name_some, note
from localai.gguf.text import Sightings
from localai.gguf.tokenizer import CHECK, PREFIX
from localai.gguf.types import ValueType

MOST = 1 << 19  # tokens that are compared with each other; large vocabularies have 300,000
MOST_BYTES = 24 << 20  # that they may have together
MOST_CONTROL = 65_536  # control tokens; models have some hundreds
_CONTROL = 3  # token type of what only the template may write (llama.h, LLAMA_TOKEN_TYPE_CONTROL)
_SENTENCE = re.compile(rb"(?:[A-Za-z]{1,20}[ ,.:;!?'-]{1,3}){4}[A-Za-z]")
_BETWEEN_WORDS = b" ,.!?'-"


def find_tokens(fd: int, file: GgufFile) -> list[Finding]:
    """Tokens must differ, or llama.cpp stops; control tokens must look like none of the words that
    people write."""
    tokens = file.metadata.get(f"{PREFIX}tokens")
    if not isinstance(tokens, Array) or tokens.kind is not ValueType.STRING:
        return []
    control = _control_tokens(fd, file)
    written = _template_tokens(file)
    if tokens.length > MOST or tokens.size > MOST_BYTES or len(control) > MOST_CONTROL:
        evidence = f"{tokens.length} tokens, {len(control)} for control, in {tokens.size} bytes"
        return [Finding(CHECK, Verdict.NOT_CHECKED, "too many tokens", evidence)]
    seen = Sightings([], [])
    different, empty, prose = set[bytes](), 0, list[str]()
    for start, batch in _batches(fd, tokens):
        different.update(batch)
        empty += batch.count(b"")
        seen.look(_with_spaces(b"\n".join(batch)))
        here = control[bisect(control, start - 1) : bisect(control, start + len(batch) - 1)]
        words = (batch[place - start] for place in here)
        prose += [_show(word) for word in words if _looks_ordinary(word)]
        words = (batch[place - start] for place in written if 0 <= place - start < len(batch))
        prose += [_show(word) for word in words if _SENTENCE.search(_with_spaces(word))]
    findings = seen.judge("the vocabulary")
    if prose:
        findings.append(
            note(CHECK, "control tokens that look like words", name_some([*dict.fromkeys(prose)]))
        )
    double = tokens.length - max(0, empty - 1) - len(different)  # llama.cpp numbers the empty ones
    if double:
        evidence = f"{double} of {tokens.length} tokens stand there twice"
        findings.append(fail(CHECK, "tokens that are the same", evidence))
    return findings


def _batches(fd: int, tokens: Array) -> Iterator[tuple[int, list[bytes]]]:
    """The tokens in lists, each with the number of its first."""
    start = 0
    for batch in each_batch(fd, tokens):
        yield start, batch
        start += len(batch)


def _with_spaces(tokens: bytes) -> bytes:
    """Tokens with a space where vocabularies of bytes, or of pieces, write a letter for it."""
    return tokens.replace(b"\xc4\xa0", b" ").replace(b"\xe2\x96\x81", b" ")


def _control_tokens(fd: int, file: GgufFile) -> list[int]:
    """The numbers of the control tokens."""
    types = file.metadata.get(f"{PREFIX}token_type")
    if not isinstance(types, Array) or types.kind is not ValueType.INT32:
        return []
    return list(find_number(fd, types, _CONTROL))


def _template_tokens(file: GgufFile) -> set[int]:
    """The numbers of the tokens whose texts templates write into prompts (``bos_token``), whatever
    their type."""
    found = (file.number(f"{PREFIX}{name}_token_id") for name in ("bos", "eos"))
    return {number for number in found if number is not None}


def _looks_ordinary(token: bytes) -> bool:
    """A control token that a user could write by chance, or that nobody sees."""
    letters = token.translate(None, _BETWEEN_WORDS)
    words = letters.isalnum() and not letters.isdigit()
    return words or not _show(token).isprintable()


def _show(token: bytes) -> str:
    return token.decode("utf-8", "replace")
