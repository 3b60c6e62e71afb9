"""Whether bytes are a pickle, by taking it apart, which runs nothing of it (``pickletools``)."""

from __future__ import annotations

import pickletools
from itertools import islice

MOST = 50_000  # instructions that are looked at
_NAMING = {"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"}
_CALLING = {"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "STOP"}


def calls_something(data: bytes) -> bool:
    """True if ``data`` begins with a pickle that names something of Python's and calls it or ends
    with it, or that has more instructions than any text that is one by chance.

    An instruction that wants more values than there are makes it none, as it does for Python.
    """
    held, named, last = 0, False, "STOP"
    try:
        for code, _, _ in islice(pickletools.genops(data), MOST):
            wanted = sum(one is not pickletools.stackslice for one in code.stack_before)
            if held < wanted:
                return False
            last = code.name
            held += len(code.stack_after) - wanted
            named = named or code.name in _NAMING
            if named and code.name in _CALLING:
                return True
    except (ValueError, UnicodeDecodeError):  # it goes on like no pickle, or is cut off
        return False
    return last != "STOP"
