"""What an embedded cluster is made of: names, versions, addresses. Plain data, shared by all of its processes."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from netproof.errors import NetproofError
from netproof.node.vm.qemu import EMULATION, VirtualHardware

PROXY_MODES = ("iptables", "nftables", "ipvs")
"""The modes of kube-proxy on Linux."""
NETNS, VM = "netns", "vm"
"""The kinds of nodes: processes in Linux namespaces, or a virtual machine with a kernel of its own."""

ZONE_LABEL = "topology.kubernetes.io/zone"

_ZONES = ("zone-a", "zone-b")
_SLOWNESS_OF_EMULATION = 3.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node: its name, its address on the LAN, the range its pods get addresses from, its kind, and its zone.

    The zone is that of the label ``topology.kubernetes.io/zone``, empty where it is not known.
    """

    name: str
    address: str
    pod_cidr: str
    kind: str = NETNS
    zone: str = ""

    @property
    def is_virtual(self) -> bool:
        """Whether it is a virtual machine."""
        return self.kind == VM


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """Everything that decides what a cluster is; validated when it is made.

    The LAN is the network outside the nodes. Its bridge carries ``lan_address``, where clients stand; the control plane
    is a host of its own on the LAN (``control_plane_address``), for it needs a way to pods that a client must not have.
    """

    name: str
    kubernetes_version: str
    node_count: int = 2
    proxy_mode: str = "iptables"
    node_kind: str = NETNS
    lan_cidr: str = "172.17.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    image_policy: str = "stand-in"
    dns_domain: str = "cluster.local"
    tools: dict[str, str] = field(default_factory=dict)
    readable_directories: tuple[str, ...] = ()
    unpacked_images: str = ""
    log_directory: str = ""
    hardware: VirtualHardware | None = None
    confined: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise NetproofError(
                f"the cluster name {self.name!r} is not usable",
                "use up to 32 lower-case letters, digits and inner hyphens",
            )
        if not 1 <= self.node_count <= 9:
            raise NetproofError(
                f"a cluster of {self.node_count} nodes is not offered", "ask for 1 to 9 nodes with --nodes"
            )
        if self.proxy_mode not in PROXY_MODES:
            raise NetproofError(
                f"the proxy mode {self.proxy_mode!r} is not offered", f"choose one of {', '.join(PROXY_MODES)}"
            )
        networks = {name: _network(name, getattr(self, name)) for name in ("lan_cidr", "pod_cidr", "service_cidr")}
        names = list(networks)
        for position, first in enumerate(names):
            for second in names[position + 1 :]:
                if networks[first].overlaps(networks[second]):
                    raise NetproofError(
                        f"{first} {networks[first]} and {second} {networks[second]} overlap",
                        "choose ranges that are apart",
                    )
        if networks["lan_cidr"].num_addresses < 256 or networks["pod_cidr"].prefixlen > 20:
            raise NetproofError(
                f"lan_cidr {self.lan_cidr} or pod_cidr {self.pod_cidr} is too small",
                "a LAN wants a /24 or wider, the pods a /20 or wider",
            )

    @property
    def slowness(self) -> float:
        """By what factor things may take longer than on nodes that run at the host's own speed."""
        emulated = self.hardware is not None and self.hardware.accelerator == EMULATION
        return _SLOWNESS_OF_EMULATION if emulated else 1.0

    @property
    def lan_address(self) -> str:
        """Where the LAN client, the registry and the short links stand: the first address of the LAN."""
        return str(_network("lan_cidr", self.lan_cidr)[1])

    @property
    def control_plane_address(self) -> str:
        """The API server's address: the second of the LAN."""
        return str(_network("lan_cidr", self.lan_cidr)[2])

    @property
    def unused_lan_address(self) -> str:
        """An address of the LAN that nobody has: the last but one."""
        return str(_network("lan_cidr", self.lan_cidr)[-3])

    @property
    def lan_prefix_length(self) -> int:
        """The LAN's prefix length in bits."""
        return _network("lan_cidr", self.lan_cidr).prefixlen

    @property
    def kubernetes_service_address(self) -> str:
        """The ClusterIP of the Service ``kubernetes``: by the API server's rule the first of the service range."""
        return str(_network("service_cidr", self.service_cidr)[1])

    @property
    def dns_address(self) -> str:
        """The ClusterIP of the cluster DNS: the tenth of the service range, as everyone expects."""
        return str(_network("service_cidr", self.service_cidr)[10])

    @property
    def nodes(self) -> tuple[NodeSpec, ...]:
        """The nodes: n1 with the eleventh address of the LAN and the first /24 of the pod range, and so on.

        They are in two zones by turns.
        """
        lan = _network("lan_cidr", self.lan_cidr)
        ranges = _network("pod_cidr", self.pod_cidr).subnets(new_prefix=24)
        return tuple(
            NodeSpec(f"n{number}", str(lan[10 + number]), str(next(ranges)), self.node_kind, _ZONES[(number - 1) % 2])
            for number in range(1, self.node_count + 1)
        )

    @property
    def cgroup(self) -> str:
        """The cgroup below which everything of this cluster runs, relative to each hierarchy's root."""
        return f"/netproof/{self.name}"

    @property
    def system_cgroup(self) -> str:
        """The cgroup of all of this cluster's processes that are in no pod."""
        return f"{self.cgroup}/system"

    def of_kind(self, node_kind: str, node_count: int) -> ClusterSpec:
        """The same cluster with so many nodes of this kind."""
        return replace(self, node_kind=node_kind, node_count=node_count)

    def with_hardware(self, hardware: VirtualHardware) -> ClusterSpec:
        """The same cluster, its virtual machines made of this."""
        return replace(self, hardware=hardware)

    def with_tools(self, tools: dict[str, str], readable_directories: tuple[str, ...]) -> ClusterSpec:
        """The same cluster, made of these programs."""
        return replace(self, tools=tools, readable_directories=readable_directories)

    def with_images(self, unpacked_images: str) -> ClusterSpec:
        """The same cluster, whose nodes have from the start the images that lie unpacked in this directory."""
        return replace(self, unpacked_images=unpacked_images)

    def with_ranges(self, ranges: Mapping[str, str]) -> ClusterSpec:
        """The same cluster with other addresses: ``lan_cidr``, ``pod_cidr``, ``service_cidr``.

        Raises:
            NetproofError: a range is malformed, too small, or overlaps another.
        """
        return replace(
            self,
            lan_cidr=ranges.get("lan_cidr", self.lan_cidr),
            pod_cidr=ranges.get("pod_cidr", self.pod_cidr),
            service_cidr=ranges.get("service_cidr", self.service_cidr),
        )

    def write(self, path: Path) -> None:
        """Store this specification as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ClusterSpec:
        """The specification stored at ``path``."""
        data = json.loads(path.read_text(encoding="utf-8"))
        data["readable_directories"] = tuple(data["readable_directories"])
        if hardware := data.get("hardware"):
            data["hardware"] = VirtualHardware(**hardware)
        return cls(**data)


def _network(name: str, text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as problem:
        raise NetproofError(
            f"{name} {text!r} is not an IPv4 network: {problem}", "write it like 172.17.0.0/16"
        ) from None
