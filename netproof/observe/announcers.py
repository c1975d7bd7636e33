"""Who announces an address on the LAN: the machines that answer ARP for it, by the names of the nodes they are."""

from __future__ import annotations

from collections.abc import Iterable

from netproof.observe.standpoint import Standpoint
from netproof.verdict import UnmetError, UnsupportedError

_LISTEN_SECONDS = 0.3
"""How long answers are waited for: on a bridge they come within a millisecond."""


def lan_interface(lan: Standpoint) -> str:
    """The interface by which who stands on the LAN is joined to it: its bridge.

    Raises:
        UnsupportedError: it is another machine than netproof's own, where that could be any.
    """
    bridges = [one.name for one in lan.interfaces() if one.kind == "bridge"]
    if len(bridges) != 1:
        raise UnsupportedError(
            f"{len(bridges)} bridges here, so which is that of the LAN is not known", "--cluster local"
        )
    return bridges[0]


def arp_owners(lan: Standpoint, address: str, *, timeout_seconds: float = _LISTEN_SECONDS) -> tuple[str, ...]:
    """The MAC addresses of all who answer ARP for an address on the LAN, sorted."""
    owners = lan.arp_owners(address, lan_interface(lan), timeout_seconds=timeout_seconds)
    return tuple(owner.mac for owner in owners)


def forget(lan: Standpoint, address: str) -> None:
    """Take an address out of the LAN's ARP table, so that it asks anew and does not go by what once was true."""
    lan.run(["ip", "neighbour", "del", address, "dev", lan_interface(lan)])


def _nodes_by_mac(nodes: Iterable[Standpoint]) -> dict[str, str]:
    """The names of nodes by the MAC addresses of their interfaces."""
    return {one.mac: node.name for node in nodes for one in node.interfaces() if one.mac}


def announcer(lan: Standpoint, address: str, nodes: Iterable[Standpoint], *, anew: bool = True) -> str:
    """The one node that answers ARP for an address on the LAN.

    Args:
        lan: who stands on the LAN.
        address: the address.
        nodes: who stands on each node.
        anew: whether the LAN is to forget what it knows of the address, so that what it sends next is for who answers.

    Raises:
        UnmetError: nobody answers, or several do, or one that is no node.
    """
    names = _nodes_by_mac(nodes)
    if anew:
        forget(lan, address)
    owners = arp_owners(lan, address)
    found = [names.get(mac, f"no node, with the MAC address {mac}") for mac in owners]
    if len(found) != 1 or owners[0] not in names:
        raise UnmetError(
            f"one node that answers ARP for {address}", " and ".join(found) or "nobody answers", objects=[address]
        )
    return found[0]
