"""From an exception to the reason a request failed."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator

from netproof.observe.protocol import Failure

_BY_ERRNO = {
    errno.ECONNREFUSED: Failure.REFUSED,
    errno.ETIMEDOUT: Failure.TIMEOUT,
    errno.EHOSTUNREACH: Failure.UNREACHABLE,
    errno.ENETUNREACH: Failure.UNREACHABLE,
    errno.EHOSTDOWN: Failure.UNREACHABLE,
    errno.ENETDOWN: Failure.UNREACHABLE,
    errno.ECONNRESET: Failure.RESET,
    errno.EPIPE: Failure.RESET,
    errno.EPERM: Failure.NOT_PERMITTED,
    errno.EACCES: Failure.NOT_PERMITTED,
}


def classify(problem: BaseException) -> Failure:
    """Why a request failed; libraries wrap the system's error, so the chain of causes is walked to its root."""
    for cause in _chain(problem):
        match cause:
            case ssl.SSLError():
                return Failure.TLS
            case socket.gaierror():
                return Failure.NAME_NOT_RESOLVED
            case TimeoutError():
                return Failure.TIMEOUT
            case http.client.RemoteDisconnected() | http.client.IncompleteRead():
                return Failure.CLOSED
            case OSError() if cause.errno in _BY_ERRNO:
                return _BY_ERRNO[cause.errno]
    return Failure.OTHER


def root_message(problem: BaseException) -> str:
    """The message of the exception at the root of a chain of causes."""
    *_, root = _chain(problem)
    return str(root) or type(root).__name__


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """The exception, then what caused it, and so on."""
    seen: set[int] = set()
    current: BaseException | None = problem
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
