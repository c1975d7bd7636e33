"""Leads from the host's loopback into a cluster: listens in one network namespace and connects in another.

A socket stays in the namespace it was made in. The listener comes from the host's namespace as an inherited descriptor;
this process then moves into the cluster's, where it opens all outgoing connections.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket

from netproof.node.entering import enter_network

_CHUNK_BYTES = 65536


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Forward each connection that ``listener`` takes to ``host``:``port``; returns never."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        far_writer.close()
        writer.close()

    server = await asyncio.start_server(forward, sock=listener)
    async with server:
        await server.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write what is read until there is no more; then the writing side is told so."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def main() -> None:
    """Run as a component: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="descriptor of a listening socket")
    parser.add_argument("--network", required=True, help="path of the network namespace to connect in")
    parser.add_argument("--to", required=True, help="HOST:PORT to connect to")
    arguments = parser.parse_args()
    listener = socket.socket(fileno=arguments.listener)
    enter_network(arguments.network)
    host, _, port = arguments.to.rpartition(":")
    asyncio.run(serve(listener, host, int(port)))


if __name__ == "__main__":
    main()
