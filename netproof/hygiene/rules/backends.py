"""``wiring.backends``, ``wiring.ingress-class`` and ``wiring.paths``: where Ingresses lead, and who takes them.

A backend that names the targetPort of a Service is found by ingress-nginx, the homework's controller, so it is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.elsewhere import BROUGHT_NAMESPACES, INGRESS_CLASSES, NAMESPACES
from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ManifestObject
from netproof.submission.layout import is_canary_ingress
from netproof.submission.routes import CLASS_ANNOTATION, Backend, backends_of, class_of, is_served, routes_of
from netproof.submission.service_ports import BROUGHT_ALONG, meant_by_ingress_nginx, ports_of, services_by_name


def _backends(view: View) -> Iterator[Found]:
    services = services_by_name(view.applied)
    for namespace, ingress in view.of_kind("Ingress"):
        for backend in backends_of(ingress):
            if backend.service is None:
                continue  # apply.valid says so
            spec = services.get((namespace, backend.service))
            if spec is None:
                yield _missing(view, namespace, ingress, backend)
                continue
            ports = ports_of(spec)
            if spec.get("type") == "ExternalName" or meant_by_ingress_nginx(ports, backend.port):
                continue
            offered = ", ".join(str(port.port) for port in ports)
            whose, severity = "", Severity.ERROR
            if spec is BROUGHT_ALONG.get((namespace, backend.service)):
                # It may have been installed from another manifest, with other ports.
                whose, severity = " of the dashboard's recommended manifest", Severity.WARNING
            message = f"the Service {backend.service}{whose} has no port {backend.port}"
            at = (*backend.at, "service", "port")
            yield in_object(ingress, at, message, f"write {offered or 'a port of it'}", severity=severity)


def _missing(view: View, namespace: str, ingress: ManifestObject, backend: Backend) -> Found:
    near = sorted({where for where, one in view.of_kind("Service") if one.name == backend.service})
    near_by = ", only in another namespace" if near else ""
    message = f"there is no Service {backend.service} in {namespace}{near_by}"
    known = namespace in view.own_namespaces or namespace not in (NAMESPACES | BROUGHT_NAMESPACES) - {"default"}
    severity = Severity.ERROR if known else Severity.WARNING  # others may put Services there
    remedy = "write the name of a Service"
    if near:
        remedy = f"an Ingress reaches Services of its own namespace alone, and this one is in {', '.join(near)}"
    return in_object(ingress, (*backend.at, "service", "name"), message, remedy, severity=severity)


def _classes(view: View) -> Iterator[Found]:
    known = INGRESS_CLASSES | {found.name for _, found in view.of_kind("IngressClass")}
    for _, ingress in view.of_kind("Ingress"):
        named = class_of(ingress)
        if named is not None and named not in known:
            at = ("spec", "ingressClassName") if "ingressClassName" in ingress.spec else ("metadata", "annotations")
            place = at if at[0] == "spec" else (*at, CLASS_ANNOTATION)
            served = ", ".join(sorted(known))
            message = f"no one serves the class {named}"
            yield in_object(ingress, place, message, f"write nginx, the class of ingress-nginx; there is {served}")


def _paths(view: View) -> Iterator[Found]:
    first: dict[tuple[str, str], ManifestObject] = {}
    for _, ingress in view.of_kind("Ingress"):
        if is_canary_ingress(ingress) or not is_served(ingress):
            continue
        for route in routes_of(ingress):
            other = first.setdefault((route.host, route.path or "/"), ingress)
            if other is not ingress:
                message = f"{other} claims {route.host or 'any host'}{route.path or '/'}, too"
                yield in_object(ingress, (*route.at, "path"), message, "give one of them another host or path")


BACKENDS = HygieneRule(
    id="wiring.backends",
    holds="Every backend of an Ingress is a Service in its namespace, and a port of it.",
    why="the controller answers 503 for a backend that it does not find",
    severity=Severity.ERROR,
    look=_backends,
)
INGRESS_CLASS = HygieneRule(
    id="wiring.ingress-class",
    holds="Every Ingress is of a class that a controller serves, or of none.",
    why="no controller takes the Ingress, and its paths answer 404",
    severity=Severity.ERROR,
    look=_classes,
)
PATHS = HygieneRule(
    id="wiring.paths",
    holds="No two main Ingresses claim the same host and path.",
    why="the older one gets the requests, and which is older depends on the order in which files are applied",
    severity=Severity.WARNING,
    look=_paths,
)
