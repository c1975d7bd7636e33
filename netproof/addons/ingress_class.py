"""The ingress controller that is in a cluster already: nothing to install, but it must be there."""

from __future__ import annotations

from netproof.addons.addon import Addon
from netproof.addons.traefik import NAMESPACE, TRAEFIK
from netproof.cluster.api import KubernetesApi
from netproof.errors import NetproofError

_NETWORKING = "networking.k8s.io/v1"


def existing_controller(class_name: str) -> Addon:
    """What serves an IngressClass, as an add-on that consists of nothing.

    Args:
        class_name: the name of the IngressClass.
    """

    def serves(api: KubernetesApi) -> None:
        if api.find("IngressClass", class_name, api_version=_NETWORKING) is None:
            there = ", ".join(one["metadata"]["name"] for one in api.list("IngressClass", api_version=_NETWORKING))
            raise NetproofError(
                f"the cluster has no IngressClass {class_name}, so nobody serves it; it has: {there or 'none'}",
                "name another one with --ingress-class, or have a controller installed by --ingress traefik",
            )

    return Addon(TRAEFIK.name, NAMESPACE, (), lambda _: {}, lambda _, __: [], serves)
