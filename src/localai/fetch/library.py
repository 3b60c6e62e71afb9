"""The only module that speaks to a hub: huggingface_hub, with the client of ``guard``.

It runs in the process of ``localai.fetch`` alone. Nothing but plain HTTP is spoken: hf_xet, which
has a network stack of its own, is never imported.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url, set_client_factory
from huggingface_hub.file_download import get_hf_file_metadata, http_get

from localai.fetch.errand import Errand, Piece
from localai.fetch.guard import TIMEOUT_S, Busy, Guard, Refused, is_about_certificates
from localai.fetch.listing import DIGEST, EXACT, LARGEST_ANSWER
from localai.reference import is_path
from localai.shape import is_line

_T = TypeVar("_T")
Say = Callable[..., None]

_MOST_FILES = 20_000
_CHUNK = 64 << 10  # what a break loses at most, and what a slow hub must send within the patience


class Part(io.BufferedRandom):
    """A file that grows no further than it should, and says how far it is."""

    def __init__(self, piece: Piece, report: Callable[[int], None]) -> None:
        fd = os.open(piece.part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        super().__init__(io.FileIO(fd, "r+"))
        self._piece, self._report = piece, report
        if self.seek(0, os.SEEK_END) > piece.size:
            self.seek(0)
            self.truncate()

    def write(self, content: Any) -> int:
        at = self.tell() + len(content)
        if at > self._piece.size:
            raise Refused("wrong length", f"{self._piece.path}: more than {self._piece.size} bytes")
        written = super().write(content)
        self._report(at)
        return written


def run(errand: Errand, say: Say) -> None:
    """Do what is asked, and say how it goes: see ``__main__``."""
    sys.modules["hf_xet"] = None  # type: ignore[assignment] # importing it fails from here on
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK
    set_client_factory(Guard(errand).make_client)
    if not errand.pieces:
        say(listing=_patiently(errand, say, lambda: _list(errand)))
        return
    before = 0
    for piece in errand.pieces:
        _patiently(errand, say, lambda piece=piece: _compare(errand, piece))  # type: ignore[misc]
        _bring(errand, piece, say, before)
        before += piece.size
    say(brought=len(errand.pieces))


def _list(errand: Errand) -> dict[str, object]:
    """What lies in the repository at one exact revision, and what the hub says of it."""
    api = HfApi(endpoint=errand.url, token=errand.token or False)
    revision, found = errand.revision or None, None
    while found is None or found.sha != revision:
        if found is not None and EXACT.fullmatch(revision or ""):
            raise Refused("another revision", f"{found.sha} in the place of {revision}")
        revision = found.sha if found is not None else revision
        found = api.repo_info(
            errand.repository,
            repo_type=errand.kind,
            revision=revision,
            files_metadata=True,
            timeout=TIMEOUT_S,
        )
        if not isinstance(found.sha, str) or not EXACT.fullmatch(found.sha):
            raise Refused("no exact revision", f"the hub says {found.sha!r}")
    author = found.author if _is_line(found.author) else errand.repository.partition("/")[0]
    return {
        "revision": found.sha,
        "publisher": author,
        "gated": bool(found.gated),
        **_read_card(found),
        "files": [*_read_files(found)][:_MOST_FILES],
    }


def _read_card(found: Any) -> dict[str, object]:
    """Licence and bases, as the model's card says them."""
    card = found.card_data or {}
    said = card.get("license")
    named = card.get("license_name") if said == "other" else said
    licence = ", ".join(map(str, named)) if isinstance(named, list) else named
    bases = card.get("base_model") or []
    listed = bases if isinstance(bases, list) else [bases]
    return {
        **({"licence": licence} if _is_line(licence) else {}),
        "bases": [*dict.fromkeys(filter(_is_line, listed))][:20],
    }


def _read_files(found: Any) -> Iterator[dict[str, object]]:
    """Those that can be fetched: with a size, a digest, and a path that can be written down."""
    for file in found.siblings or ():
        digest = file.lfs.sha256 if file.lfs else file.blob_id
        path, size = file.rfilename, file.size
        known = isinstance(size, int) and isinstance(digest, str) and DIGEST.fullmatch(digest)
        if known and isinstance(path, str) and is_path(path):
            yield {"path": path, "size": size, "digest": digest}


def _is_line(text: object) -> bool:
    return isinstance(text, str) and is_line(text)


def _compare(errand: Errand, piece: Piece) -> None:
    """The hub must say the same of a file as its listing did."""
    said = get_hf_file_metadata(_address(errand, piece), token=errand.token or False)
    told = {
        "revision": (said.commit_hash, errand.revision),
        "digest": (said.etag, piece.digest),
        "length": (said.size, piece.size),
    }
    for what, (found, expected) in told.items():
        if found != expected:
            raise Refused(
                f"another {what}", f"{piece.path}: {found}, where the list has {expected}"
            )


def _bring(errand: Errand, piece: Piece, say: Say, before: int) -> None:
    """Fetch a file, or what is missing of it, in as many answers as it takes."""
    headers = {"Accept-Encoding": "identity"}
    if errand.token:
        headers["authorization"] = f"Bearer {errand.token}"
    with Part(piece, lambda at: say(done=before + at)) as part:
        while not _patiently(errand, say, lambda: _go_on(errand, piece, part, headers)):
            pass


def _go_on(errand: Errand, piece: Piece, part: Part, headers: dict[str, str]) -> bool:
    """Fetch what one answer may bring of what is missing; True once nothing is."""
    there, due = part.seek(0, os.SEEK_END), piece.size
    resume = there
    if due - there > LARGEST_ANSWER:  # a range of its own, of which nothing is there
        headers = {**headers, "Range": f"bytes={there}-{there + LARGEST_ANSWER - 1}"}
        resume, due = 0, LARGEST_ANSWER
    try:
        http_get(
            _address(errand, piece), part, resume_size=resume, headers=headers, expected_size=due
        )
    except RecursionError as error:  # after each of many cuts it calls itself
        raise httpx2.ReadError("the line breaks off too often") from error
    except OSError as error:
        if error.errno is not None or isinstance(error, httpx2.HTTPError):
            raise
        evidence = f"{piece.path}: {part.tell()} bytes, where the list has {piece.size}"
        raise Refused("wrong length", evidence) from error
    return part.tell() == piece.size


def _address(errand: Errand, piece: Piece) -> str:
    return hf_hub_url(
        errand.repository,
        piece.path,
        repo_type=errand.kind,
        revision=errand.revision,
        endpoint=errand.url,
    )


def _patiently(errand: Errand, say: Say, act: Callable[[], _T]) -> _T:
    """Try again after a pause, a few times, what a busy hub or a bad line may still give."""
    for pause in errand.pauses_s:
        try:
            return act()
        except Busy as error:
            if error.wait_s > errand.longest_wait_s:
                raise
            wait, why = max(pause, error.wait_s), f"the hub answers {error.status}"
        except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            if is_about_certificates(error):
                raise  # it will be the same one
            wait, why = pause, str(error) or type(error).__name__
        say(wait=wait, why=why)
        time.sleep(wait)
    return act()
