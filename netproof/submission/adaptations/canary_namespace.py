"""A canary in another namespace than its main Ingress, which ingress-nginx pairs all the same.

In the namespace of the main Ingress an ExternalName Service stands for the canary's Service, and the canary Ingress is
moved there to name it. A canary that ingress-nginx would not pair (another host or path, no such Service) stays where
it is, and routes nothing, as it would there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from netproof.submission.adaptations.pairs import Pair, Placed, pairs
from netproof.submission.adaptations.rule import Edit, Group, Rule, traefik
from netproof.submission.manifest import Manifest, ManifestObject, items_at, mapping_at, value_at
from netproof.submission.plan import placed
from netproof.submission.routes import routes_of
from netproof.submission.service_ports import (
    BROUGHT_ALONG,
    ServicePort,
    meant_by_ingress_nginx,
    ports_of,
)
from netproof.submission.submission import Submission

_LONGEST_NAME = 63


def _edits(submission: Submission) -> Iterator[Edit]:
    objects = list(placed(submission))
    for canary, found in pairs(submission).items():
        movable = [
            (pair, address)
            for pair in found
            if pair.main.namespace != canary.namespace and (address := _address(objects, canary, pair))
        ]
        if movable:
            yield _moved(canary, movable)
            # A further definition of the canary is not applied, and must not be now that the first has another name.
            yield from (Edit(other, (), ()) for other in submission.objects if _is_defined_again(canary.object, other))


def _is_defined_again(found: ManifestObject, other: ManifestObject) -> bool:
    same = (other.kind, other.name, other.namespace) == (found.kind, found.name, found.namespace)
    return same and other is not found


def _address(objects: list[tuple[str, ManifestObject]], canary: Placed, pair: Pair) -> Manifest | None:
    """The spec of an ExternalName Service that leads to the canary's Service; None where that leads nowhere."""
    name = pair.route.backend.service
    service = next(
        (one for namespace, one in objects if (namespace, one.kind, one.name) == (canary.namespace, "Service", name)),
        None,
    )
    spec = service.spec if service else BROUGHT_ALONG.get((canary.namespace, name or ""), {})
    port = meant_by_ingress_nginx(ports_of(spec), pair.route.backend.port)
    if port is None or spec.get("type") == "ExternalName":
        return None
    reached = _port_of_pods(objects, canary.namespace, spec, port) if spec.get("clusterIP") == "None" else port.port
    if reached is None:
        return None
    return {
        "type": "ExternalName",
        "externalName": f"{name}.{canary.namespace}.svc.cluster.local",
        "ports": [{"name": "http", "port": port.port, "targetPort": reached}],
    }


def _port_of_pods(
    objects: list[tuple[str, ManifestObject]], namespace: str, service: Mapping[str, Any], port: ServicePort
) -> int | None:
    """The number that a headless Service's target port has: its name leads to the pods, so no one translates ports."""
    if isinstance(port.target_port, int):
        return port.target_port
    selector = mapping_at(service, "selector")
    for where, found in objects:
        labels = mapping_at(found.pod_template, "metadata", "labels")
        if where != namespace or not selector or not selector.items() <= labels.items():
            continue
        for container in items_at(found.pod_spec, "containers"):
            for declared in items_at(container, "ports"):
                number = declared.get("containerPort")
                if declared.get("name") == port.target_port and isinstance(number, int):
                    return number
    return None


def _moved(canary: Placed, movable: list[tuple[Pair, Manifest]]) -> Edit:
    original = canary.object
    made: list[ManifestObject] = []
    changes = []
    for namespace in dict.fromkeys(pair.main.namespace for pair, _ in movable):
        there = [(pair, address) for pair, address in movable if pair.main.namespace == namespace]
        made += [original.with_manifest(one) for one in (_ingress(canary, namespace, there), *_services(canary, there))]
        changes += [
            (
                original.position_of(pair.route.at),
                f"routed from {namespace}, where its main {pair.main.object} is, through an ExternalName Service",
            )
            for pair, _ in there
        ]
    taken = {pair.route.at for pair, _ in movable}
    left = [route for route in routes_of(original) if route.at not in taken]
    if left:
        rest = copy.deepcopy(original.manifest)
        for route in sorted(taken, reverse=True):
            _, _, rule, _, _, path = route
            del rest["spec"]["rules"][rule]["http"]["paths"][path]
        rest["spec"]["rules"] = [rule for rule in rest["spec"]["rules"] if mapping_at(rule, "http").get("paths")]
        made.append(original.with_manifest(rest))
    return Edit(original, tuple(made), tuple(changes))


def _ingress(canary: Placed, namespace: str, there: list[tuple[Pair, Manifest]]) -> Manifest:
    moved = copy.deepcopy(canary.object.manifest)
    moved["metadata"].update(name=_name(canary.object.name, canary.namespace), namespace=namespace)
    rules = []
    for pair, address in there:
        written = value_at(canary.object.manifest, pair.route.at)
        service = {
            "name": _name(pair.route.backend.service or "", canary.namespace),
            "port": {"number": address["ports"][0]["port"]},
        }
        host = {"host": pair.route.host} if pair.route.host else {}
        rules.append({**host, "http": {"paths": [{**copy.deepcopy(written), "backend": {"service": service}}]}})
    moved["spec"] = {key: value for key, value in moved["spec"].items() if key != "defaultBackend"} | {"rules": rules}
    return moved


def _services(canary: Placed, there: list[tuple[Pair, Manifest]]) -> list[Manifest]:
    by_name = {_name(pair.route.backend.service or "", canary.namespace): (pair, address) for pair, address in there}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": pair.main.namespace},
            "spec": address,
        }
        for name, (pair, address) in by_name.items()
    ]


def _name(name: str, namespace: str) -> str:
    return f"{name}-in-{namespace}"[:_LONGEST_NAME].rstrip("-")


CANARY_NAMESPACE = Rule(
    id="canary-namespace",
    group=Group.CONTROLLER,
    does="a canary Ingress in another namespace than its main one is moved there, where an ExternalName Service leads "
    "to the canary's Service",
    because="ingress-nginx pairs canary and main by host and path alone, Traefik by namespace, too",
    source="ingress-nginx, internal/ingress/controller/controller.go, mergeAlternativeBackends",
    concerns=traefik,
    edits=_edits,
)
