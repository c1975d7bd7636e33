"""A backend of an Ingress that names the pods' port, which ingress-nginx allows, to the Service's port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netproof.submission.adaptations.ingress_v1 import NEW
from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule, traefik
from netproof.submission.manifest import ManifestObject, value_at
from netproof.submission.plan import placed
from netproof.submission.routes import Backend, backends_of, is_served
from netproof.submission.service_ports import (
    ServicePort,
    meant_by_ingress_nginx,
    meant_by_the_api,
    ports_of,
    services_by_name,
)
from netproof.submission.submission import Submission

Services = Mapping[tuple[str, str], Mapping[str, Any]]


def _edits(submission: Submission) -> Iterator[Edit]:
    objects = list(placed(submission))
    services = services_by_name(objects)
    for namespace, found in objects:
        if found.kind == "Ingress" and found.api_version == NEW and is_served(found):
            backends = [one for one in backends_of(found) if one.is_of_v1]
            wrong = [(one, port) for one in backends if (port := _other_port(services, namespace, one))]
            if wrong:
                yield _mended(found, wrong)


def _other_port(services: Services, namespace: str, backend: Backend) -> ServicePort | None:
    """The port that ingress-nginx takes, where the API's letter leads to another one or to none."""
    spec = services.get((namespace, backend.service or ""), {})
    if spec.get("type") == "ExternalName" or backend.port is None:
        return None
    ports = ports_of(spec)
    taken = meant_by_ingress_nginx(ports, backend.port)
    return taken if taken != meant_by_the_api(ports, backend.port) else None


def _mended(ingress: ManifestObject, wrong: list[tuple[Backend, ServicePort]]) -> Edit:
    draft = Draft(ingress)
    for backend, port in wrong:
        value_at(draft.manifest, backend.at)["service"]["port"] = port.reference
        what = f"{backend.service}:{backend.port}, which is the targetPort, is {backend.service}:{port.port}"
        draft.note((*backend.at, "service", "port"), what)
    return draft.edit()


BACKEND_PORT = Rule(
    id="backend-port",
    group=Group.CONTROLLER,
    does="a backend that names the targetPort of a Service names the Service's port",
    because="ingress-nginx finds a backend by port, targetPort or name; the API, and Traefik, know port and name alone",
    source="ingress-nginx, internal/ingress/controller/controller.go, serviceEndpoints",
    concerns=traefik,
    edits=_edits,
)
