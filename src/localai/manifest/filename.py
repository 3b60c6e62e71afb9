"""Names of files, as a manifest holds them."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import PurePath

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(r'[/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def name_of(path: PurePath) -> str:
    """A file's name as a manifest has it: its bytes read as UTF-8, whatever the locale says.

    What is no UTF-8 stays as surrogates (PEP 383), which no manifest can hold.
    """
    return os.fsencode(path.name).decode("utf-8", "surrogateescape")


def find_name_problem(name: str) -> str | None:
    """Why ``name`` is no safe file name under POSIX and Windows rules; None if it is one.

    Source: POSIX.1-2017, 3.170 (filename); Microsoft, "Naming Files, Paths, and Namespaces".
    """
    if _SURROGATE.search(name):
        return "is not UTF-8"
    if not name.isprintable():
        return "holds characters that cannot be seen"
    if _UNSAFE.search(name):
        return 'holds one of / \\ : * ? " < > |'
    if name.startswith((".", "-", " ")) or name.endswith((".", " ")):
        return "starts with '.', '-' or a space, or ends with '.' or a space"
    if _RESERVED.fullmatch(name.split(".", 1)[0].rstrip()):
        return "is the name of a device under Windows"
    if not unicodedata.is_normalized("NFC", name):
        return "is not in Unicode's normal form C"
    if not 1 <= len(name.encode()) <= 255:
        return "must have 1 to 255 bytes"
    return None
