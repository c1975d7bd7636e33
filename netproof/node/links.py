"""The network that joins machines: a bridge for the LAN, a veth pair for each machine on it, routes to pods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netproof.node.namespace import NamespaceMachine

if TYPE_CHECKING:
    from pyroute2 import IPRoute

_BRIDGE = "br0"
UPLINK = "eth0"
"""What a machine on the LAN calls its interface."""


@dataclass(frozen=True, slots=True)
class Route:
    """A range of addresses and the neighbour that leads there."""

    destination: str
    gateway: str


def make_lan(lan: NamespaceMachine, address: str, prefix_length: int) -> None:
    """Make the LAN's bridge, with ``address`` on it: there the clients of the cluster stand."""
    with _netlink(lan.network) as netlink:
        netlink.link("add", ifname=_BRIDGE, kind="bridge")
        _address(netlink, _BRIDGE, address, prefix_length)
        _up(netlink, _BRIDGE)


def lan_port(machine: str) -> str:
    """What the LAN calls its end of the cable of the machine called ``machine``, whatever it is made of."""
    return f"p-{machine}"


def join_lan(
    lan: NamespaceMachine, machine: NamespaceMachine, address: str, prefix_length: int, *, gateway: str
) -> None:
    """Give ``machine`` an interface on the LAN with ``address`` and a default route by ``gateway``."""
    port = lan_port(machine.name)
    with _netlink(lan.network) as netlink:
        netlink.link("add", ifname=port, kind="veth", peer={"ifname": UPLINK, "net_ns_fd": machine.network})
        netlink.link("set", index=_index(netlink, port), master=_index(netlink, _BRIDGE), state="up")
    with _netlink(machine.network) as netlink:
        _address(netlink, UPLINK, address, prefix_length)
        _up(netlink, UPLINK)
        netlink.route("add", dst="default", gateway=gateway)


def tap_of(node: str) -> str:
    """What the LAN calls the interface of a virtual machine."""
    return lan_port(node)


def make_tap(lan: NamespaceMachine, node: str) -> list[str]:
    """The command line that gives the LAN's bridge an interface for a virtual machine."""
    tap = tap_of(node)
    script = f"ip tuntap add dev {tap} mode tap && ip link set {tap} master {_BRIDGE} up"
    return lan.enter(["sh", "-c", script])


def add_routes(machine: NamespaceMachine, routes: Iterable[Route]) -> None:
    """Add static routes to ``machine``."""
    with _netlink(machine.network) as netlink:
        for route in routes:
            netlink.route("add", dst=route.destination, gateway=route.gateway)


def _netlink(network: str) -> IPRoute:
    # The library takes a third of a second to load; until the first call the slowest components start.
    from pyroute2 import IPRoute

    return IPRoute(netns=network)


def _index(netlink: IPRoute, name: str) -> int:
    return int(netlink.link_lookup(ifname=name)[0])


def _up(netlink: IPRoute, name: str) -> None:
    netlink.link("set", index=_index(netlink, name), state="up")


def _address(netlink: IPRoute, name: str, address: str, prefix_length: int) -> None:
    netlink.addr("add", index=_index(netlink, name), address=address, prefixlen=prefix_length)
