"""``wiring.ports``: target ports of Services, and ports of probes, that nothing speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import Pods, View
from netproof.submission import ManifestObject, Part
from netproof.submission.manifest import PROBES, items_at, mapping_at
from netproof.submission.service_ports import ports_of


def _look(view: View) -> Iterator[Found]:
    for namespace, service in view.of_kind("Service"):
        pods = view.selected_by(namespace, mapping_at(service.spec, "selector"))
        for index, port in enumerate(ports_of(service.spec)):
            if pods and not any(_speaks(one, port.target_port) for one in pods):
                spoken = ", ".join(dict.fromkeys(str(known) for one in pods for known in _spoken(one)))
                message = f"targetPort {port.target_port} is no port that its pods speak"
                remedy = f"write the port of the pods, who speak {spoken}" if spoken else "write the port of the pods"
                yield in_object(service, ("spec", "ports", index, "targetPort"), message, remedy)
    for found in view.relevant:
        # The homework has the single pod's readiness probe ask a wrong port, and leaves it so.
        is_intro = view.submission.layout.part_of(found) is Part.WEB_POD
        yield from _probes(found, Severity.NOTE if is_intro else Severity.WARNING)


def _speaks(pods: Pods, port: int | str) -> bool:
    """Whether a port is declared by a container or asked by a probe; any number is, where nothing is told of them."""
    spoken = _spoken(pods)
    return port in spoken or (isinstance(port, int) and not any(isinstance(one, int) for one in spoken))


def _spoken(pods: Pods) -> list[int | str]:
    ports: list[int | str] = []
    for container in items_at(pods.spec, "containers"):
        for declared in items_at(container, "ports"):
            ports += [
                one for one in (declared.get("containerPort"), declared.get("name")) if isinstance(one, int | str)
            ]
        ports += [port for _, port in _probed(container) if isinstance(port, int)]
    return ports


def _probed(container: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int | str]]:
    for probe in PROBES:
        for action in ("httpGet", "tcpSocket", "grpc"):
            port = mapping_at(container, probe, action).get("port")
            if isinstance(port, int | str):
                yield (probe, action), port


def _probes(found: ManifestObject, severity: Severity) -> Iterator[Found]:
    for index, container in enumerate(items_at(found.pod_spec, "containers")):
        numbers_declared = (one.get("containerPort") for one in items_at(container, "ports"))
        declared = {number for number in numbers_declared if isinstance(number, int)}
        names = {one.get("name") for one in items_at(container, "ports")}
        probed = list(_probed(container))
        numbers = {port for _, port in probed if isinstance(port, int)}
        for (probe, action), port in probed:
            at = (*found.pod_spec_path, "containers", index, probe, action, "port")
            if isinstance(port, str) and port not in names:
                message = f"{probe} asks the port {port!r}, and the container names no such port"
                yield in_object(found, at, message, "name the port under ports, or write its number", severity=severity)
            elif declared and isinstance(port, int) and port not in declared:
                message = f"{probe} asks port {port}, which the container does not declare"
                remedy = (
                    f"ask the port that the container listens on; it declares {', '.join(map(str, sorted(declared)))}"
                )
                yield in_object(found, at, message, remedy, severity=severity)
        if not declared and len(numbers) > 1:
            listed = ", ".join(f"{probe} {port}" for (probe, _), port in probed)
            message = f"the probes of container {container.get('name')} ask different ports: {listed}"
            at = (*found.pod_spec_path, "containers", index)
            yield in_object(found, at, message, "ask the port that the container listens on", severity=Severity.NOTE)


PORTS = HygieneRule(
    id="wiring.ports",
    holds="Every target port, and every port of a probe, is one that a container declares or a probe asks.",
    why="connections to it are refused: nothing seems to listen there",
    severity=Severity.WARNING,
    look=_look,
)
