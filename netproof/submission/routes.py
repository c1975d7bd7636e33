"""What an Ingress says, in the forms of v1 and of v1beta1, and which main Ingress a canary belongs to.

ingress-nginx reads a missing path as ``/``, and a missing path type, or ``ImplementationSpecific``, as ``Prefix``
(its ``syncIngress`` and ``SetDefaultNGINXPathType``). A canary belongs to the main Ingress, in whatever namespace, that
has a rule of the same host, path and path type (``mergeAlternativeBackends``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netproof.submission.manifest import ManifestObject, mapping_at

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
NGINX = "nginx.ingress.kubernetes.io/"
"""What the annotations of ingress-nginx begin with."""
REWRITE_TARGET = f"{NGINX}rewrite-target"
USE_REGEX = f"{NGINX}use-regex"

SERVED_CLASS = "nginx"
"""The class of ingress-nginx's own manifests, and of netproof's controllers."""

PortReference = int | str | None
"""A port of a Service as a backend names it: by number, by name, or not at all."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Where requests go.

    Attributes:
        service: the Service's name; None where the backend names none.
        port: the port as it is written.
        at: the steps to the backend in the manifest.
        is_of_v1: whether it is written in the form of v1.
    """

    service: str | None
    port: PortReference
    at: tuple[str | int, ...]
    is_of_v1: bool


@dataclass(frozen=True, slots=True)
class Route:
    """One path of one rule.

    Attributes:
        host: as written; empty where the rule names none.
        path: as written; empty where there is none.
        path_type: as written; empty where there is none.
        backend: where its requests go.
        at: the steps to the path in the manifest.
    """

    host: str
    path: str
    path_type: str
    backend: Backend
    at: tuple[str | int, ...]

    def is_paired_with(self, other: Route) -> bool:
        """Whether ingress-nginx takes both for the same place: a canary's route and its main's."""
        return self._place == other._place

    @property
    def _place(self) -> tuple[str, str, str]:
        is_prefix = self.path_type in {"", "ImplementationSpecific"}
        return self.host, self.path or "/", "Prefix" if is_prefix else self.path_type


def routes_of(ingress: ManifestObject) -> tuple[Route, ...]:
    """The routes of an Ingress, in their order; what is no mapping is left out."""
    return tuple(_routes(ingress.spec))


def backends_of(ingress: ManifestObject) -> tuple[Backend, ...]:
    """All backends of an Ingress: those of its routes, then the one for requests that no route takes."""
    catching = [key for key in ("defaultBackend", "backend") if isinstance(ingress.spec.get(key), Mapping)]
    return (
        *(route.backend for route in routes_of(ingress)),
        *(_backend_at(mapping_at(ingress.spec, key), ("spec", key)) for key in catching),
    )


def class_of(ingress: ManifestObject) -> str | None:
    """The class of an Ingress, by its field or else by the annotation from before there was one; None without."""
    named = ingress.spec.get("ingressClassName", ingress.annotations.get(CLASS_ANNOTATION))
    return named if isinstance(named, str) else None


def is_served(ingress: ManifestObject) -> bool:
    """Whether the homework's controller takes an Ingress: one of its class, or of none."""
    return class_of(ingress) in {None, SERVED_CLASS}


def _backend_at(backend: Mapping[str, Any], at: tuple[str | int, ...]) -> Backend:
    """A backend in either form."""
    service = mapping_at(backend, "service")
    name = service.get("name", backend.get("serviceName"))
    port = mapping_at(service, "port")
    reference = port.get("number", port.get("name", backend.get("servicePort")))
    return Backend(
        name if isinstance(name, str) else None,
        reference if isinstance(reference, int | str) and not isinstance(reference, bool) else None,
        at,
        is_of_v1=bool(service),
    )


def _routes(spec: Mapping[str, Any]) -> Iterator[Route]:
    for rule_index, rule in _mappings(spec.get("rules")):
        for path_index, path in _mappings(mapping_at(rule, "http").get("paths")):
            at = ("spec", "rules", rule_index, "http", "paths", path_index)
            backend = _backend_at(mapping_at(path, "backend"), (*at, "backend"))
            yield Route(_text(rule.get("host")), _text(path.get("path")), _text(path.get("pathType")), backend, at)


def _mappings(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, Mapping))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
