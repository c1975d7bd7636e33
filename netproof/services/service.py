"""A Service in a living cluster: where it answers, and the endpoints that the API gives it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from netproof.cluster.api import KubernetesApi, Object
from netproof.verdict import UnmetError

_SERVICE_OF_SLICE = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Service:
    """A Service, by name.

    Attributes:
        api: the cluster's API.
        namespace: where it is.
        name: its name.
    """

    api: KubernetesApi
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"Service {self.namespace}/{self.name}"

    def service(self) -> Object:
        """The Service as the API has it now."""
        return self.api.get("Service", self.name, self.namespace)

    @property
    def cluster_ip(self) -> str:
        """Its ClusterIP.

        Raises:
            UnmetError: it has none, for it is headless or a name for something outside.
        """
        spec = self.service()["spec"]
        found = str(spec.get("clusterIP", ""))
        try:
            return str(ip_address(found))
        except ValueError:
            raise UnmetError(
                "a Service with a ClusterIP",
                f"type {spec.get('type')}, clusterIP {found or 'missing'}",
                objects=[str(self)],
            ) from None

    @property
    def node_port(self) -> int:
        """The port that its first port has on the nodes.

        Raises:
            UnmetError: it has none.
        """
        spec = self.service()["spec"]
        for port in spec.get("ports", ()):
            if "nodePort" in port:
                return int(port["nodePort"])
        raise UnmetError("a Service with a port on the nodes", f"type {spec.get('type')}", objects=[str(self)])

    def url(self, path: str = "/", port: int = 80) -> str:
        """The address of ``path`` at its ClusterIP.

        Raises:
            UnmetError: it has none.
        """
        return f"http://{self.cluster_ip}:{port}{path}"

    def endpoints(self) -> list[Object]:
        """Each endpoint as its EndpointSlices have it, with addresses, conditions and hints."""
        return [endpoint for one in self._slices() for endpoint in one.get("endpoints") or ()]

    def ready_endpoints(self) -> frozenset[str]:
        """Address and port of each ready endpoint in its EndpointSlices, such as 10.244.1.5:8000."""
        return frozenset(
            f"{endpoint['addresses'][0]}:{port['port']}"
            for one in self._slices()
            for endpoint in one.get("endpoints") or ()
            if _is_ready(endpoint)
            for port in one.get("ports") or ()
        )

    def ready_pods(self) -> set[str]:
        """The names of the pods that are its ready endpoints."""
        return {
            endpoint["targetRef"]["name"]
            for endpoint in self.endpoints()
            if _is_ready(endpoint) and endpoint.get("targetRef", {}).get("kind") == "Pod"
        }

    def _slices(self) -> list[Object]:
        return self.api.list(
            "EndpointSlice",
            self.namespace,
            api_version="discovery.k8s.io/v1",
            labels={_SERVICE_OF_SLICE: self.name},
        )


def _is_ready(endpoint: Object) -> bool:
    """Whether an endpoint takes new connections; by the API's rule one that does not say so does."""
    return bool(endpoint.get("conditions", {}).get("ready", True))


def service_manifest(
    name: str, selector: dict[str, str] | None, *, target_port: int | str, port: int = 80, **spec: Any
) -> Object:
    """A Service with one TCP port.

    Args:
        name: its name.
        selector: the labels of its pods; None for one whose EndpointSlices are written by hand.
        target_port: the pods' port, by number or name.
        port: the Service's own port.
        spec: further fields of its spec, such as ``sessionAffinity``.
    """
    chosen = {} if selector is None else {"selector": selector}
    ports = [{"protocol": "TCP", "port": port, "targetPort": target_port}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": ports} | chosen | spec,
    }


def endpoint_slice_manifest(service: str, addresses: list[str], port: int) -> Object:
    """An EndpointSlice that gives a Service without a selector these endpoints, all of them ready.

    Args:
        service: the name of the Service, whose port must have no name.
        addresses: the IPv4 addresses of the endpoints.
        port: the port of each.
    """
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-by-hand", "labels": {_SERVICE_OF_SLICE: service}},
        "addressType": "IPv4",
        "ports": [{"protocol": "TCP", "port": port}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
    }
