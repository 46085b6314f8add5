"""Cutting a process off from every network, as the challenge's machines were."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

# linux/sched.h, linux/sockios.h, linux/if.h.
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def cut_network() -> bool:
    """Leave this process, and all that it starts, with a loopback device alone. False where the system does not allow it.

    Call it before anything starts a thread. Needs Linux, and root or user namespaces.
    """
    # A cut that fails half-way cannot be undone, so a child tries it first.
    child = os.fork()
    if child == 0:
        try:
            _cut()
            os._exit(0)
        except OSError:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        return False
    _cut()
    return True


def _cut() -> None:
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        # The same user inside as outside, so that files stay who they belong to.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    # Processes of one engine talk over the loopback device, which begins switched off.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
