"""Entering a network namespace with the calling thread."""

from __future__ import annotations

import ctypes
import os

_CLONE_NEWNET = 0x40000000


def enter_network(path: str) -> None:
    """Move the calling thread into the network namespace at ``path``, such as ``/proc/PID/ns/net``.

    Sockets made before stay where they were made. Python has ``os.setns`` from 3.12 on; until then it is libc's.

    Raises:
        OSError: there is no such namespace, or no right to enter it.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)
