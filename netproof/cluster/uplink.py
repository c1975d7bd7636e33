"""The way out of a cluster's LAN, for pulling images: an HTTP proxy that listens on the LAN and connects from the host.

Only the nodes' container runtimes are told of it. Pods have no way out, so the short links of init containers are
answered on the LAN whatever the image policy is.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from netproof.cluster.forwarder import pump
from netproof.node.entering import enter_network

_HEAD_LIMIT_BYTES = 65536


async def serve(listener: socket.socket) -> None:
    """Answer CONNECT, and plain requests with an absolute address, on each connection; returns never."""
    server = await asyncio.start_server(_answer, sock=listener, limit=_HEAD_LIMIT_BYTES)
    async with server:
        await server.serve_forever()


def _listen_in(network: str, address: str, port: int) -> socket.socket:
    """A listening socket in another network namespace; the calling thread stays where it is.

    Raises:
        OSError: there is no such namespace, or the port is taken there.
    """

    def listen() -> socket.socket:
        enter_network(network)
        return socket.create_server((address, port), backlog=64)

    with ThreadPoolExecutor(max_workers=1) as elsewhere:
        return elsewhere.submit(listen).result()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        connect = method == "CONNECT"
        place = urlsplit(f"//{target}" if connect else target)
    except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as problem:
        await _refuse(writer, f"not a request: {problem}")
        return
    try:
        far_reader, far_writer = await asyncio.open_connection(place.hostname, place.port or 80)
    except OSError as problem:
        await _refuse(writer, f"{place.hostname} cannot be reached: {problem.strerror or problem}")
        return
    if connect:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        far_writer.write(f"{method} {path} {version}\r\n".encode("latin-1") + head.split(b"\r\n", 1)[1])
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    far_writer.close()
    writer.close()


async def _refuse(writer: asyncio.StreamWriter, problem: str) -> None:
    """Answer 502 with the problem as the reason phrase: of a proxy's refusal, that is all that Go tells its caller."""
    writer.write(f"HTTP/1.1 502 {problem}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
    await writer.drain()
    writer.close()


def main() -> None:
    """Run as a component: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", required=True, help="path of the network namespace to listen in")
    parser.add_argument("--address", required=True, help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    arguments = parser.parse_args()
    asyncio.run(serve(_listen_in(arguments.network, arguments.address, arguments.port)))


if __name__ == "__main__":
    main()
