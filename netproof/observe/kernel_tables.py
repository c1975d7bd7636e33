"""The kernel's tables in an agent's network namespace, by netlink: interfaces, routes, neighbours."""

from __future__ import annotations

from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.rtnl import ifinfmsg, ndmsg, rt_type

from netproof.observe.protocol import Interface, InterfacesRequest, Neighbour, NeighboursRequest, Route, RoutesRequest

_INTERFACE_FLAGS = (
    "UP",
    "BROADCAST",
    "LOOPBACK",
    "POINTOPOINT",
    "RUNNING",
    "NOARP",
    "PROMISC",
    "MULTICAST",
    "LOWER_UP",
)
_NEIGHBOUR_STATES = ("INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT")


def interfaces(_request: InterfacesRequest) -> list[Interface]:
    """Every interface with its addresses."""
    with IPRoute() as kernel:
        addresses: dict[int, list[str]] = {}
        for one in kernel.get_addr():
            address = one.get_attr("IFA_LOCAL") or one.get_attr("IFA_ADDRESS")
            addresses.setdefault(one["index"], []).append(f"{address}/{one['prefixlen']}")
        return [_interface(link, tuple(addresses.get(link["index"], ()))) for link in kernel.get_links()]


def _interface(link: Any, addresses: tuple[str, ...]) -> Interface:
    details = link.get_attr("IFLA_LINKINFO")
    return Interface(
        name=link.get_attr("IFLA_IFNAME"),
        index=link["index"],
        kind=details.get_attr("IFLA_INFO_KIND") or "" if details else "",
        mac=link.get_attr("IFLA_ADDRESS") or "",
        state=link.get_attr("IFLA_OPERSTATE") or "",
        flags=tuple(flag for flag in _INTERFACE_FLAGS if link["flags"] & getattr(ifinfmsg, f"IFF_{flag}")),
        addresses=addresses,
    )


def routes(request: RoutesRequest) -> list[Route]:
    """The IPv4 routes of a routing table."""
    with IPRoute() as kernel:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in kernel.get_links()}
        return [
            Route(
                destination=f"{to}/{one['dst_len']}" if (to := one.get_attr("RTA_DST")) else "default",
                gateway=one.get_attr("RTA_GATEWAY") or "",
                interface=names.get(one.get_attr("RTA_OIF"), ""),
                source=one.get_attr("RTA_PREFSRC") or "",
                table=request.table,
                kind=str(rt_type[one["type"]]),
            )
            for one in kernel.get_routes(family=2, table=request.table)
        ]


def neighbours(_request: NeighboursRequest) -> list[Neighbour]:
    """The neighbour table: whom the kernel asked for by ARP or neighbour discovery, and what came of it."""
    with IPRoute() as kernel:
        names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in kernel.get_links()}
        return [
            Neighbour(
                address=one.get_attr("NDA_DST") or "",
                mac=one.get_attr("NDA_LLADDR") or "",
                interface=names.get(one["ifindex"], ""),
                state=_state(one["state"]),
            )
            for one in kernel.get_neighbours()
        ]


def _state(bits: int) -> str:
    return next((state for state in _NEIGHBOUR_STATES if bits & getattr(ndmsg, f"NUD_{state}")), "NONE")
