"""What every request to a hub must pass, and what it means when it fails.

Each request, also one that a redirect leads to, is looked at before anything is sent: its origin
must be one of the errand's, and a token stays with the hub's own, and below its path there (RFC
6750, section 5.3).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

import httpx2

from localai.fetch.errand import Errand
from localai.hubs import origin_of, write_origin

TIMEOUT_S = 30.0  # of silence on a connection
_MOST_REDIRECTS = 5
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_RATE_LIMIT = re.compile(r";\s*t\s*=\s*(\d+)")  # draft-ietf-httpapi-ratelimit-headers-09
_SAID = 200  # characters of somebody else's message


class Refused(Exception):
    """What the hub says or sends is not what it should be."""

    def __init__(self, summary: str, evidence: str) -> None:
        super().__init__(summary, evidence)
        self.summary, self.evidence = summary, evidence


class Elsewhere(Exception):
    """A host that the policy does not name; ``origin`` is whose."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.origin = origin


class Busy(Exception):
    """The hub wants to be asked again, in so many seconds if it says so."""

    def __init__(self, status: int, wait_s: float) -> None:
        super().__init__(status, wait_s)
        self.status, self.wait_s = status, wait_s


class Unusable(Exception):
    """What the way to the hub needs is not there; ``hint`` is what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint


TROUBLE = (Busy, Unusable, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)
"""What may become of an errand beside a refusal."""


class Guard(NamedTuple):
    """The client of one errand."""

    errand: Errand

    def check(self, request: httpx2.Request) -> None:
        """Before anything is sent: is this a host that the policy names?"""
        url = request.url  # as the client itself understands it, and names in ASCII
        origin = write_origin(url.scheme, url.raw_host.decode("ascii"), url.port)
        if origin not in self.errand.origins:
            raise Elsewhere(origin)
        request.headers["user-agent"] = "localai"  # and nothing of this machine's versions
        if origin != origin_of(self.errand.url) or not self._is_below(url.raw_path):
            request.headers.pop("authorization", None)

    def _is_below(self, path: bytes) -> bool:
        """Whether a path lies below the hub's, also for a server that decodes it first."""
        steps = re.split(rb"[/\\;?]", unquote_to_bytes(path))
        return path.startswith(f"{urlsplit(self.errand.url).path}/".encode()) and b".." not in steps

    def look(self, response: httpx2.Response) -> None:
        """A hub that is busy is asked again by our own clock, not by the library's."""
        if response.status_code in _BUSY:
            raise Busy(response.status_code, _find_wait(response))

    def make_client(self) -> httpx2.Client:
        """Raises Unusable for a proxy or certificates that are none.

        Without encryption only this machine is spoken to, so no proxy is asked then: it would read
        a token, and its own loopback is another host's.
        """
        try:
            return httpx2.Client(
                event_hooks={"request": [self.check], "response": [self.look]},
                follow_redirects=True,
                max_redirects=_MOST_REDIRECTS,
                mounts={"http://": None},
                timeout=TIMEOUT_S,
            )
        except OSError as error:
            hint = "see SSL_CERT_FILE, SSL_CERT_DIR, REQUESTS_CA_BUNDLE"
            raise Unusable(f"the certificates cannot be read: {error.strerror}", hint) from error
        except (ValueError, ImportError, httpx2.InvalidURL) as error:  # it may have a password
            hint = "HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT"
            raise Unusable("the proxy's address is none that can be used", hint) from error


def explain(error: Exception, errand: Errand) -> tuple[str, str]:
    """What to say of one of ``TROUBLE``, and what to do about it."""
    place, hub = errand.repository, errand.url
    if isinstance(error, Busy):
        wait = f", and asks for {error.wait_s:.0f} seconds of patience" if error.wait_s else ""
        return f"{hub} answers {error.status}{wait}", "run the command again later"
    if isinstance(error, Unusable):
        return error.message, error.hint
    response = getattr(error, "response", None)
    if isinstance(response, httpx2.Response):
        return _explain_answer(response, place, hub)
    said = f"{error or type(error).__name__}"[:_SAID]
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy does not let this through: {said}", "see HTTPS_PROXY and its password"
    if is_about_certificates(error):
        hint = "if a proxy here looks into traffic, SSL_CERT_FILE names its certificate authority"
        return f"{hub}: {said}", hint
    if isinstance(error, OSError) and error.errno is not None:
        hint = "df -h shows whether the disk is full"
        return f"cannot write what arrives: {error.strerror}", hint
    return f"{hub}: {said}", "run the command again; it goes on where it stopped"


def is_about_certificates(error: Exception) -> bool:
    """Whether a line failed since nobody here vouches for the other side: OpenSSL names it so."""
    return "CERTIFICATE" in str(error)


def _explain_answer(response: httpx2.Response, place: str, hub: str) -> tuple[str, str]:
    code = response.headers.get("x-error-code", "")
    if code == "GatedRepo":
        hint = "agree on the hub's own page, then: export HF_TOKEN=..."
        return f"{place} is for people who agree to its terms first", hint
    if code in ("RevisionNotFound", "EntryNotFound"):
        what = "revision" if code.startswith("Rev") else "file"
        return f"{hub} has no such {what} in {place}", "look at the hub's own page"
    status = response.status_code
    if status in (401, 403, 404):
        hint = "check the name; for what is not public: export HF_TOKEN=..."
        return f"{hub} does not show {place}: it answers {status}", hint
    return f"{hub} answers {status} for {place}", "run the command again later"


def _find_wait(response: httpx2.Response) -> float:
    """Seconds that the hub asks for; a date in the place of seconds is no number of them."""
    said = response.headers.get("retry-after", "")
    if found := _RATE_LIMIT.search(response.headers.get("ratelimit", "")):
        said = said or found[1]
    return float(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0.0
