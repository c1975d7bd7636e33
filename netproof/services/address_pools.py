"""MetalLB's pools of addresses: what is in them, which address comes first, and which are free for a new pool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

from netproof.cluster.api import KubernetesApi, Object

API_VERSION = "metallb.io/v1beta1"
POOL_ANNOTATION = "metallb.universe.tf/address-pool"
SHARING_ANNOTATION = "metallb.universe.tf/allow-shared-ip"

Address = IPv4Address | IPv6Address

_FIRST_FREE_HOST = 128


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The addresses from ``first`` to ``last``, both included."""

    first: Address
    last: Address

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __contains__(self, address: object) -> bool:
        return isinstance(address, type(self.first)) and int(self.first) <= int(address) <= int(self.last)

    def overlaps(self, other: AddressRange) -> bool:
        """Whether an address is in both."""
        return self.first in other or other.first in self

    @classmethod
    def parse(cls, text: str) -> AddressRange:
        """The range that MetalLB takes ``text`` for: a network, or two addresses with a hyphen between.

        Raises:
            ValueError: it is neither.
        """
        first, hyphen, last = text.partition("-")
        if hyphen:
            return cls(ip_address(first.strip()), ip_address(last.strip()))
        network = ip_network(text.strip())
        return cls(network[0], network[-1])


@dataclass(frozen=True, slots=True)
class AddressPool:
    """An IPAddressPool.

    Attributes:
        name: its name.
        ranges: what is in it, in its order.
        auto_assign: whether Services that ask for no pool get addresses of it.
        avoids_buggy: whether addresses that end in 0 or 255 are left out, which some firmware takes for broadcast.
    """

    name: str
    ranges: tuple[AddressRange, ...]
    auto_assign: bool = True
    avoids_buggy: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.ranges))})"

    def __contains__(self, address: object) -> bool:
        return any(address in one for one in self.ranges)

    @property
    def first(self) -> Address | None:
        """The address it gives out first; None where it has none."""
        for one in self.ranges:
            number = int(one.first)
            while self.avoids_buggy and one.first.version == 4 and number & 0xFF in (0, 0xFF):
                number += 1
            if number <= int(one.last):
                return ip_address(number)
        return None

    @classmethod
    def of(cls, pool: Object) -> AddressPool:
        """The pool that an IPAddressPool object is; MetalLB's webhook has seen to it that it is one."""
        spec = pool["spec"]
        ranges = tuple(AddressRange.parse(text) for text in spec.get("addresses") or ())
        return cls(pool["metadata"]["name"], ranges, spec.get("autoAssign", True), spec.get("avoidBuggyIPs", False))


def pools_of(api: KubernetesApi, namespace: str) -> list[AddressPool]:
    """The pools that MetalLB, which stands in ``namespace``, has been given, the older kind AddressPool included."""
    found = [
        AddressPool.of(one)
        for kind in ("IPAddressPool", "AddressPool")
        for one in api.list(kind, namespace, api_version=API_VERSION)
    ]
    return sorted(found, key=lambda pool: pool.name)


def free_ranges(network: str, size: int, taken: Iterable[AddressRange]) -> Iterator[AddressRange]:
    """The ranges of ``size`` addresses in a network that are apart from those taken, from its end to its start.

    Args:
        network: the network, such as 172.17.0.0/16; its first 128 addresses and its last are left alone.
        size: how many addresses.
        taken: what is in use.
    """
    lan, used = IPv4Network(network), tuple(taken)
    lowest, highest = int(lan[_FIRST_FREE_HOST]), int(lan[-1]) - 1
    for last in range(highest, lowest + size - 1, -size):
        found = AddressRange(ip_address(last - size + 1), ip_address(last))
        if not any(found.overlaps(other) for other in used):
            yield found


def pool_manifest(name: str, namespace: str, ranges: Sequence[AddressRange]) -> list[Object]:
    """A pool for Services that ask for it by name, and the advertisement that has its addresses announced by ARP."""
    pool = {
        "apiVersion": API_VERSION,
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"addresses": [str(one) for one in ranges], "autoAssign": False},
    }
    advertisement = {
        "apiVersion": API_VERSION,
        "kind": "L2Advertisement",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ipAddressPools": [name]},
    }
    return [pool, advertisement]
