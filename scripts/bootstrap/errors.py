"""What keeps a script from doing its work."""

from __future__ import annotations


class CannotError(Exception):
    """The work cannot be done (exit 4). ``message`` says what is wrong, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
