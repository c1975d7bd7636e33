"""A place in the network from which a check acts: the LAN, a node, a pod.

:class:`Standpoint` is what a check relies on. An agent offers it in a place of netproof's own
(:mod:`netproof.observe.agent_standpoint`), the commands of a container in one that is not
(:mod:`netproof.observe.exec_standpoint`). The test process itself stays in the host's namespaces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from netproof.errors import NetproofError
from netproof.observe.protocol import (
    ArpOwner,
    ArpRequest,
    Completed,
    DnsReply,
    DnsRequest,
    ExecRequest,
    Failure,
    HttpRequest,
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


class StandpointError(NetproofError):
    """The place itself could not act: netproof's own trouble, never the fault of what is checked."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a name server answered, with the questions that checks ask of it."""

    reply: DnsReply

    def __str__(self) -> str:
        if self.failure:
            return f"{self.failure} ({self.reply.detail})"
        records = ", ".join(f"{one.type} {one.data}" for one in self.reply.answers)
        return f"{self.rcode}: {records or 'no records'}"

    @property
    def rcode(self) -> str:
        """NOERROR, NXDOMAIN, SERVFAIL ...; empty where no answer came."""
        return self.reply.rcode

    @property
    def failure(self) -> Failure | None:
        """Why no answer came, or None."""
        return self.reply.failure

    @property
    def truncated(self) -> bool:
        """Whether the server set the flag TC: ask again by TCP."""
        return "tc" in self.reply.flags

    @property
    def authoritative(self) -> bool:
        """Whether the server set the flag AA: it speaks for a domain of its own."""
        return "aa" in self.reply.flags

    @property
    def addresses(self) -> tuple[str, ...]:
        """The data of the A and AAAA records, sorted."""
        return tuple(sorted(one.data for one in self.reply.answers if one.type in {"A", "AAAA"}))

    @property
    def ttls(self) -> frozenset[int]:
        """The times to live of the records, in seconds."""
        return frozenset(one.ttl for one in self.reply.answers)

    def data(self, record_type: str) -> tuple[str, ...]:
        """The data of the records of one type, in presentation form, sorted."""
        return tuple(sorted(one.data for one in self.reply.answers if one.type == record_type))


@dataclass(frozen=True, slots=True)
class PingResult:
    """What echo requests got: an answer, a rejection (an ICMP error), or silence."""

    reply: PingReply

    def __str__(self) -> str:
        errors = "; ".join(sorted({f"{one.meaning} from {one.source or 'this host'}" for one in self.reply.errors}))
        dropped = f"; {self.reply.dropped_here} dropped by this host" if self.reply.dropped_here else ""
        return f"{len(self.reply.replies)} of {self.reply.sent} answered; errors: {errors or 'none'}{dropped}"

    @property
    def answered(self) -> bool:
        """Whether an echo reply came to every request."""
        return len(self.reply.replies) == self.reply.sent

    @property
    def rejected(self) -> bool:
        """Whether an error came and no reply."""
        return bool(self.reply.errors) and not self.reply.replies

    @property
    def silent(self) -> bool:
        """Whether neither a reply nor an error came."""
        return not self.reply.errors and not self.reply.replies


@dataclass(slots=True)
class SteadyLoad:
    """A load that runs in a ``with`` block; its replies are there after the block."""

    url: str
    interval_seconds: float
    replies: Replies = field(default_factory=lambda: Replies(()))


class Standpoint(ABC):
    """A place in the network. All timeouts are in seconds; a request that fails is a result, not an exception.

    What checks ask is put into requests of :mod:`netproof.observe.protocol` here; each kind of place answers these.
    Every method raises :class:`StandpointError` where the place itself cannot act, and
    :class:`netproof.verdict.UnsupportedError` where a place of this kind cannot do what is asked.

    Args:
        name: the name of the place, such as lan, n1, pod/default/web-0; for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<standpoint {self.name}>"

    def get(
        self,
        url: str,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 5.0,
        concurrency: int = 1,
        resolve: Mapping[str, str] | None = None,
        verify_tls: bool = True,
        source_address: str = "",
    ) -> Replies:
        """GET ``url`` on ``times`` new connections; see :class:`netproof.observe.protocol.HttpRequest`."""
        return self.http(
            HttpRequest(
                url,
                headers=dict(headers or {}),
                times=times,
                concurrency=concurrency,
                timeout_seconds=timeout_seconds,
                verify_tls=verify_tls,
                resolve=dict(resolve or {}),
                source_address=source_address,
            )
        )

    def resolve(
        self,
        name: str,
        record_type: str = "A",
        *,
        server: str = "",
        port: int = 53,
        tcp: bool = False,
        timeout_seconds: float = 3.0,
        edns_payload: int = 0,
    ) -> DnsAnswer:
        """Ask one name server once; see :class:`netproof.observe.protocol.DnsRequest`."""
        return self.dns(DnsRequest(name, record_type, server, port, tcp, timeout_seconds, edns_payload))

    def ping(self, address: str, *, count: int = 1, timeout_seconds: float = 1.0) -> PingResult:
        """Send ICMP echo requests."""
        return self.echo(PingRequest(address, count, timeout_seconds=timeout_seconds))

    def connect(self, host: str, port: int, *, payload: str = "", timeout_seconds: float = 3.0) -> SocketReply:
        """Open a TCP connection, and where there is a payload send it and read the answer."""
        return self.tcp(TcpRequest(host, port, payload, timeout_seconds))

    def udp(
        self, host: str, port: int, payload: str, *, timeout_seconds: float = 3.0, source_port: int = 0
    ) -> SocketReply:
        """Send a datagram and wait for one."""
        return self.datagram(UdpRequest(host, port, payload, timeout_seconds, source_port=source_port))

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_seconds: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command in the place."""
        return self.execute(ExecRequest(list(argv), stdin, timeout_seconds, dict(environment or {})))

    def load(
        self,
        url: str,
        *,
        interval_seconds: float = 0.02,
        timeout_seconds: float = 2.0,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[SteadyLoad]:
        """Keep a steady load on ``url`` in a ``with`` block: one request each interval, however slow the replies."""
        request = HttpRequest(url, headers=dict(headers or {}), timeout_seconds=timeout_seconds)
        return self.steady_load(request, interval_seconds)

    def arp_owners(self, address: str, interface: str, *, timeout_seconds: float = 1.0) -> tuple[ArpOwner, ...]:
        """Who on the network of ``interface`` answers ARP requests for ``address``."""
        return self.arp(ArpRequest(address, interface, timeout_seconds))

    def addresses(self) -> frozenset[str]:
        """All addresses on all interfaces, without prefix lengths."""
        return frozenset(address.partition("/")[0] for one in self.interfaces() for address in one.addresses)

    @abstractmethod
    def http(self, request: HttpRequest) -> Replies:
        """The replies to HTTP requests, also others than GET."""

    @abstractmethod
    def dns(self, request: DnsRequest) -> DnsAnswer:
        """The answer to a DNS query."""

    @abstractmethod
    def echo(self, request: PingRequest) -> PingResult:
        """What echo requests got."""

    @abstractmethod
    def tcp(self, request: TcpRequest) -> SocketReply:
        """What a TCP connection got."""

    @abstractmethod
    def datagram(self, request: UdpRequest) -> SocketReply:
        """What a datagram got."""

    @abstractmethod
    def execute(self, request: ExecRequest) -> Completed:
        """How a command ended."""

    @abstractmethod
    def steady_load(self, request: HttpRequest, interval_seconds: float) -> AbstractContextManager[SteadyLoad]:
        """Send the request again and again in a ``with`` block."""

    @abstractmethod
    def arp(self, request: ArpRequest) -> tuple[ArpOwner, ...]:
        """Who answers ARP requests."""

    @abstractmethod
    def neighbours(self) -> tuple[Neighbour, ...]:
        """The kernel's neighbour (ARP) table."""

    @abstractmethod
    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces with flags and addresses."""

    @abstractmethod
    def routes(self) -> tuple[Route, ...]:
        """The IPv4 routes of the main table."""
