"""The words between a test process and an agent: JSON lines over a unix socket, one request and one reply a line.

A request is ``{"op": NAME, "arguments": {...}}`` with the fields of the request's class; a reply is ``{"result": ...}``
or ``{"error": {"kind": ..., "message": ...}}``. Plain dataclasses: the agent's start must stay cheap; who reads replies
validates them (:mod:`netproof.observe.agent_standpoint`).

All durations are in seconds; all moments are ``CLOCK_MONOTONIC`` in seconds, one clock for all namespaces of a host;
a virtual machine has its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

PROTOCOL_VERSION = 1
"""Told by ``hello``: an agent and a test process of different versions do not work together."""


class Failure(StrEnum):
    """Why no reply came, as far as a client can tell."""

    REFUSED = "refused"
    """The other side, or a packet filter in its name, said that nothing listens (TCP reset on connect, ICMP port)."""
    TIMEOUT = "timeout"
    """Silence until the timeout."""
    UNREACHABLE = "unreachable"
    """No route, or an ICMP message that the host or network cannot be reached."""
    RESET = "reset"
    """The connection was there and was reset."""
    CLOSED = "closed"
    """The connection was there and was closed without a whole reply."""
    NAME_NOT_RESOLVED = "name not resolved"
    TLS = "TLS"
    NOT_PERMITTED = "not permitted"
    """The local kernel refused to send: a packet filter's drop on the way out."""
    NOT_SENT = "not sent"
    """A steady load had too many requests under way to start this one: the observer's own trouble."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """Who is there?"""

    op: ClassVar[str] = "hello"


@dataclass(frozen=True, slots=True)
class Hello:
    """The agent's name, process id (in its own PID namespace) and protocol version."""

    name: str
    pid: int
    protocol_version: int


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """HTTP requests, each on a new connection, since Kubernetes balances connections and not requests.

    Attributes:
        url: where to; a redirect is a reply as any other.
        method: the HTTP method.
        headers: sent as they are; ``Host`` overrides the URL's.
        body: sent as UTF-8.
        times: how many requests.
        concurrency: how many at once.
        timeout_seconds: for connecting, for each silence afterwards and for the whole body.
        verify_tls: whether the server's certificate must be valid.
        resolve: host name to address, instead of a look-up (as ``curl --resolve``); TLS and ``Host`` keep the name.
        source_address: the local address to connect from; empty: the kernel chooses.
        max_body_bytes: what is kept of each body.
    """

    op: ClassVar[str] = "http"
    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    times: int = 1
    concurrency: int = 1
    timeout_seconds: float = 5.0
    verify_tls: bool = True
    resolve: dict[str, str] = field(default_factory=dict)
    source_address: str = ""
    max_body_bytes: int = 65536


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What one HTTP request got.

    Attributes:
        url: where it went.
        start: when it started, CLOCK_MONOTONIC in seconds.
        duration_seconds: until the body was read or the failure was known.
        status: the status code, or None where no reply came.
        headers: names in lower case.
        body: as text, cut at the request's ``max_body_bytes``.
        failure: why there was no (whole) reply, or None.
        detail: the failure in words.
        local_address: "address:port" of this side, empty where there was no connection.
    """

    url: str
    start: float
    duration_seconds: float
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    failure: Failure | None = None
    detail: str = ""
    local_address: str = ""


@dataclass(frozen=True, slots=True)
class LoadStartRequest:
    """Start a steady load: one request each interval, whatever became of those before it (open loop).

    Attributes:
        request: what to send; its ``times`` and ``concurrency`` are not looked at.
        interval_seconds: from the start of one request to the start of the next.
        max_in_flight: where so many are under way, the next is recorded as ``NOT_SENT``; 0: enough for any timeout.
        max_seconds: the load ends by itself after so long, so a lost client leaves no load behind.
    """

    op: ClassVar[str] = "load-start"
    request: dict[str, Any]
    interval_seconds: float = 0.02
    max_in_flight: int = 0
    max_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class LoadStopRequest:
    """Stop a steady load, wait for what is under way (at most its timeouts) and hand over all replies."""

    op: ClassVar[str] = "load-stop"
    load_id: str


@dataclass(frozen=True, slots=True)
class DnsRequest:
    """One DNS query to one server.

    Attributes:
        name: asked as an absolute name; no search list.
        type: the record type, such as A, SRV, PTR.
        server: an address; empty: the first ``nameserver`` of the place's /etc/resolv.conf.
        edns_payload: the UDP payload size offered by EDNS(0); 0: no EDNS.
    """

    op: ClassVar[str] = "dns"
    name: str
    type: str = "A"
    server: str = ""
    port: int = 53
    tcp: bool = False
    timeout_seconds: float = 3.0
    edns_payload: int = 0


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record of an answer section; ``data`` is in the presentation form of its type."""

    name: str
    type: str
    ttl: int
    data: str


@dataclass(frozen=True, slots=True)
class DnsReply:
    """What one DNS query got; ``rcode`` is empty where no answer came, ``flags`` are in lower case (aa, tc, ra ...)."""

    name: str
    type: str
    server: str
    duration_seconds: float
    rcode: str = ""
    answers: tuple[DnsRecord, ...] = ()
    flags: tuple[str, ...] = ()
    size_bytes: int = 0
    failure: Failure | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PingRequest:
    """ICMP echo requests, one each interval; waits ``timeout_seconds`` after the last. Needs CAP_NET_RAW."""

    op: ClassVar[str] = "ping"
    address: str
    count: int = 1
    interval_seconds: float = 0.1
    timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class EchoReply:
    """One echo reply."""

    sequence: int
    source: str
    duration_seconds: float
    ttl: int


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One ICMP error about one of our echo requests, or the local kernel's lack of a route (``icmp_type`` -1)."""

    sequence: int
    source: str
    meaning: str
    icmp_type: int
    icmp_code: int


@dataclass(frozen=True, slots=True)
class PingReply:
    """What the echo requests got: replies, errors, or neither, which is silence.

    Of the silent ones ``dropped_here`` were dropped by the packet filter of the place itself, on their way out.
    """

    address: str
    sent: int
    replies: tuple[EchoReply, ...] = ()
    errors: tuple[IcmpError, ...] = ()
    dropped_here: int = 0


@dataclass(frozen=True, slots=True)
class TcpRequest:
    """Connect; where ``payload`` is not empty send it and read until the other side closes or falls silent."""

    op: ClassVar[str] = "tcp"
    host: str
    port: int
    payload: str = ""
    timeout_seconds: float = 3.0
    source_address: str = ""
    max_bytes: int = 65536


@dataclass(frozen=True, slots=True)
class UdpRequest:
    """Send one datagram and wait for one; ``source_port`` 0: the kernel chooses."""

    op: ClassVar[str] = "udp"
    host: str
    port: int
    payload: str
    timeout_seconds: float = 3.0
    source_address: str = ""
    source_port: int = 0
    max_bytes: int = 65536


@dataclass(frozen=True, slots=True)
class SocketReply:
    """What a TCP connection or a UDP exchange got; ``received`` is text in UTF-8."""

    host: str
    port: int
    start: float
    duration_seconds: float
    received: str = ""
    failure: Failure | None = None
    detail: str = ""
    local_address: str = ""


@dataclass(frozen=True, slots=True)
class NeighboursRequest:
    """The kernel's table of IPv4 and IPv6 neighbours."""

    op: ClassVar[str] = "neighbours"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of the neighbour table; ``state`` is the kernel's word (REACHABLE, STALE, FAILED, PERMANENT ...)."""

    address: str
    mac: str
    interface: str
    state: str


@dataclass(frozen=True, slots=True)
class ArpRequest:
    """Ask on an interface who has an address, and listen the whole time: two owners are a fault worth seeing."""

    op: ClassVar[str] = "arp"
    address: str
    interface: str
    timeout_seconds: float = 1.0
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class ArpOwner:
    """One who answered, with how many of the requests' answers came from it."""

    mac: str
    replies: int


@dataclass(frozen=True, slots=True)
class InterfacesRequest:
    """The interfaces with their addresses."""

    op: ClassVar[str] = "interfaces"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface: flags are the kernel's (UP, NOARP, LOWER_UP ...), addresses are written like 10.0.0.1/24."""

    name: str
    index: int
    kind: str
    mac: str
    state: str
    flags: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoutesRequest:
    """The routes of all tables, or of one."""

    op: ClassVar[str] = "routes"
    table: int = 254


@dataclass(frozen=True, slots=True)
class Route:
    """A route; ``destination`` is "default" or a network, ``gateway`` and ``interface`` may be empty."""

    destination: str
    gateway: str
    interface: str
    source: str
    table: int
    kind: str


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """Run a command there; on a timeout it and its children are killed.

    Attributes:
        argv: the program, found on PATH, and its arguments.
        stdin: given as UTF-8.
        environment: added to the agent's own.
    """

    op: ClassVar[str] = "exec"
    argv: list[str]
    stdin: str = ""
    timeout_seconds: float = 30.0
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that ended, or was ended: ``exit_code`` is 127 where it could not start, -9 where it was killed."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    duration_seconds: float
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.timed_out


Request = (
    HelloRequest
    | HttpRequest
    | LoadStartRequest
    | LoadStopRequest
    | DnsRequest
    | PingRequest
    | TcpRequest
    | UdpRequest
    | NeighboursRequest
    | ArpRequest
    | InterfacesRequest
    | RoutesRequest
    | ExecRequest
)
