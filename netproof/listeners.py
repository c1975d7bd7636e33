"""Whether something listens on a unix socket yet."""

from __future__ import annotations

import socket

from netproof.waiting import NotYetError


def require_listener(path: str) -> None:
    """Return where something listens on the unix socket at ``path``.

    Raises:
        NotYetError: nothing does.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(path):
            raise NotYetError("it does not listen")
