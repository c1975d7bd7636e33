"""The cluster as a check sees it: its API, and the places where one can stand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from netproof.cluster.api import KubernetesApi, Object
from netproof.cluster.local import LocalCluster
from netproof.cluster.provider import Provider
from netproof.cluster.spec import ClusterSpec
from netproof.observe.standpoint import Standpoint
from netproof.verdict import UnsupportedError
from netproof.waiting import Timeouts

if TYPE_CHECKING:
    from netproof.cluster.existing import ExistingShape
    from netproof.cluster.guest import Guest


@dataclass
class ClusterUnderTest:
    """A living cluster.

    Attributes:
        provider: how it came to be.
        timeouts: how long things may take in it.
    """

    provider: Provider
    timeouts: Timeouts
    _places: dict[str, Standpoint] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_local(self) -> bool:
        """Whether it is an embedded cluster, which is netproof's own."""
        return isinstance(self.provider, LocalCluster)

    @property
    def slowness(self) -> float:
        """By what factor things may take longer in it than usual, for its nodes are emulated."""
        return self.provider.spec.slowness if isinstance(self.provider, LocalCluster) else 1.0

    def side_by_side(self, usual: int) -> int:
        """How many things that start pods may go on at once, where ``usual`` do on nodes of the usual speed.

        On emulated nodes it is one: with a second the first misses its probes, and what is restarted is a load, too.
        """
        return usual if self.slowness == 1 else 1

    @property
    def local(self) -> LocalCluster:
        """The embedded cluster behind it.

        Raises:
            UnsupportedError: it is another cluster, whose components are not netproof's to touch.
        """
        if not isinstance(self.provider, LocalCluster):
            raise UnsupportedError(
                "this wants a cluster of netproof's own, with components to touch", "--cluster local"
            )
        return self.provider

    @property
    def guest(self) -> Guest | None:
        """This run as a guest, in a cluster that is not netproof's own; None in one that is."""
        return self.provider.guest

    @cached_property
    def api(self) -> KubernetesApi:
        """Its API, as an administrator, or as the account that the user has named."""
        return self.provider.open_api()

    @cached_property
    def spec(self) -> ClusterSpec | ExistingShape:
        """What it is made of, as far as that is known."""
        return self.provider.spec

    @property
    def image_plan(self) -> Path:
        """The file that tells its registry which images to stand in for."""
        return self.local.image_plan

    def node(self, name: str = "") -> Standpoint:
        """Who stands on a node; on the first by default."""
        return self._place(name or self.spec.nodes[0].name)

    def nodes(self) -> tuple[Standpoint, ...]:
        """Who stands on each node, in the order of the nodes."""
        return tuple(self.node(node.name) for node in self.spec.nodes)

    def beside(self, node: str) -> Standpoint:
        """Who reaches the pods of a node: from there, or where nobody can stand there, from a pod of netproof's own."""
        return self.provider.beside(node)

    def lan(self) -> Standpoint:
        """Who stands on the LAN outside the nodes, as a user of the cluster does."""
        return self._place("lan")

    def pod(self, pod: Object) -> Standpoint:
        """Who stands in the network of a running pod."""
        uid = f"pod:{pod['metadata']['uid']}"
        with self._lock:
            if uid not in self._places:
                self._places[uid] = self.provider.pod_standpoint(pod)
            return self._places[uid]

    def _place(self, place: str) -> Standpoint:
        with self._lock:
            if place not in self._places:
                self._places[place] = self.provider.standpoint(place)
            return self._places[place]

    def broken(self) -> str:
        """Which components have died, each with the end of its log; empty where none has."""
        return self.provider.broken()
