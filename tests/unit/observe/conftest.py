"""An agent as a subprocess, and servers on loopback for it to talk to."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from netproof.observe.agent_standpoint import AgentStandpoint
from netproof.waiting import NotYetError, Waiter

PAGE = "<html>\nexport HOME='/root'\nexport HOSTNAME='web-6d4c-abcde'\n</html>\n"


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentStandpoint]:
    path = tmp_path_factory.mktemp("agent") / "a.sock"
    process = subprocess.Popen([sys.executable, "-m", "netproof.observe.agent", "--socket", path, "--name", "here"])
    standpoint = AgentStandpoint("here", path)
    standpoint.wait_until_up()
    yield standpoint
    process.terminate()
    assert process.wait(timeout=5) == 0
    assert not path.exists()


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peers: set[tuple[str, int]]
    hosts: list[str]
    held: threading.Semaphore
    let_go: threading.Event

    def do_GET(self) -> None:
        self.peers.add(self.client_address)
        self.hosts.append(self.headers["Host"])
        if self.path == "/held":
            self.held.release()
            self.let_go.wait()
        if self.path == "/cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = self.headers.get("X-Say", PAGE).encode()
        self.send_response(503 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Site:
    """A web server on loopback: its address, and what it saw."""

    def __init__(self, server: http.server.ThreadingHTTPServer, handler: type[_Page]) -> None:
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.peers, self.hosts = handler.peers, handler.hosts
        self.held, self.let_go = handler.held, handler.let_go

    def wait_until_held(self, count: int) -> None:
        """Return when this many requests for ``/held`` have come; none is answered before ``let_go`` is set."""
        for _ in range(count):
            assert self.held.acquire(timeout=30)

    def wait_until_asked(self, count: int) -> None:
        """Return when this many requests have come."""
        Waiter(interval_seconds=0.01).until("requests", lambda: self._asked(count), timeout_seconds=30)

    def _asked(self, count: int) -> None:
        if len(self.hosts) < count:
            raise NotYetError(f"{len(self.hosts)} requests")


@pytest.fixture
def site() -> Iterator[Site]:
    fresh = {"peers": set(), "hosts": [], "held": threading.Semaphore(0), "let_go": threading.Event()}
    handler = type("Page", (_Page,), fresh)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield Site(server, handler)
        server.shutdown()


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A TCP port that accepts (by its backlog) and never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def _dns_answer(query: bytes, *, udp: bool) -> bytes:
    question = dns.message.from_wire(query)
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.AA
    name = question.question[0].name
    if str(name).startswith("web."):
        reply.answer.append(dns.rrset.from_text(name, 5, "IN", "A", "10.96.0.77"))
    elif str(name).startswith("large."):
        reply.answer.append(dns.rrset.from_text(name, 5, "IN", "A", *(f"10.0.0.{n}" for n in range(100))))
        if udp:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
    else:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


@pytest.fixture(scope="session")
def name_server() -> Iterator[int]:
    """The port of a name server, UDP and TCP: web. has one address, large. a hundred, nothing else exists."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp.bind(("127.0.0.1", port))
        tcp.listen()

        def serve_udp() -> None:
            while True:
                query, client = udp.recvfrom(4096)
                udp.sendto(_dns_answer(query, udp=True), client)

        def serve_tcp() -> None:
            while True:
                connection, _ = tcp.accept()
                with connection, connection.makefile("rb") as stream:
                    query = stream.read(int.from_bytes(stream.read(2)))
                    answer = _dns_answer(query, udp=False)
                    connection.sendall(len(answer).to_bytes(2) + answer)

        for serve in (serve_udp, serve_tcp):
            threading.Thread(target=_until_closed, args=(serve,), daemon=True).start()
        yield port
        for one in (udp, tcp):
            one.close()


def _until_closed(serve: Callable[[], None]) -> None:
    try:
        serve()
    except OSError:
        return
