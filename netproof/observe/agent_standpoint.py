"""The place where an agent of netproof runs (:mod:`netproof.observe.agent`), asked over a unix socket."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from netproof.observe import protocol
from netproof.observe.protocol import (
    ArpOwner,
    Completed,
    DnsReply,
    Hello,
    HttpReply,
    Interface,
    Neighbour,
    PingReply,
    Route,
    SocketReply,
)
from netproof.observe.replies import Replies
from netproof.observe.standpoint import DnsAnswer, PingResult, Standpoint, StandpointError, SteadyLoad
from netproof.waiting import NotYetError, Waiter

T = TypeVar("T")

_SLACK_SECONDS = 15.0
"""What an agent may take beyond the timeouts of its request, on a loaded machine."""


class AgentStandpoint(Standpoint):
    """The place where an agent runs.

    Each call has a connection of its own, so one standpoint may be used by several threads.

    Args:
        name: the name of the place, for messages.
        socket_path: where the agent listens.
        slowness: by what factor it may take longer than usual, beyond the timeouts of a request and for each request
            of a steady load, which is by as much thinner: more than a place can send shows its own losses.
    """

    def __init__(self, name: str, socket_path: Path, *, slowness: float = 1.0) -> None:
        super().__init__(name)
        self._slowness = slowness
        self._slack_seconds = _SLACK_SECONDS * slowness
        self.socket_path = socket_path

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
        """The replies to HTTP requests, also others than GET."""
        rounds = math.ceil(request.times / max(1, request.concurrency))
        return Replies(self._ask(request, tuple[HttpReply, ...], 2 * rounds * request.timeout_seconds))

    def dns(self, request: protocol.DnsRequest) -> DnsAnswer:
        """The answer to a DNS query."""
        return DnsAnswer(self._ask(request, DnsReply, request.timeout_seconds))

    def echo(self, request: protocol.PingRequest) -> PingResult:
        """What echo requests got."""
        longest = request.count * request.interval_seconds + request.timeout_seconds
        return PingResult(self._ask(request, PingReply, longest))

    def tcp(self, request: protocol.TcpRequest) -> SocketReply:
        """What a TCP connection got."""
        return self._ask(request, SocketReply, 2 * request.timeout_seconds)

    def datagram(self, request: protocol.UdpRequest) -> SocketReply:
        """What a datagram got."""
        return self._ask(request, SocketReply, request.timeout_seconds)

    def execute(self, request: protocol.ExecRequest) -> Completed:
        """How a command ended."""
        return self._ask(request, Completed, request.timeout_seconds)

    @contextmanager
    def steady_load(self, request: protocol.HttpRequest, interval_seconds: float) -> Iterator[SteadyLoad]:
        """Send the request again and again in a ``with`` block."""
        interval_seconds *= self._slowness
        request = replace(request, timeout_seconds=request.timeout_seconds * self._slowness)
        load = SteadyLoad(request.url, interval_seconds)
        load_id = self._ask(protocol.LoadStartRequest(asdict(request), interval_seconds), str, 0.0)
        try:
            yield load
        finally:
            stop = protocol.LoadStopRequest(load_id)
            load.replies = Replies(self._ask(stop, tuple[HttpReply, ...], 2 * request.timeout_seconds))

    def arp(self, request: protocol.ArpRequest) -> tuple[ArpOwner, ...]:
        """Who answers ARP requests."""
        return self._ask(request, tuple[ArpOwner, ...], request.timeout_seconds)

    def neighbours(self) -> tuple[Neighbour, ...]:
        """The kernel's neighbour (ARP) table."""
        return self._ask(protocol.NeighboursRequest(), tuple[Neighbour, ...], 0.0)

    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces with flags and addresses."""
        return self._ask(protocol.InterfacesRequest(), tuple[Interface, ...], 0.0)

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
