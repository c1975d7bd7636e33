"""What a container answers to the probes that it declares, asked from where one stands as the kubelet would ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from netproof.observe.standpoint import Standpoint
from netproof.submission.manifest import mapping_at
from netproof.submission.standin import probe_port

_SUCCESS: Final = range(200, 400)

Probe = Literal["livenessProbe", "readinessProbe", "startupProbe"]


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """The answer to one probe.

    Attributes:
        asked: what was asked, in words.
        said: what came back, in words.
        reached: whether anything answered at all.
        passed: whether the kubelet would count it as a success: a TCP connection, or a status from 200 to 399.
    """

    asked: str
    said: str
    reached: bool
    passed: bool


def ask_probe(place: Standpoint, address: str, container: Mapping[str, Any], probe: Probe) -> ProbeAnswer:
    """Ask once what a probe of a container, which declares it with httpGet or tcpSocket, asks of the pod's address."""
    port = probe_port(container, probe)
    if port is None:
        return ProbeAnswer(
            f"a port of the {probe}", "it names none that the container has", reached=False, passed=False
        )
    action = mapping_at(container, probe, "httpGet")
    if not action:
        connection = place.connect(address, port)
        said = "connected" if connection.failure is None else f"{connection.failure} ({connection.detail})"
        passed = connection.failure is None
        return ProbeAnswer(f"a connection to port {port} for the {probe}", said, reached=passed, passed=passed)
    path = "/" + str(action.get("path", "")).removeprefix("/")
    headers = {one["name"]: one["value"] for one in action.get("httpHeaders", ())}
    url = f"{str(action.get('scheme', 'HTTP')).lower()}://{address}:{port}{path}"
    (reply,) = place.get(url, headers=headers, verify_tls=False)
    return ProbeAnswer(
        f"a status from 200 to 399 for {path} on port {port}, the {probe}",
        f"status {reply.status}" if reply.failure is None else f"{reply.failure} ({reply.detail})",
        reached=reply.failure is None,
        passed=reply.failure is None and reply.status in _SUCCESS,
    )
