"""Calls of the kernel that a sandbox refuses: seccomp(2), as container engines and service managers set it."""

from __future__ import annotations

import ctypes
import platform
import struct

#: By name: the number on x86-64, on arm64 (asm/unistd.h).
CALLS = {
    "process_vm_readv": (310, 270),
    "memfd_create": (319, 279),
    "pipe2": (293, 59),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "madvise": (28, 233),
}
MACHINES = ("x86_64", "aarch64")


def refuse(*names: str) -> None:
    """From now on these calls of this process and its children fail with EPERM."""
    libc = ctypes.CDLL(None, use_errno=True)
    calls = [CALLS[name][MACHINES.index(platform.machine())] for name in names]
    load, equal, refused, allowed = (
        (0x20, 0, 0, 0),
        0x15,
        (0x06, 0, 0, 0x00050001),
        (0x06, 0, 0, 0x7FFF0000),
    )
    rules = [
        load,
        *((equal, len(calls) - at, 0, call) for at, call in enumerate(calls)),
        allowed,
        refused,
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code))
    )
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS"
    assert libc.prctl(22, 2, program) == 0, "PR_SET_SECCOMP"
