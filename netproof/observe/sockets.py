"""TCP connections and UDP exchanges of an agent."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from netproof.observe.failures import classify
from netproof.observe.protocol import Failure, SocketReply, TcpRequest, UdpRequest


def connect(request: TcpRequest) -> SocketReply:
    """Connect, and where there is a payload send it and read the answer."""

    def act(note: Callable[[socket.socket], None]) -> bytes:
        source = (request.source_address, 0) if request.source_address else None
        with socket.create_connection((request.host, request.port), request.timeout_seconds, source) as connection:
            note(connection)
            if not request.payload:
                return b""
            connection.sendall(request.payload.encode())
            return _read(connection, request.max_bytes)

    return _timed(request, act)


def exchange(request: UdpRequest) -> SocketReply:
    """Send one datagram and wait for one, on a connected socket: only that is told of an ICMP error."""

    def act(note: Callable[[socket.socket], None]) -> bytes:
        family, kind, number, _, address = socket.getaddrinfo(request.host, request.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, number) as connection:
            connection.settimeout(request.timeout_seconds)
            if request.source_address or request.source_port:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                connection.bind((request.source_address, request.source_port))
            connection.connect(address)
            note(connection)
            connection.send(request.payload.encode())
            return connection.recv(request.max_bytes)

    return _timed(request, act)


def _timed(request: TcpRequest | UdpRequest, act: Callable[[Callable[[socket.socket], None]], bytes]) -> SocketReply:
    received, local_address, detail = b"", "", ""
    failure: Failure | None = None

    def note(connection: socket.socket) -> None:
        nonlocal local_address
        address = connection.getsockname()
        local_address = f"{address[0]}:{address[1]}"

    start = time.monotonic()
    try:
        received = act(note)
    except OSError as problem:
        failure, detail = classify(problem), str(problem)
    return SocketReply(
        host=request.host,
        port=request.port,
        start=start,
        duration_seconds=time.monotonic() - start,
        received=received.decode("utf-8", "replace"),
        failure=failure,
        detail=detail,
        local_address=local_address,
    )


def _read(connection: socket.socket, max_bytes: int) -> bytes:
    """What comes until the other side closes, or falls silent after it said something."""
    received = b""
    while len(received) < max_bytes:
        try:
            chunk = connection.recv(max_bytes - len(received))
        except TimeoutError:
            if received:
                return received
            raise
        if not chunk:
            return received
        received += chunk
    return received
