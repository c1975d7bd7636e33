"""The standpoint without an agent, run by the programs of this machine's busybox instead of a container's."""

import http.server
import shutil
import subprocess
import threading
import time

import pytest

from netproof.observe.exec_standpoint import ExecStandpoint
from netproof.observe.protocol import Completed, Failure
from netproof.observe.standpoint import StandpointError
from netproof.verdict import UnsupportedError

pytestmark = pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")


def in_busybox(argv, timeout_seconds):
    """Run a command as the container does, with busybox's programs alone."""
    start = time.monotonic()
    done = subprocess.run(["busybox", *argv], capture_output=True, text=True, timeout=timeout_seconds)
    return Completed(tuple(argv), done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def printing(stdout="", stderr="", code=0):
    """A place where every command prints this."""
    return ExecStandpoint("printer", lambda argv, _: Completed(tuple(argv), code, stdout, stderr, 0.1))


@pytest.fixture
def here():
    return ExecStandpoint("here", in_busybox)


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{self.path} for {self.headers['Host']} by {self.headers.get('canary', 'nobody')}".encode()
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found.server_address[1]
        found.shutdown()


def test_a_request_gets_status_headers_and_body(here, server):
    (reply,) = here.get(f"http://127.0.0.1:{server}/page?x=1", headers={"canary": "always"})

    assert reply.status == 200
    assert reply.body == f"/page?x=1 for 127.0.0.1:{server} by always"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert 0 <= reply.duration_seconds < 5
    assert abs(reply.start - time.monotonic()) < 10


def test_many_requests_come_back_each_in_its_order(here, server):
    replies = here.get(f"http://127.0.0.1:{server}/missing", times=7, concurrency=3)

    assert [reply.status for reply in replies] == [404] * 7


def test_a_closed_port_refuses(here):
    (reply,) = here.get("http://127.0.0.1:1/")

    assert reply.failure is Failure.REFUSED
    assert reply.status is None
    assert here.connect("127.0.0.1", 1).failure is Failure.REFUSED


def test_a_connection_that_is_taken_is_no_failure(here, server):
    assert here.connect("127.0.0.1", server, payload="GET / HTTP/1.0\r\n\r\n").received.startswith("HTTP/1.0 200")


def test_interfaces_have_their_addresses(here):
    (loopback,) = [one for one in here.interfaces() if one.name == "lo"]

    assert "127.0.0.1/8" in loopback.addresses
    assert "LOOPBACK" in loopback.flags
    assert "127.0.0.1" in here.addresses()


@pytest.mark.parametrize(
    ("printed", "answered", "rejected"),
    [
        ("64 bytes from 10.0.0.1: seq=0 ttl=64 time=0.054 ms\n", True, False),
        ("1 packets transmitted, 0 packets received\n", False, False),
        ("ping: warning: got ICMP 3 (Destination Unreachable)\n", False, True),
        ("ping: sendto: Network is unreachable\n", False, True),
    ],
    ids=["answered", "silent", "rejected", "no route"],
)
def test_what_ping_prints_is_understood(printed, answered, rejected):
    result = printing(printed).ping("10.0.0.1")

    assert (result.answered, result.rejected, result.silent) == (answered, rejected, not answered and not rejected)


@pytest.mark.parametrize(
    ("printed", "rcode", "addresses"),
    [
        (
            "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tx.default\nAddress: 10.96.1.2\n\n",
            "NOERROR",
            ("10.96.1.2",),
        ),
        ("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find x: NXDOMAIN\n", "NXDOMAIN", ()),
    ],
    ids=["an address", "no such name"],
)
def test_what_nslookup_prints_is_understood(printed, rcode, addresses):
    answer = printing(printed).resolve("x.default")

    assert (answer.rcode, answer.addresses) == (rcode, addresses)


def test_what_nslookup_does_not_print_is_unsupported():
    answer = printing("Name:\tx.default\nAddress: 10.96.1.2\n").resolve("x.default")

    for ask in (lambda: answer.ttls, lambda: answer.truncated, lambda: answer.authoritative):
        with pytest.raises(UnsupportedError, match="prints neither flags nor times to live"):
            ask()


def test_what_it_cannot_do_is_unsupported():
    place = printing()

    for ask in (
        lambda: place.udp("10.0.0.1", 53, "x"),
        lambda: place.get("https://10.0.0.1/"),
        lambda: place.load("http://10.0.0.1/"),
        lambda: place.arp_owners("10.0.0.1", "eth0"),
        lambda: place.resolve("x", "SRV"),
    ):
        with pytest.raises(UnsupportedError):
            ask()


def test_a_place_that_breaks_is_netproofs_own_trouble():
    with pytest.raises(StandpointError):
        printing(stderr="sh: not found", code=127).get("http://10.0.0.1/")
