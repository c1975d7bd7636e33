"""A Service of type LoadBalancer in a living cluster: the address it got, and what MetalLB said about it.

MetalLB says what it does in Events of the Service: ``IPAllocated``, ``AllocationFailed`` with the reason, and
``nodeAssigned`` by the speaker that answers ARP for the address.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from netproof.cluster.api import Object
from netproof.observe.eventually import eventually
from netproof.services.service import Service
from netproof.verdict import UnmetError
from netproof.waiting import NotYetError, TimedOutError, Timeouts, Waiter

ALLOCATED, ALLOCATION_FAILED, NODE_ASSIGNED = "IPAllocated", "AllocationFailed", "nodeAssigned"
"""The reasons of MetalLB's Events about a Service."""

EVENT_LIFETIME_SECONDS = 3600.0
"""How long the API keeps an Event: kube-apiserver's ``--event-ttl``, which nothing here changes."""

_WISH_ANNOTATIONS = ("metallb.universe.tf/loadBalancerIPs", "metallb.io/loadBalancerIPs")
_SECONDS_BETWEEN_LOOKS_AT_EVENTS = 1.0
_ANNOUNCING_NODE = re.compile(r'announcing from node "(?P<node>[^"]+)"')


@dataclass(frozen=True, slots=True)
class LoadBalancer(Service):
    """A Service of type LoadBalancer, by name."""

    def addresses(self) -> tuple[str, ...]:
        """The external addresses in its status; none while it is pending."""
        found = self.service().get("status", {}).get("loadBalancer", {}).get("ingress") or ()
        return tuple(one["ip"] for one in found if "ip" in one)

    def wish(self) -> str:
        """The address that it asks for; empty where any will do."""
        service = self.service()
        annotations = service["metadata"].get("annotations") or {}
        annotated = next((annotations[name] for name in _WISH_ANNOTATIONS if name in annotations), "")
        return str(service["spec"].get("loadBalancerIP") or annotated)

    def events(self, reason: str = "") -> list[Object]:
        """Its Events, the oldest first; of one reason where that is given."""
        uid = self.service()["metadata"]["uid"]
        found = [
            event
            for event in self.api.list("Event", self.namespace)
            if event["involvedObject"].get("uid") == uid and reason in {"", event["reason"]}
        ]
        return sorted(found, key=lambda event: event.get("lastTimestamp") or event["metadata"]["creationTimestamp"])

    def messages(self, reason: str) -> list[str]:
        """The messages of its Events of one reason, the oldest first."""
        return [str(event["message"]) for event in self.events(reason)]

    def announcing_node(self) -> str:
        """The node of the newest Event ``nodeAssigned``; empty where there is none."""
        for message in reversed(self.messages(NODE_ASSIGNED)):
            if found := _ANNOUNCING_NODE.search(message):
                return found["node"]
        return ""

    def standing(self) -> str:
        """How it stands, in words: its addresses, or that it is pending and what MetalLB last said."""
        if addresses := self.addresses():
            return f"has {', '.join(addresses)}"
        said = [f"{event['reason']}: {event['message']}" for event in self.events()]
        return f"is pending; {said[-1] if said else 'no event says why'}"

    def wait_address(self, timeouts: Timeouts) -> str:
        """Its address, once it has one.

        Raises:
            UnmetError: it has none in time, or MetalLB has refused it one and not changed its mind for a while.
        """
        next_look = 0.0

        def assigned() -> str:
            nonlocal next_look
            if addresses := self.addresses():
                return addresses[0]
            if time.monotonic() >= next_look:
                if self.is_refused(timeouts):
                    raise self._without_address()
                next_look = time.monotonic() + _SECONDS_BETWEEN_LOOKS_AT_EVENTS
            raise NotYetError("no address")

        waiter = Waiter(interval_seconds=0.1)
        try:
            return waiter.until(f"{self} has an address", assigned, timeout_seconds=timeouts.address_assigned)
        except TimedOutError:
            raise self._without_address() from None

    def _without_address(self) -> UnmetError:
        return UnmetError("an external address", self.standing(), objects=[str(self)])

    def is_refused(self, timeouts: Timeouts) -> bool:
        """Whether MetalLB refused it an address a while ago: the pools that it knew later have not helped."""
        failed = self.events(ALLOCATION_FAILED)
        return bool(failed) and not self.addresses() and age_seconds(failed[0]) > timeouts.address_patience

    def wait_refused(self, timeouts: Timeouts) -> str:
        """What MetalLB says of why it gets no address, once it has said so.

        Raises:
            UnmetError: it has not said so in time, or gave it an address.
        """

        def refused() -> str:
            messages = self.messages(ALLOCATION_FAILED)
            if not messages or self.addresses():
                expected = f"no address, and the event {ALLOCATION_FAILED}"
                raise UnmetError(expected, self.standing(), objects=[str(self)])
            return messages[-1]

        return eventually(refused, within_seconds=timeouts.address_assigned)


def age_seconds(obj: Object) -> float:
    """How long ago an object was made, or an Event came for the first time, by this host's clock."""
    first = obj.get("firstTimestamp") or obj["metadata"]["creationTimestamp"]
    return (datetime.now(UTC) - datetime.fromisoformat(first)).total_seconds()
