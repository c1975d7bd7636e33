"""Cluster DNS on the LAN: the LoadBalancer Services that publish it, and the address that they share.

DNS is asked by UDP and by TCP at the same address, so one address must serve both. One Service of both protocols does,
as well as two Services that MetalLB lets share an address because their sharing keys are equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from netproof.applying.outcomes import Outcome
from netproof.services.load_balancer import LoadBalancer
from netproof.verdict import UnmetError
from netproof.waiting import NotYetError, TimedOutError, Timeouts, Waiter

PORT = 53
_PROTOCOLS = frozenset({"UDP", "TCP"})
_SHARING_ANNOTATIONS = ("metallb.universe.tf/allow-shared-ip", "metallb.io/allow-shared-ip")
"""Where MetalLB looks for the sharing key: the name of 0.13, and that of later versions."""


@dataclass(frozen=True, slots=True)
class PublishedDns:
    """The Services that publish cluster DNS.

    Attributes:
        services: those that the API took.
        others: what became of those that it did not take.
    """

    services: tuple[LoadBalancer, ...]
    others: tuple[Outcome, ...]

    def address(self) -> str:
        """The address that serves port 53 by both protocols now.

        Raises:
            UnmetError: there is none; with how each of the Services stands.
        """
        protocols: defaultdict[str, set[str]] = defaultdict(set)
        for service in self.services:
            served = {port["protocol"] for port in service.service()["spec"]["ports"] if port["port"] == PORT}
            for address in service.addresses():
                protocols[address] |= served
        shared = sorted(address for address, found in protocols.items() if found >= _PROTOCOLS)
        if not shared:
            raise self._without_shared_address()
        return shared[0]

    def wait_address(self, timeouts: Timeouts) -> str:
        """The address that serves port 53 by both protocols, once there is one.

        Raises:
            UnmetError: there is none in time, or nothing is left to wait for: every Service has an address or was
                refused one.
        """

        def shared() -> str:
            try:
                return self.address()
            except UnmetError as unmet:
                if all(service.addresses() or service.is_refused(timeouts) for service in self.services):
                    raise
                raise NotYetError(unmet.observed) from None

        waiter = Waiter(interval_seconds=0.2)
        try:
            return waiter.until("one address for both protocols", shared, timeout_seconds=timeouts.address_assigned)
        except TimedOutError:
            raise self._without_shared_address() from None

    def at(self, address: str) -> tuple[LoadBalancer, ...]:
        """The Services that have an address."""
        return tuple(service for service in self.services if address in service.addresses())

    def _without_shared_address(self) -> UnmetError:
        standing = [f"{service} ({_ports(service)}) {service.standing()}" for service in self.services]
        refusals = [str(outcome) for outcome in self.others]
        return UnmetError(
            "one address that serves port 53 by UDP and by TCP",
            "; ".join([*standing, *refusals]),
            objects=[str(service) for service in self.services],
        )


def sharing_keys(services: Sequence[LoadBalancer]) -> dict[str, str]:
    """The sharing key of each Service, by its name; empty where it has none."""
    found = {}
    for service in services:
        annotations = service.service()["metadata"].get("annotations") or {}
        found[str(service)] = next((annotations[name] for name in _SHARING_ANNOTATIONS if name in annotations), "")
    return found


def _ports(service: LoadBalancer) -> str:
    return ", ".join(f"{port['protocol']} {port['port']}" for port in service.service()["spec"]["ports"])
