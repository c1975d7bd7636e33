"""What a stand-in for each container image of a submission must be, where images cannot be pulled.

The rule, a pure function of the submission:

* An image whose repository is called busybox, alpine, curl or wget, in any registry, or that only init containers use,
  becomes a **busybox**: a shell with wget and the usual tools, which runs the command the manifest gives and ends.
  (A server in an init container would never end.)
* Any other image becomes a **web** server of ``/app``, the folder that the first homework has the image serve. It
  listens on:

  1. the TCP ``containerPort`` numbers its containers declare;
  2. else the port on which the liveness and the readiness probe of a container agree: two probes on one port are good
     evidence of where the server listens, a single one may be the very mistake that is looked for;
  3. else 8000: the first homework asks for a server on port 8000.

The rule is applied to each container; an image that several containers use listens where any of them says, since an
image listens on the same ports wherever it runs, and on 8000 only where none of them says anything.

A Service's targetPort never makes a port be served: were it so, a wrong targetPort would work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from netproof.submission.manifest import items_at, mapping_at
from netproof.submission.submission import Submission

_DEFAULT_PORT = 8000
"""The port the first homework asks the web server to listen on."""

_TOOL_REPOSITORIES = frozenset({"busybox", "busyboxplus", "alpine", "curl", "wget"})
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class StandIn:
    """What stands in for an image: its kind, and the TCP ports a ``web`` one listens on (sorted; empty for busybox)."""

    kind: Literal["web", "busybox"]
    ports: tuple[int, ...] = ()


@dataclass(slots=True)
class _Use:
    """How the containers of a submission use one image."""

    ports: set[int]
    serves: bool = False


def stand_ins(submission: Submission) -> dict[str, StandIn]:
    """The stand-in for each image reference of the submission, as it is written there, in the order of first use."""
    uses: dict[str, _Use] = {}
    for found in submission.objects:
        for container in items_at(found.pod_spec, "containers"):
            _note(uses, container, serves=True)
        for container in items_at(found.pod_spec, "initContainers"):
            # An init container that always restarts is a sidecar: it keeps running, as a server does.
            _note(uses, container, serves=container.get("restartPolicy") == "Always")
    return {reference: _stand_in(reference, use) for reference, use in uses.items()}


def repository_name(reference: str) -> str:
    """The last part of an image's repository: ``busybox`` for ``host:5000/library/busybox:1.31.1@sha256:...``."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _note(uses: dict[str, _Use], container: Mapping[str, Any], *, serves: bool) -> None:
    reference = container.get("image")
    if not isinstance(reference, str) or not reference:
        return
    use = uses.setdefault(reference, _Use(set()))
    if serves:
        use.serves = True
        use.ports |= _declared_ports(container) or _agreed_port(container)


def _stand_in(reference: str, use: _Use) -> StandIn:
    if repository_name(reference) in _TOOL_REPOSITORIES or not use.serves:
        return StandIn("busybox")
    return StandIn("web", tuple(sorted(use.ports or {_DEFAULT_PORT})))


def _declared_ports(container: Mapping[str, Any]) -> set[int]:
    """The TCP ports a container declares."""
    declared = (port for port in items_at(container, "ports") if port.get("protocol", "TCP") == "TCP")
    return {port["containerPort"] for port in declared if _is_port(port.get("containerPort"))}


def _agreed_port(container: Mapping[str, Any]) -> set[int]:
    """The port both probes of a container look at, or nothing."""
    liveness, readiness = probe_port(container, "livenessProbe"), probe_port(container, "readinessProbe")
    return {liveness} if liveness is not None and liveness == readiness else set()


def listening_port(container: Mapping[str, Any]) -> int:
    """The port on which a container that serves the page listens, going by its manifest: the rule of this module."""
    return min(_declared_ports(container) or _agreed_port(container) or {_DEFAULT_PORT})


def probe_port(
    container: Mapping[str, Any], probe: Literal["livenessProbe", "readinessProbe", "startupProbe"]
) -> int | None:
    """The port a probe looks at, a named one resolved by the container's ports; None where there is none."""
    for action in ("httpGet", "tcpSocket", "grpc"):
        port = mapping_at(container, probe, action).get("port")
        if isinstance(port, str):
            port = next((p.get("containerPort") for p in items_at(container, "ports") if p.get("name") == port), None)
        if isinstance(port, int) and _is_port(port):
            return port
    return None


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_PORT
