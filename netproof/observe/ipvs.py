"""The kernel's virtual servers, from ``ipvsadm --save --numeric``, as typed objects.

The text's form is that of ipvsadm(8): one line is the arguments that would make a virtual server (``-A``) or one of its
real servers (``-a``). kube-proxy in IPVS mode makes one virtual server for each address, protocol and port of a
Service, with a real server for each endpoint; what IPVS alone cannot do it leaves to iptables with IP sets
(:mod:`netproof.observe.ipset`). The rule: kubernetes/kubernetes, pkg/proxy/ipvs/proxier.go (``syncProxyRules``).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from netproof.errors import NetproofError

_PROTOCOLS = {"-t": "tcp", "-u": "udp", "--sctp-service": "sctp"}
_FORWARDING = {"-m": "Masq", "-g": "Route", "-i": "Tunnel"}
"""How a packet gets to a real server, in the words of ``ipvsadm --list``."""


@dataclass(frozen=True, slots=True)
class RealServer:
    """One that a virtual server sends to.

    Attributes:
        target: its address and port, such as 10.244.1.5:8000.
        forwarding: ``Masq`` (the destination is rewritten), ``Route`` or ``Tunnel``.
        weight: its share; 0 where it gets no new connections.
    """

    target: str
    forwarding: str
    weight: int


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """An address, protocol and port that the kernel balances.

    Attributes:
        protocol: tcp, udp or sctp.
        target: its address and port, such as 10.96.0.10:53.
        scheduler: how it chooses, such as ``rr``.
        persistent_seconds: how long a client comes back to its real server; None where each connection is chosen anew.
        real_servers: those that it sends to.
    """

    protocol: str
    target: str
    scheduler: str
    persistent_seconds: int | None = None
    real_servers: tuple[RealServer, ...] = ()

    @property
    def targets(self) -> frozenset[str]:
        """Address and port of each real server that gets new connections."""
        return frozenset(server.target for server in self.real_servers if server.weight)


@dataclass(frozen=True, slots=True)
class VirtualServers:
    """All of one network namespace, by protocol and target."""

    servers: dict[tuple[str, str], VirtualServer] = field(default_factory=dict)

    def find(self, address: str, port: int, protocol: str = "tcp") -> VirtualServer | None:
        """The virtual server of an address, protocol and port; None where there is none."""
        return self.servers.get((protocol.lower(), f"{address}:{port}"))

    def of_address(self, address: str) -> tuple[VirtualServer, ...]:
        """All virtual servers of an address."""
        return tuple(one for (_, target), one in self.servers.items() if target.rpartition(":")[0] == address)

    @classmethod
    def parse(cls, text: str) -> VirtualServers:
        """What ``ipvsadm --save --numeric`` printed.

        Raises:
            NetproofError: a line is not of the form; the message says which.
        """
        found: dict[tuple[str, str], VirtualServer] = {}
        real: dict[tuple[str, str], list[RealServer]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                command, kind, target, *words = shlex.split(line)
                key = _PROTOCOLS[kind], target
                if command == "-A":
                    found[key] = _virtual_server(*key, words)
                else:
                    real.setdefault(key, []).append(_real_server(words))
            except (ValueError, LookupError, StopIteration) as problem:
                raise NetproofError(
                    f"line {number} of ipvsadm --save is not understood: {line!r} ({problem})",
                    "compare `ipvsadm --save --numeric` on the node; report the line if it is right",
                ) from None
        return cls(
            {
                key: VirtualServer(
                    one.protocol, one.target, one.scheduler, one.persistent_seconds, tuple(real.get(key, ()))
                )
                for key, one in found.items()
            }
        )


def _virtual_server(protocol: str, target: str, words: list[str]) -> VirtualServer:
    persistent = int(words[words.index("-p") + 1]) if "-p" in words else None
    return VirtualServer(protocol, target, words[words.index("-s") + 1], persistent)


def _real_server(words: list[str]) -> RealServer:
    forwarding = next(name for option, name in _FORWARDING.items() if option in words)
    return RealServer(words[words.index("-r") + 1], forwarding, int(words[words.index("-w") + 1]))
