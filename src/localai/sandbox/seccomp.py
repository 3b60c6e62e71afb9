"""seccomp filters: rules in words, compiled to classic BPF, installed on every thread.

Sources: seccomp(2); Documentation/userspace-api/seccomp_filter.rst; <linux/filter.h>.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from localai.sandbox import kernel
from localai.sandbox.syscalls import AUDIT_ARCH, numbers, this_machine

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
X32_BIT = 0x40000000

# Offsets in struct seccomp_data: nr, arch, instruction pointer, six 64-bit arguments.
_NR, _ARCH, _ARGUMENTS = 0, 4, 16

# Opcodes of <linux/bpf_common.h> that the filters use.
LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_GREATER_EQUAL = 0x35  # BPF_JMP | BPF_JGE | BPF_K
RETURN = 0x06  # BPF_RET | BPF_K


class Action(IntEnum):
    """What the kernel does with a call (the values of <linux/seccomp.h>)."""

    KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
    DENY = 0x00050001  # SECCOMP_RET_ERRNO | EPERM
    AGAIN = 0x0005000B  # SECCOMP_RET_ERRNO | EAGAIN: callers then look again
    ABSENT = 0x00050026  # SECCOMP_RET_ERRNO | ENOSYS: callers then try the older call
    ALLOW = 0x7FFF0000


class Condition(NamedTuple):
    """True when the low 32 bits of argument number ``argument``, masked, equal ``value``.

    The upper half must equal the upper half of ``mask & value``, here always zero, unless the
    kernel itself ignores it (``int`` arguments): then ``narrow`` leaves it out.
    """

    argument: int
    mask: int
    value: int
    narrow: bool = True


class Rule(NamedTuple):
    """``action`` for the call ``name`` where every condition holds."""

    name: str
    action: Action
    conditions: tuple[Condition, ...] = ()


class Filter(NamedTuple):
    """Rules tried in order; the first that matches decides, else ``default``.

    ``foreign`` decides for every call of another ABI (i386 by ``int 0x80``, x32): numbers there
    mean other calls, so nothing of it may pass by number.
    """

    default: Action
    rules: tuple[Rule, ...]
    foreign: Action = Action.DENY


Instruction = tuple[int, int, int, int]


def compile_filter(asked: Filter, machine: str) -> list[Instruction]:
    """Compile to BPF instructions ``(code, jump if true, jump if false, k)`` for ``machine``.

    A rule for a call that the architecture does not have is left out. Raises KeyError for a
    name that no architecture has.
    """
    table = numbers(machine)
    program: list[Instruction] = [
        (LOAD_WORD, 0, 0, _ARCH),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, asked.foreign),
        (LOAD_WORD, 0, 0, _NR),
    ]
    if machine == "x86_64":
        program += [(JUMP_GREATER_EQUAL, 0, 1, X32_BIT), (RETURN, 0, 0, asked.foreign)]
    for name, rules in _by_call(asked.rules).items():
        if name in table:
            block = _compile_call(rules, asked.default)
            program.append((JUMP_EQUAL, 0, len(block), table[name]))
            program += block
    program.append((RETURN, 0, 0, asked.default))
    return program


def _by_call(rules: Iterable[Rule]) -> Mapping[str, list[Rule]]:
    grouped: dict[str, list[Rule]] = {}
    for rule in rules:
        grouped.setdefault(rule.name, []).append(rule)
    return grouped


def _compile_call(rules: list[Rule], default: Action) -> list[Instruction]:
    """The block entered once the call's number has matched. It always returns."""
    block: list[Instruction] = []
    for rule in rules:
        tests = [step for condition in rule.conditions for step in _compile_condition(condition)]
        for index, (code, yes, no, k) in enumerate(tests):
            # A comparison that fails leaves the rule: past the other tests and its return.
            leave = len(tests) - index if code == JUMP_EQUAL else no
            block.append((code, yes, leave, k))
        block.append((RETURN, 0, 0, rule.action))
        if not rule.conditions:
            return block
    block.append((RETURN, 0, 0, default))
    return block


def _compile_condition(condition: Condition) -> list[Instruction]:
    at = _ARGUMENTS + 8 * condition.argument
    low = [
        (LOAD_WORD, 0, 0, at),
        (AND, 0, 0, condition.mask),
        (JUMP_EQUAL, 0, 0, condition.value),
    ]
    high = [(LOAD_WORD, 0, 0, at + 4), (JUMP_EQUAL, 0, 0, 0)]
    return low if condition.narrow else high + low


class _Program(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(asked: Filter) -> None:
    """Put ``asked`` on every thread of this process, for good.

    Needs no-new-privs or CAP_SYS_ADMIN. Raises OSError if the kernel refuses, and if a thread
    could not be synchronised.
    """
    program = compile_filter(asked, this_machine())
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    pointer = ctypes.byref(_Program(len(program), code))
    words = (SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC)
    number = kernel.NUMBER["seccomp"]
    result = int(kernel.libc.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, words), pointer))
    if kernel.check(result, "seccomp") != 0:
        raise OSError(f"seccomp: thread {result} could not take the filter")
