"""Which port of a Service a backend means: to the API's letter, and as ingress-nginx reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netproof.submission.manifest import ManifestObject, items_at
from netproof.submission.routes import PortReference

BROUGHT_ALONG: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("kubernetes-dashboard", "kubernetes-dashboard"): {"ports": [{"port": 443, "targetPort": 8443}]},
    ("kubernetes-dashboard", "dashboard-metrics-scraper"): {"ports": [{"port": 8000, "targetPort": 8000}]},
}
"""The specs of Services that the homework takes from elsewhere, the dashboard's own manifest, by namespace and name."""


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service.

    Attributes:
        port: its number.
        name: its name, empty where it has none.
        target_port: the port of the pods, a number or a name; the same number where nothing is written.
        protocol: ``TCP`` where nothing is written.
    """

    port: int
    name: str
    target_port: int | str
    protocol: str

    @property
    def reference(self) -> dict[str, int]:
        """How a backend of an Ingress names it."""
        return {"number": self.port}


def ports_of(spec: Mapping[str, Any]) -> tuple[ServicePort, ...]:
    """The ports of a Service's spec, those left out whose number is none."""
    return tuple(
        ServicePort(
            port["port"],
            str(port.get("name") or ""),
            port.get("targetPort", port["port"]),
            str(port.get("protocol") or "TCP"),
        )
        for port in items_at(spec, "ports")
        if isinstance(port.get("port"), int)
    )


def meant_by_the_api(ports: Iterable[ServicePort], reference: PortReference) -> ServicePort | None:
    """The port that a backend names, by number or by name."""
    return next((port for port in ports if reference == port.port or (reference and reference == port.name)), None)


def meant_by_ingress_nginx(ports: Iterable[ServicePort], reference: PortReference) -> ServicePort | None:
    """The port that ingress-nginx takes: the first whose number, target port or name is the reference.

    Its ``serviceEndpoints`` compares all three as text.
    """
    wanted = str(reference)
    return next((port for port in ports if wanted in {str(port.port), str(port.target_port), port.name}), None)


def services_by_name(placed: Iterable[tuple[str, ManifestObject]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The specs of Services by namespace and name, with those of :data:`BROUGHT_ALONG`.

    Args:
        placed: namespace and object, of any kind.
    """
    own = {(namespace, found.name): found.spec for namespace, found in placed if found.kind == "Service"}
    return {**BROUGHT_ALONG, **own}
