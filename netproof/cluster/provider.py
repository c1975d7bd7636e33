"""What every provider of a cluster offers: how a cluster came to be decides what of it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netproof.cluster.api import KubernetesApi, Object
from netproof.observe.standpoint import Standpoint

if TYPE_CHECKING:
    from netproof.cluster.existing import ExistingShape
    from netproof.cluster.guest import Guest
    from netproof.cluster.spec import ClusterSpec


class Provider(Protocol):
    """A living cluster, whoever started it. What it cannot offer raises :class:`netproof.verdict.UnsupportedError`."""

    @property
    def spec(self) -> ClusterSpec | ExistingShape:
        """What the cluster is made of, as far as that is known."""
        ...

    @property
    def namespace_labels(self) -> dict[str, str]:
        """The labels of every namespace that netproof makes there."""
        ...

    @property
    def guest(self) -> Guest | None:
        """This run as a guest there; None in a cluster of netproof's own."""
        ...

    def open_api(self) -> KubernetesApi:
        """Its API."""
        ...

    def standpoint(self, place: str) -> Standpoint:
        """Who stands on ``lan`` or on a node, by its name."""
        ...

    def beside(self, node: str) -> Standpoint:
        """Who reaches the pods of a node: from the node itself, or where nobody can stand there, from a pod."""
        ...

    def pod_standpoint(self, pod: Object) -> Standpoint:
        """Who stands in the network of a running pod."""
        ...

    def broken(self) -> str:
        """What of the cluster has died; empty where nothing has, or where that cannot be seen."""
        ...
