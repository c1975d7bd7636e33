"""The cluster as a check sees it: its API, and the places where one can stand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from netproof.cluster.api import KubernetesApi
from netproof.cluster.local import LocalCluster
from netproof.cluster.spec import ClusterSpec
from netproof.observe.standpoint import AgentStandpoint
from netproof.waiting import Timeouts


@dataclass
class ClusterUnderTest:
    """A living cluster.

    Attributes:
        local: the embedded cluster behind it.
        timeouts: how long things may take in it.
    """

    local: LocalCluster
    timeouts: Timeouts
    _places: dict[str, AgentStandpoint] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def api(self) -> KubernetesApi:
        """Its API, as an administrator."""
        return KubernetesApi(self.local.kubeconfig)

    @cached_property
    def spec(self) -> ClusterSpec:
        """What it is made of."""
        return self.local.spec

    @property
    def image_plan(self) -> Path:
        """The file that tells its registry which images to stand in for."""
        return self.local.image_plan

    def node(self, name: str = "n1") -> AgentStandpoint:
        """Who stands on a node."""
        return self._place(name)

    def nodes(self) -> tuple[AgentStandpoint, ...]:
        """Who stands on each node, in the order of the nodes."""
        return tuple(self.node(node.name) for node in self.spec.nodes)

    def lan(self) -> AgentStandpoint:
        """Who stands on the LAN outside the nodes, as a user of the cluster does."""
        return self._place("lan")

    def pod(self, pod: dict[str, Any]) -> AgentStandpoint:
        """Who stands in the network of a running pod."""
        return self._place(f"pod:{pod['metadata']['uid']}")

    def _place(self, place: str) -> AgentStandpoint:
        with self._lock:
            if place not in self._places:
                self._places[place] = self.local.standpoint(place)
            return self._places[place]

    def broken(self) -> str:
        """Which components have died, each with the end of its log; empty where none has."""
        return "\n".join(str(death) for death in self.local.deaths())
