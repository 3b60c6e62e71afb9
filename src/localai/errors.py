"""The error tree: what keeps localai from acting at all.

::

    LocalAIError            exit 4   could not act
    ├── UsageError          exit 2   the command was asked wrongly
    ├── DocumentError       exit 4   a file that must be read cannot be read or is malformed
    ├── KeyFileError        exit 4   a private key cannot be opened (wrong passphrase, mode, form)
    ├── StateError          exit 4   a directory or file of ours cannot be read or written
    ├── PlatformError       exit 4   this system cannot do what is needed at all
    ├── HubError            exit 4   a hub cannot be reached, or does not give what was asked for
    └── WorkerError         exit 4   the worker died or broke the protocol

Bad news about the world (a wrong digest, an expired manifest) is no error but a
:class:`localai.findings.Finding`; a refusal made of findings exits 3. Anything else that is
raised is a bug: it propagates, nothing starts, exit 1.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    COULD_NOT_ACT = 4
    INTERRUPTED = 130


class LocalAIError(Exception):
    """localai could not act.

    ``code`` names the kind in records and JSON, ``message`` says what is wrong, what was
    expected and what was found, ``hint`` is the next thing to do or the next command to type.
    """

    code = "could-not-act"
    exit_code = Exit.COULD_NOT_ACT

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LocalAIError):
    """The command line asks for something that does not exist or does not fit together."""

    code = "usage"
    exit_code = Exit.USAGE


class DocumentError(LocalAIError):
    """A file that must be read is missing, unreadable or malformed."""

    code = "document"


class KeyFileError(LocalAIError):
    """A private key cannot be opened."""

    code = "key"


class StateError(LocalAIError):
    """A directory or file that localai keeps cannot be read or written."""

    code = "state"


class PlatformError(LocalAIError):
    """This operating system, kernel or machine cannot do what is needed at all."""

    code = "platform"


class HubError(LocalAIError):
    """A hub cannot be reached, or does not give what was asked for."""

    code = "hub"


class WorkerError(LocalAIError):
    """The worker died, was killed, or did not speak the protocol."""

    code = "worker"
