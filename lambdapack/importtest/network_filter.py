"""A filter for system calls that refuses to reach anybody over a network, where no network namespace can be made.

A program for the kernel's packet filter (seccomp(2)), which any process may install that gives up new privileges. It
sees numbers, not what pointers lead to; so it refuses to connect to anything, sockets of this machine included, and to
send to an address. Sockets can be made, bound and listened on, as libraries do while they are imported. Knows the
numbers of system calls; installs nothing (`confine.py` does).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

# linux/bpf_common.h, linux/seccomp.h.
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
# Where `struct seccomp_data` has the number, the architecture and the fifth argument (`dest_addr` of sendto(2)).
_NUMBER, _ARCHITECTURE, _ADDRESS = 0, 4, 48
_X32 = 0x40000000  # asm/unistd.h: numbers of another ABI of the same processor

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Calls:
    """linux/audit.h, and the numbers of asm/unistd.h."""

    architecture: int
    connect: int
    sendto: int
    sendmsg: int
    sendmmsg: int


_CALLS = {
    "x86_64": _Calls(0xC000003E, connect=42, sendto=44, sendmsg=46, sendmmsg=307),
    "aarch64": _Calls(0xC00000B7, connect=203, sendto=206, sendmsg=211, sendmmsg=269),
}
_IO_URING_SETUP = 425  # the same everywhere; what goes through it passes no filter


def network_filter(machine: str) -> list[Instruction] | None:
    """Returns the instructions (code, jump if true, jump if false, operand), None for a machine that is not known."""
    calls = _CALLS.get(machine)
    if calls is None:
        return None
    refuse = _ERRNO | errno.ENETUNREACH
    absent = _ERRNO | errno.ENOSYS
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.architecture),
        (_RETURN, 0, 0, absent),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, absent),
        (_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, absent),
    ]
    for number in (calls.connect, calls.sendmsg, calls.sendmmsg):
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    program += [
        (_EQUAL, 1, 0, calls.sendto),
        (_RETURN, 0, 0, _ALLOW),
        # Both halves of the pointer: without an address it goes to whom the socket is connected to, that is, to nobody.
        (_LOAD, 0, 0, _ADDRESS),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _ADDRESS + 4),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, refuse),
    ]
    return program
