"""A place in the network from which a check acts: the LAN, a node, a pod.

:class:`Standpoint` is what a check relies on; :class:`AgentStandpoint` offers it by an agent
(:mod:`netproof.observe.agent`) that runs in that place. The test process itself stays in the host's namespaces.
"""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from netproof.errors import NetproofError
from netproof.observe import protocol
from netproof.observe.protocol import (
    ArpOwner,
    Completed,
    DnsReply,
    Failure,
    Hello,
    HttpReply,
    Interface,
    Neighbour,
    PingReply,
    Route,
    SocketReply,
)
from netproof.observe.replies import Replies
from netproof.waiting import NotYetError, Waiter

T = TypeVar("T")

_SLACK_SECONDS = 15.0
"""What an agent may take beyond the timeouts of its request, on a loaded machine."""


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


class Standpoint(Protocol):
    """A place in the network. All timeouts are in seconds; a request that fails is a result, not an exception.

    Every method raises :class:`StandpointError` where the place itself cannot act.
    """

    @property
    def name(self) -> str:
        """The name of the place, such as lan, n1, pod/default/web-0."""
        ...

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
        ...

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
        ...

    def ping(self, address: str, *, count: int = 1, timeout_seconds: float = 1.0) -> PingResult:
        """Send ICMP echo requests."""
        ...

    def connect(self, host: str, port: int, *, payload: str = "", timeout_seconds: float = 3.0) -> SocketReply:
        """Open a TCP connection, and where there is a payload send it and read the answer."""
        ...

    def udp(
        self, host: str, port: int, payload: str, *, timeout_seconds: float = 3.0, source_port: int = 0
    ) -> SocketReply:
        """Send a datagram and wait for one."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_seconds: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command in the place."""
        ...

    def load(
        self,
        url: str,
        *,
        interval_seconds: float = 0.02,
        timeout_seconds: float = 2.0,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[SteadyLoad]:
        """Keep a steady load on ``url`` in a ``with`` block: one request each interval, however slow the replies."""
        ...

    def neighbours(self) -> tuple[Neighbour, ...]:
        """The kernel's neighbour (ARP) table."""
        ...

    def arp_owners(self, address: str, interface: str, *, timeout_seconds: float = 1.0) -> tuple[ArpOwner, ...]:
        """Who on the network of ``interface`` answers ARP requests for ``address``."""
        ...

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces with flags and addresses."""
        ...

    def addresses(self) -> frozenset[str]:
        """All addresses on all interfaces, without prefix lengths."""
        ...

    def routes(self) -> tuple[Route, ...]:
        """The IPv4 routes of the main table."""
        ...


class AgentStandpoint:
    """The place where an agent runs.

    Each call has a connection of its own, so one standpoint may be used by several threads.

    Args:
        name: the name of the place, for messages.
        socket_path: where the agent listens.
        slowness: by what factor it may take longer than usual beyond the timeouts of a request.
    """

    def __init__(self, name: str, socket_path: Path, *, slowness: float = 1.0) -> None:
        self.name = name
        self._slack_seconds = _SLACK_SECONDS * slowness
        self.socket_path = socket_path

    def __repr__(self) -> str:
        return f"<standpoint {self.name}>"

    def wait_until_up(self, *, timeout_seconds: float = 10.0) -> Hello:
        """What the agent says of itself, once it listens.

        Raises:
            TimedOutError: it does not within ``timeout_seconds``.
        """

        def hello() -> Hello:
            if not self.socket_path.exists():
                msg = f"no socket at {self.socket_path}"
                raise NotYetError(msg)
            return self.hello()

        waiter = Waiter(interval_seconds=0.02, retry_on=(NotYetError, StandpointError))
        return waiter.until(f"the agent of {self.name} answers", hello, timeout_seconds=timeout_seconds)

    def hello(self) -> Hello:
        """What the agent says of itself.

        Raises:
            StandpointError: it does not answer, or speaks another version of the protocol.
        """
        hello = self._ask(protocol.HelloRequest(), Hello, 0.0)
        if hello.protocol_version != protocol.PROTOCOL_VERSION:
            raise StandpointError(
                f"the agent of {self.name} speaks version {hello.protocol_version} of the protocol, "
                f"this process version {protocol.PROTOCOL_VERSION}",
                "start the cluster anew with the netproof that runs the checks",
            )
        return hello

    def http(self, request: protocol.HttpRequest) -> Replies:
        """The replies to any HTTP request, such as a POST."""
        rounds = math.ceil(request.times / max(1, request.concurrency))
        return Replies(self._ask(request, tuple[HttpReply, ...], 2 * rounds * request.timeout_seconds))

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
            protocol.HttpRequest(
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
        request = protocol.DnsRequest(name, record_type, server, port, tcp, timeout_seconds, edns_payload)
        return DnsAnswer(self._ask(request, DnsReply, timeout_seconds))

    def ping(self, address: str, *, count: int = 1, timeout_seconds: float = 1.0) -> PingResult:
        """Send ICMP echo requests."""
        request = protocol.PingRequest(address, count, timeout_seconds=timeout_seconds)
        return PingResult(self._ask(request, PingReply, count * request.interval_seconds + timeout_seconds))

    def connect(self, host: str, port: int, *, payload: str = "", timeout_seconds: float = 3.0) -> SocketReply:
        """Open a TCP connection, and where there is a payload send it and read the answer."""
        return self._ask(protocol.TcpRequest(host, port, payload, timeout_seconds), SocketReply, 2 * timeout_seconds)

    def udp(
        self, host: str, port: int, payload: str, *, timeout_seconds: float = 3.0, source_port: int = 0
    ) -> SocketReply:
        """Send a datagram and wait for one."""
        request = protocol.UdpRequest(host, port, payload, timeout_seconds, source_port=source_port)
        return self._ask(request, SocketReply, timeout_seconds)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_seconds: float = 30.0,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command in the place."""
        request = protocol.ExecRequest(list(argv), stdin, timeout_seconds, dict(environment or {}))
        return self._ask(request, Completed, timeout_seconds)

    @contextmanager
    def load(
        self,
        url: str,
        *,
        interval_seconds: float = 0.02,
        timeout_seconds: float = 2.0,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[SteadyLoad]:
        """Keep a steady load on ``url`` in a ``with`` block: one request each interval, however slow the replies."""
        request = protocol.HttpRequest(url, headers=dict(headers or {}), timeout_seconds=timeout_seconds)
        load = SteadyLoad(url, interval_seconds)
        load_id = self._ask(protocol.LoadStartRequest(asdict(request), interval_seconds), str, 0.0)
        try:
            yield load
        finally:
            stop = protocol.LoadStopRequest(load_id)
            load.replies = Replies(self._ask(stop, tuple[HttpReply, ...], 2 * timeout_seconds))

    def neighbours(self) -> tuple[Neighbour, ...]:
        """The kernel's neighbour (ARP) table."""
        return self._ask(protocol.NeighboursRequest(), tuple[Neighbour, ...], 0.0)

    def arp_owners(self, address: str, interface: str, *, timeout_seconds: float = 1.0) -> tuple[ArpOwner, ...]:
        """Who on the network of ``interface`` answers ARP requests for ``address``."""
        request = protocol.ArpRequest(address, interface, timeout_seconds)
        return self._ask(request, tuple[ArpOwner, ...], timeout_seconds)

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces with flags and addresses."""
        return self._ask(protocol.InterfacesRequest(), tuple[Interface, ...], 0.0)

    def addresses(self) -> frozenset[str]:
        """All addresses on all interfaces, without prefix lengths."""
        return frozenset(address.partition("/")[0] for one in self.interfaces() for address in one.addresses)

    def routes(self) -> tuple[Route, ...]:
        """The IPv4 routes of the main table."""
        return self._ask(protocol.RoutesRequest(), tuple[Route, ...], 0.0)

    def _ask(self, request: protocol.Request, reply_type: type[T], longest_seconds: float) -> T:
        """The validated reply to a request that takes its agent at most ``longest_seconds``."""
        line = json.dumps({"op": request.op, "arguments": asdict(request)}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(longest_seconds + self._slack_seconds)
                connection.connect(str(self.socket_path))
                connection.sendall(line)
                with connection.makefile("rb") as lines:
                    answer = lines.readline()
        except OSError as problem:
            raise StandpointError(
                f"the agent of {self.name} at {self.socket_path} does not answer: {problem}",
                "look whether the cluster is up and at the agent's log",
            ) from problem
        if not answer:
            raise StandpointError(
                f"the agent of {self.name} at {self.socket_path} ended during the request {request.op!r}",
                "look at the agent's log",
            )
        message = json.loads(answer)
        if "error" in message:
            raise StandpointError(
                f"the agent of {self.name} could not perform {request.op!r}: {message['error']['message']}",
                "look at what was asked, and whether the place has the rights and tools for it",
            )
        return TypeAdapter(reply_type).validate_python(message["result"])
