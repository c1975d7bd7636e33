"""A visitor: a client on the LAN with an address of its own and no route but those it is given.

The LAN's own client has a route to the whole LAN, and all checks share it, so none may take that away. A visitor is a
further address on the same interface, whose packets a routing rule of its own (``ip rule``, by source) sends to a table
of its own. In it stands one route, that nothing can be reached, until :meth:`Visitor.add_route` adds a way; that is the
homework's ``route add 172.17.255.0/24 <node>``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from netproof.observe.replies import Replies
from netproof.observe.standpoint import Standpoint, StandpointError


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client on the LAN with routes of its own.

    Attributes:
        lan: who stands on the LAN and acts for it.
        interface: the interface of the LAN.
        address: its own address.
        table: the number of its routing table.
    """

    lan: Standpoint
    interface: str
    address: str
    table: int

    def __str__(self) -> str:
        return f"the visitor {self.address}"

    def get(self, url: str, *, times: int = 1, timeout_seconds: float = 1.0) -> Replies:
        """GET ``url`` from its address."""
        return self.lan.get(url, times=times, timeout_seconds=timeout_seconds, source_address=self.address)

    def add_route(self, destination: str, gateway: str = "") -> None:
        """Give it a way to ``destination``: by a gateway, or over the LAN itself."""
        via = ("via", gateway) if gateway else ()
        way = (*via, "dev", self.interface, "onlink") if gateway else ("dev", self.interface)
        _ip(self.lan, "route", "replace", destination, *way, "table", str(self.table))

    def remove_route(self, destination: str) -> None:
        """Take a way from it."""
        _ip(self.lan, "route", "del", destination, "table", str(self.table))


@contextmanager
def visiting(lan: Standpoint, interface: str, address: str, table: int) -> Iterator[Visitor]:
    """A visitor, until the end of the block.

    Args:
        lan: who stands on the LAN.
        interface: the interface of the LAN.
        address: an address of the LAN that nobody has.
        table: the number of a routing table that nobody uses.

    Raises:
        StandpointError: it cannot be set up.
    """
    rule = ("from", address, "lookup", str(table))
    _ip(lan, "address", "add", f"{address}/32", "dev", interface)
    try:
        _ip(lan, "route", "add", "unreachable", "default", "table", str(table))
        _ip(lan, "rule", "add", *rule)
        yield Visitor(lan, interface, address, table)
    finally:
        for undo in (
            ("rule", "del", *rule),
            ("route", "flush", "table", str(table)),
            ("address", "del", f"{address}/32", "dev", interface),
        ):
            lan.run(["ip", *undo])


def _ip(lan: Standpoint, *arguments: str) -> None:
    done = lan.run(["ip", *arguments])
    if not done.ok:
        raise StandpointError(
            f"'ip {' '.join(arguments)}' on {lan.name}: {done.stderr.strip() or done.exit_code}",
            "routing rules want a kernel with CONFIG_IP_MULTIPLE_TABLES",
        )
