"""A place in a cluster that is not netproof's own: a container with busybox, where commands are run through the API.

There is no agent in such a place. What is asked is put into small shell scripts for the programs of busybox (nc, ping,
ip, nslookup), and the replies are read from what they print; what they cannot see is unsupported, and says so. Moments
are those of this host's clock, to the 10 ms that ``/proc/uptime`` of the other side tells.
"""

from __future__ import annotations

import base64
import http.client
import io
import math
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NoReturn, cast
from urllib.parse import urlsplit

from netproof.observe.protocol import (
    ArpOwner,
    ArpRequest,
    Completed,
    DnsRecord,
    DnsReply,
    DnsRequest,
    EchoReply,
    ExecRequest,
    Failure,
    HttpReply,
    HttpRequest,
    IcmpError,
    Interface,
    Neighbour,
    PingReply,
    PingRequest,
    Route,
    SocketReply,
    TcpRequest,
    UdpRequest,
)
from netproof.observe.replies import Replies
from netproof.observe.standpoint import DnsAnswer, PingResult, Standpoint, StandpointError, SteadyLoad
from netproof.verdict import UnsupportedError

RunCommand = Callable[[Sequence[str], float], Completed]
"""Runs a command in the place: its words, and how long it may take in seconds."""

_SLACK_SECONDS = 15.0
_SHORTEST_SECONDS = 2
"""Where the node itself rejects a connection, its kernel drops the word of the first refusal, for the call that caused
it has not returned yet. A client that blocks, as busybox's nc does, hears of the second: at the SYN's repetition, 1 s
after the first (``tcp_v4_err`` in Linux, RFC 6298)."""

# One TCP exchange after another, or several at once: of each what came back, and how nc ended.
_EXCHANGES = r"""
host=$1 port=$2 times=$3 lanes=$4 limit=$5 text=$6
directory=$(mktemp -d)
exchange() {
    read -r began _ </proc/uptime
    printf '%s' "$text" | timeout "$limit" nc -w "$limit" "$host" "$port" >"$directory/$1.out" 2>"$directory/$1.err"
    code=$?
    read -r ended _ </proc/uptime
    echo "$began $ended $code" >"$directory/$1.end"
}
lane() {
    number=$1
    while [ "$number" -lt "$times" ]; do exchange "$number"; number=$((number + lanes)); done
}
lane=0
while [ "$lane" -lt "$lanes" ]; do lane "$lane" & lane=$((lane + 1)); done
wait
number=0
while [ "$number" -lt "$times" ]; do
    echo "exchange $(cat "$directory/$number.end") $(base64 <"$directory/$number.err" | tr -d '\n')."
    base64 <"$directory/$number.out" | tr -d '\n'
    echo
    number=$((number + 1))
done
rm -r "$directory"
"""

_ENDED_BY_TIMEOUT = frozenset({124, 143})
_FAILURES = (
    ("refused", Failure.REFUSED),
    ("timed out", Failure.TIMEOUT),
    ("no route", Failure.UNREACHABLE),
    ("unreachable", Failure.UNREACHABLE),
    ("reset", Failure.RESET),
    ("bad address", Failure.NAME_NOT_RESOLVED),
    ("not permitted", Failure.NOT_PERMITTED),
)
"""What nc says, in small letters, and what it means."""


class ExecStandpoint(Standpoint):
    """A place where commands of busybox are run; see the module.

    Args:
        name: the name of the place, for messages.
        run_command: runs a command of busybox there.
        run_program: runs what a check asks to run there; the same, where nothing else is given.
    """

    def __init__(self, name: str, run_command: RunCommand, run_program: RunCommand | None = None) -> None:
        super().__init__(name)
        self._run_command = run_command
        self._run_program = run_program or run_command

    def http(self, request: HttpRequest) -> Replies:
        """GET on new connections, by HTTP alone.

        Raises:
            UnsupportedError: the URL is of HTTPS, or a source address is asked for.
        """
        parts = urlsplit(request.url)
        if parts.scheme != "http" or request.source_address:
            self._lacks("HTTPS and source addresses of one's choice")
        if request.method != "GET" or request.body:
            self._lacks("requests other than GET")
        host = parts.hostname or ""
        wanted = {"Host": parts.netloc, "Connection": "close", "User-Agent": "netproof", **request.headers}
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in wanted.items()), "", ""]
        exchanges = self._exchange(
            request.resolve.get(host, host),
            parts.port or 80,
            "\r\n".join(lines),
            times=request.times,
            concurrency=request.concurrency,
            timeout_seconds=request.timeout_seconds,
        )
        return Replies(tuple(_http_reply(request.url, one) for one in exchanges))

    def tcp(self, request: TcpRequest) -> SocketReply:
        """What a TCP connection got."""
        (one,) = self._exchange(
            request.host,
            request.port,
            request.payload,
            times=1,
            concurrency=1,
            timeout_seconds=request.timeout_seconds,
        )
        failure = None if one.received and one.failure is Failure.TIMEOUT else one.failure
        received = one.received.decode("utf-8", "replace")
        return SocketReply(request.host, request.port, one.start, one.duration_seconds, received, failure, one.detail)

    def dns(self, request: DnsRequest) -> DnsAnswer:
        """Ask for addresses by busybox's nslookup, over UDP.

        Raises:
            UnsupportedError: another type, port or transport is asked for.
        """
        if request.type not in {"A", "AAAA"} or request.tcp or request.port != 53 or request.edns_payload:
            self._lacks("DNS queries other than for addresses, over UDP")
        server = [request.server] if request.server else []
        command = ["nslookup", f"-type={request.type.lower()}", f"{request.name.rstrip('.')}.", *server]
        done = self._run_command(command, request.timeout_seconds + _SLACK_SECONDS)
        return _PrintedAnswer(_dns_reply(request.name, request.type, request.server, done))

    def echo(self, request: PingRequest) -> PingResult:
        """What echo requests got."""
        patience = str(max(1, math.ceil(request.timeout_seconds)))
        command = ["ping", "-c", str(request.count), "-W", patience, request.address]
        done = self._run_command(command, request.count + request.timeout_seconds + _SLACK_SECONDS)
        return PingResult(_ping_reply(request.address, request.count, done))

    def execute(self, request: ExecRequest) -> Completed:
        """Run a command in the place: on a node one of the node's own.

        Raises:
            UnsupportedError: it is to be given input.
        """
        if request.stdin:
            self._lacks("commands with input")
        variables = [f"{name}={value}" for name, value in request.environment.items()]
        argv = [*(["env", *variables] if variables else []), *request.argv]
        return self._run_program(argv, request.timeout_seconds)

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces with flags and addresses; their kind is not known."""
        return tuple(_interfaces(self._output(["ip", "addr"])))

    def neighbours(self) -> tuple[Neighbour, ...]:
        """The kernel's ARP table, from ``/proc/net/arp``."""
        rows = [line.split() for line in self._output(["cat", "/proc/net/arp"]).splitlines()[1:]]
        return tuple(
            Neighbour(row[0], row[3], row[-1], "REACHABLE" if int(row[2], 16) & 2 else "FAILED") for row in rows
        )

    def routes(self) -> tuple[Route, ...]:
        """The IPv4 routes of the main table."""
        return tuple(_route(line.split()) for line in self._output(["ip", "route"]).splitlines() if line.strip())

    def datagram(self, request: UdpRequest) -> SocketReply:
        """Not from here: busybox's nc speaks TCP alone.

        Raises:
            UnsupportedError: always.
        """
        self._lacks(f"UDP to {request.host}:{request.port}")

    def steady_load(self, request: HttpRequest, interval_seconds: float) -> AbstractContextManager[SteadyLoad]:
        """Not from here: a steady load wants a client that keeps time by this host's clock.

        Raises:
            UnsupportedError: always.
        """
        self._lacks(f"a request to {request.url} each {interval_seconds:g} s")

    def arp(self, request: ArpRequest) -> tuple[ArpOwner, ...]:
        """Not from here: requests of ARP want a raw socket on the network of the nodes.

        Raises:
            UnsupportedError: always.
        """
        self._lacks(f"ARP for {request.address}")

    def _lacks(self, what: str) -> NoReturn:
        raise UnsupportedError(f"{what}: not from {self.name}, where netproof has no agent", "--cluster local")

    def _output(self, argv: Sequence[str]) -> str:
        done = self._run_command(argv, _SLACK_SECONDS)
        if not done.ok:
            raise StandpointError(f"{' '.join(argv)} failed in {self.name}: {done.stderr or done.exit_code}")
        return done.stdout

    def _exchange(
        self, host: str, port: int, text: str, *, times: int, concurrency: int, timeout_seconds: float
    ) -> list[_Exchange]:
        limit = max(_SHORTEST_SECONDS, math.ceil(timeout_seconds))
        lanes = min(max(1, concurrency), times)
        arguments = [host, str(port), str(times), str(lanes), str(limit), text]
        longest = math.ceil(times / lanes) * (limit + 1) + _SLACK_SECONDS
        began = time.monotonic()
        done = self._run_command(["sh", "-c", _EXCHANGES, "sh", *arguments], longest)
        lines = done.stdout.splitlines()
        if not done.ok or len(lines) != 2 * times:
            raise StandpointError(f"requests cannot be sent from {self.name}: {done.stderr or done.stdout[:200]}")
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        first = float(pairs[0][0].split()[1])
        return [_Exchange.read(head, body, began - first, limit) for head, body in pairs]


class _PrintedAnswer(DnsAnswer):
    """What nslookup prints of an answer, which is not all of it."""

    @property
    def truncated(self) -> bool:
        self._is_not_printed()

    @property
    def authoritative(self) -> bool:
        self._is_not_printed()

    @property
    def ttls(self) -> frozenset[int]:
        self._is_not_printed()

    def _is_not_printed(self) -> NoReturn:
        raise UnsupportedError("nslookup prints neither flags nor times to live of an answer", "--cluster local")


class _Exchange:
    """What one connection got.

    Attributes:
        start: when it began, by this host's monotonic clock.
        duration_seconds: until its end.
        received: what came back.
        failure: why nothing (more) came; None where the other side closed in good order.
        detail: the failure in words.
    """

    def __init__(
        self, start: float, duration_seconds: float, received: bytes, failure: Failure | None, detail: str
    ) -> None:
        self.start, self.duration_seconds, self.received = start, duration_seconds, received
        self.failure, self.detail = failure, detail

    @classmethod
    def read(cls, head: str, body: str, offset: float, limit: int) -> _Exchange:
        """From the two lines that the script prints."""
        _, began, ended, code, said = head.split(" ", 4)
        detail = base64.b64decode(said.removesuffix(".")).decode("utf-8", "replace").strip()
        failure = None
        if int(code) in _ENDED_BY_TIMEOUT:
            failure, detail = Failure.TIMEOUT, detail or f"no whole reply within {limit} s"
        elif int(code):
            failure = next((kind for word, kind in _FAILURES if word in detail.lower()), Failure.OTHER)
        return cls(float(began) + offset, float(ended) - float(began), base64.b64decode(body), failure, detail)


class _Received(io.BytesIO):
    """Bytes that have come already, in the form in which :class:`http.client.HTTPResponse` wants a socket."""

    def makefile(self, _mode: str) -> io.BytesIO:
        return self


def _http_reply(url: str, one: _Exchange) -> HttpReply:
    if one.failure and not one.received:
        return HttpReply(url, one.start, one.duration_seconds, failure=one.failure, detail=one.detail)
    response = http.client.HTTPResponse(cast("socket.socket", _Received(one.received)))
    try:
        response.begin()
        body = response.read()
    except (http.client.HTTPException, OSError) as problem:
        detail = f"{type(problem).__name__}: {problem}"
        return HttpReply(url, one.start, one.duration_seconds, failure=Failure.CLOSED, detail=detail)
    headers = {name.lower(): value for name, value in response.getheaders()}
    text = body.decode("utf-8", "replace")
    return HttpReply(url, one.start, one.duration_seconds, response.status, headers, text)


def _dns_reply(name: str, record_type: str, server: str, done: Completed) -> DnsReply:
    said = f"{done.stdout}\n{done.stderr}"
    found = re.search(r"\b(NXDOMAIN|SERVFAIL|REFUSED)\b", said)
    answer = said.partition("\n\n")[2]
    records = tuple(
        DnsRecord(name, record_type, 0, address)
        for address in re.findall(r"^Address(?: \d+)?:\s*([0-9a-f.:]+)\s*$", answer, re.MULTILINE)
    )
    if not found and not records and ("no servers could be reached" in said or done.timed_out):
        return DnsReply(name, record_type, server, done.duration_seconds, failure=Failure.TIMEOUT, detail=said.strip())
    rcode = found[1] if found else "NOERROR"
    return DnsReply(name, record_type, server, done.duration_seconds, rcode, records)


def _ping_reply(address: str, count: int, done: Completed) -> PingReply:
    said = f"{done.stdout}\n{done.stderr}"
    pattern = r"bytes from ([0-9a-f.:]+): (?:icmp_)?seq=(\d+) ttl=(\d+) time=([0-9.]+) ms"
    replies = tuple(
        EchoReply(int(sequence), source, float(time_ms) / 1000, int(ttl))
        for source, sequence, ttl, time_ms in re.findall(pattern, said)
    )
    errors = [IcmpError(0, "", words, int(kind), -1) for kind, words in re.findall(r"got ICMP (\d+) \((.*?)\)", said)]
    if "unreachable" in said.lower() and not errors:
        errors.append(IcmpError(0, "", "network unreachable", -1, -1))
    return PingReply(address, count, replies, tuple(errors))


def _interfaces(printed: str) -> Iterator[Interface]:
    for block in re.split(r"^(?=\d+: )", printed, flags=re.MULTILINE):
        head = re.match(r"(\d+): ([^:@]+)(?:@[^:]*)?: <([^>]*)>", block)
        if head:
            mac, state = re.search(r"link/\S+ ([0-9a-f:]{17})", block), re.search(r"\bstate (\w+)", block)
            yield Interface(
                name=head[2],
                index=int(head[1]),
                kind="",
                mac=mac[1] if mac else "",
                state=state[1] if state else "UNKNOWN",
                flags=tuple(head[3].split(",")),
                addresses=tuple(re.findall(r"^\s+inet6? (\S+)", block, re.MULTILINE)),
            )


def _route(words: list[str]) -> Route:
    def after(word: str) -> str:
        return words[words.index(word) + 1] if word in words else ""

    return Route(words[0], after("via"), after("dev"), after("src"), 254, "unicast")
