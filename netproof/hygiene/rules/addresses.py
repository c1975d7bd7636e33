"""``wiring.sharing-keys`` and ``wiring.advertisement``: addresses that MetalLB will not give, or not announce."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ManifestObject
from netproof.submission.service_ports import ports_of

_PREFIXES = ("metallb.io/", "metallb.universe.tf/")


def _annotation(service: ManifestObject, name: str) -> str:
    values = (service.annotations.get(f"{prefix}{name}") for prefix in _PREFIXES)
    return next((str(value) for value in values if value), "")


def _addresses(service: ManifestObject) -> list[str]:
    listed = _annotation(service, "loadBalancerIPs") or str(service.spec.get("loadBalancerIP") or "")
    return [address.strip() for address in listed.split(",") if address.strip()]


def _sharing(view: View) -> Iterator[Found]:
    by_address: dict[str, list[ManifestObject]] = defaultdict(list)
    for _, service in view.of_kind("Service"):
        if service.spec.get("type") == "LoadBalancer":
            for address in _addresses(service):
                by_address[address].append(service)
    for address, (first, *others) in by_address.items():
        taken = {(port.protocol, port.port) for port in ports_of(first.spec)}
        for other in others:
            ours, theirs = _annotation(other, "allow-shared-ip"), _annotation(first, "allow-shared-ip")
            clash = sorted(taken & {(port.protocol, port.port) for port in ports_of(other.spec)})
            taken |= {(port.protocol, port.port) for port in ports_of(other.spec)}
            if not ours or ours != theirs:
                keys = (
                    f"its sharing key is {ours!r}, theirs {theirs!r}"
                    if ours and theirs
                    else "not both have a sharing key"
                )
                message = f"it asks for {address} as {first} does, and {keys}"
                yield in_object(
                    other, "metadata.annotations", message, "give both the same metallb.universe.tf/allow-shared-ip"
                )
            elif clash:
                protocol, number = clash[0]
                message = f"it asks for {address} as {first} does, and both want {protocol} port {number}"
                yield in_object(other, "spec.ports", message, "let them differ by port or protocol")


def _announced(view: View) -> Iterator[Found]:
    advertised = [found for _, found in view.of_kind("L2Advertisement")] + [
        f for _, f in view.of_kind("BGPAdvertisement")
    ]
    for _, pool in view.of_kind("IPAddressPool"):
        if not any(_covers(one, pool) for one in advertised):
            message = "no L2Advertisement announces this pool"
            yield in_object(pool, (), message, f"add an L2Advertisement with ipAddressPools: [{pool.name}]")


def _covers(advertisement: ManifestObject, pool: ManifestObject) -> bool:
    """Whether an advertisement is of a pool: of those that it names, else of all."""
    named = advertisement.spec.get("ipAddressPools")
    return pool.name in named if named and isinstance(named, list) else True


SHARING_KEYS = HygieneRule(
    id="wiring.sharing-keys",
    holds="Services that ask for one address have equal sharing keys and differ by port or protocol.",
    why="MetalLB gives the address to one of them; the other stays pending",
    severity=Severity.ERROR,
    look=_sharing,
)
ADVERTISEMENT = HygieneRule(
    id="wiring.advertisement",
    holds="Every pool of addresses is announced.",
    why="MetalLB gives the addresses out, and nobody on the LAN finds them",
    severity=Severity.ERROR,
    look=_announced,
)
