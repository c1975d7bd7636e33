import asyncio
import socket

import pytest

from netproof.cluster.uplink import serve


def through_the_uplink(request, *, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"):
    """What a client gets from the uplink, and what the server behind it was asked."""

    async def exchange():
        asked = []

        async def far_server(reader, writer):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            writer.close()

        far = await asyncio.start_server(far_server, "127.0.0.1", 0)
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(serve(listener))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(request(":".join(map(str, far.sockets[0].getsockname()))))
        got = await reader.read()
        writer.close()
        serving.cancel()
        far.close()
        return got, b"".join(asked)

    return asyncio.run(asyncio.wait_for(exchange(), 5))


def test_a_tunnel_carries_what_is_said_in_it():
    def request(place):
        return f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\nGET / HTTP/1.1\r\n\r\n".encode()

    got, asked = through_the_uplink(request)

    assert got.startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
    assert got.endswith(b"hi")
    assert asked == b"GET / HTTP/1.1\r\n\r\n"


def test_a_plain_request_is_made_at_its_own_address():
    def request(place):
        return f"GET http://{place}/v2/?ns=x HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()

    got, asked = through_the_uplink(request)

    assert got.endswith(b"hi")
    assert asked.startswith(b"GET /v2/?ns=x HTTP/1.1\r\nHost: ")


@pytest.mark.parametrize(
    ("request_line", "reason"),
    [
        ("CONNECT 127.0.0.1:1 HTTP/1.1", b"127.0.0.1 cannot be reached: Connect call failed"),
        ("nonsense", b"not a request: "),
    ],
)
def test_what_cannot_be_had_is_told_in_the_reason_phrase(request_line, reason):
    got, asked = through_the_uplink(lambda _: f"{request_line}\r\n\r\n".encode())

    assert got.startswith(b"HTTP/1.1 502 " + reason)
    assert asked == b""
