"""What is written down of a cluster when a check fails: objects, events, logs, timelines."""

from __future__ import annotations

from pathlib import Path

import yaml

from netproof.cluster.api import ApiRefused, KubernetesApi
from netproof.observe.timeline import Timeline

_KINDS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("networking.k8s.io/v1", "Ingress"),
    ("v1", "Event"),
)


def write_namespace(api: KubernetesApi, namespace: str, directory: Path) -> list[Path]:
    """Write the objects, the events and the logs of a namespace; returns the files.

    Args:
        api: the cluster's API.
        namespace: whose objects.
        directory: where the files go.
    """
    files = []
    for api_version, kind in _KINDS:
        found = api.list(kind, namespace, api_version=api_version)
        for item in found:
            item["metadata"].pop("managedFields", None)
        if found:
            files.append(directory / f"{namespace}.{kind.lower()}s.yaml")
            files[-1].write_text(yaml.safe_dump_all(found, sort_keys=False), encoding="utf-8")
    logs = directory / f"{namespace}.logs.txt"
    logs.write_text("\n".join(_logs(api, namespace)), encoding="utf-8")
    return [*files, logs]


def write_timeline(timeline: Timeline, directory: Path) -> list[Path]:
    """Write a timeline as a table; returns the file."""
    path = directory / f"timeline-{timeline.namespace}-{timeline.deployment}.txt"
    path.write_text(timeline.render() + "\n", encoding="utf-8")
    return [path]


def _logs(api: KubernetesApi, namespace: str) -> list[str]:
    lines: list[str] = []
    for pod in api.list("Pod", namespace):
        for container in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]):
            name, inside = pod["metadata"]["name"], container["name"]
            try:
                said = api.logs(name, namespace, inside)
            except ApiRefused as refused:
                said = f"no log: {refused.message}"
            lines.append(f"== {name} {inside}\n{said}")
    return lines
