import asyncio
import socket

from netproof.cluster.forwarder import serve


def test_what_is_said_at_the_listener_arrives_and_the_answer_returns():
    async def exchange():
        async def shout(reader, writer):
            writer.write((await reader.read()).upper())
            writer.close()

        far = await asyncio.start_server(shout, "127.0.0.1", 0)
        listener = socket.create_server(("127.0.0.1", 0))
        forwarding = asyncio.create_task(serve(listener, *far.sockets[0].getsockname()))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"hello")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        forwarding.cancel()
        far.close()
        return answer

    assert asyncio.run(asyncio.wait_for(exchange(), 5)) == b"HELLO"


def test_a_cluster_that_does_not_listen_closes_the_connection():
    async def exchange():
        nobody = socket.create_server(("127.0.0.1", 0))
        address = nobody.getsockname()
        nobody.close()
        listener = socket.create_server(("127.0.0.1", 0))
        forwarding = asyncio.create_task(serve(listener, *address))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        answer = await reader.read()
        writer.close()
        forwarding.cancel()
        return answer

    assert asyncio.run(asyncio.wait_for(exchange(), 5)) == b""
