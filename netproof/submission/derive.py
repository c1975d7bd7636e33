"""Derived copies: an object of the submission with one thing changed, for a namespace of netproof's own.

A check of subject D reads as what it changes::

    derive(web, namespace="netproof-rollout", patch=[strategy(max_unavailable=0, max_surge="100%"), short_periods()])
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netproof.errors import NetproofError
from netproof.submission.manifest import PROBES, Manifest, ManifestObject, items_at, mapping_at, web_container
from netproof.submission.patch import merge_patch

Change = Callable[[Manifest], None]
"""Changes a manifest in place; it gets a copy that is its own."""
Patch = Mapping[str, Any] | Change
"""A JSON merge patch (RFC 7386) or a :data:`Change`."""

_SERVER_METADATA = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "ownerReferences",
)
_SERVER_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def derive(
    original: ManifestObject, *, namespace: str, name: str | None = None, patch: Patch | Sequence[Patch] = ()
) -> ManifestObject:
    """A copy of an object in another namespace, changed, without anything a server has written into it.

    The original is not touched. Positions of the copy are those of the original's text.

    Args:
        original: an object of the submission.
        namespace: the namespace of the copy; not used for kinds that live in none.
        name: another name for it; None keeps the original's.
        patch: one patch or several, applied in this order after the rest.
    """
    manifest = copy.deepcopy(original.manifest)
    _forget_the_server(manifest)
    metadata = manifest["metadata"]
    if original.is_namespaced:
        metadata["namespace"] = namespace
    if name is not None:
        metadata["name"] = name
    for each in [patch] if callable(patch) or isinstance(patch, Mapping) else patch:
        if callable(each):
            each(manifest)
        else:
            manifest = merge_patch(manifest, each)
    return original.with_manifest(manifest)


def replicas(count: int) -> Patch:
    """The number of pods of a workload."""
    return {"spec": {"replicas": count}}


def strategy(*, max_unavailable: int | str, max_surge: int | str) -> Change:
    """A rolling update with these bounds, instead of whatever strategy was declared."""

    def change(manifest: Manifest) -> None:
        bounds = {"maxUnavailable": max_unavailable, "maxSurge": max_surge}
        manifest.setdefault("spec", {})["strategy"] = {"type": "RollingUpdate", "rollingUpdate": bounds}

    return change


def recreate() -> Change:
    """The strategy Recreate, instead of whatever strategy was declared."""

    def change(manifest: Manifest) -> None:
        manifest.setdefault("spec", {})["strategy"] = {"type": "Recreate"}

    return change


def image(reference: str) -> Change:
    """The image of the container that serves the page."""
    return _on_web_container(lambda container: container.update(image=reference))


def readiness_probe(probe: Mapping[str, Any] | None) -> Change:
    """The readiness probe of the container that serves the page; None removes it."""
    return _on_web_container(lambda container: _set_probe(container, "readinessProbe", probe))


def liveness_probe(probe: Mapping[str, Any] | None) -> Change:
    """The liveness probe of the container that serves the page; None removes it."""
    return _on_web_container(lambda container: _set_probe(container, "livenessProbe", probe))


def http_probe(port: int | str, path: str = "/index.html", *, period_seconds: int = 1) -> dict[str, Any]:
    """An HTTP probe that looks every ``period_seconds`` seconds."""
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": period_seconds}


def tcp_probe(port: int | str, *, period_seconds: int = 1) -> dict[str, Any]:
    """A TCP probe that looks every ``period_seconds`` seconds."""
    return {"tcpSocket": {"port": port}, "periodSeconds": period_seconds}


def exec_probe(*command: str, period_seconds: int = 1) -> dict[str, Any]:
    """A probe that runs a command every ``period_seconds`` seconds."""
    return {"exec": {"command": list(command)}, "periodSeconds": period_seconds}


def short_periods(*, probe_seconds: int = 1, grace_seconds: int = 1) -> Change:
    """Probes that start at once and look every ``probe_seconds``, and pods that end within ``grace_seconds``."""

    def change(manifest: Manifest) -> None:
        pod_spec = pod_spec_of(manifest)
        pod_spec["terminationGracePeriodSeconds"] = grace_seconds
        for container in items_at(pod_spec, "containers"):
            for probe in (container[name] for name in PROBES if isinstance(container.get(name), dict)):
                probe.update(periodSeconds=probe_seconds, initialDelaySeconds=0)
                probe.pop("timeoutSeconds", None)
                probe.pop("terminationGracePeriodSeconds", None)

    return change


def pod_labels(labels: Mapping[str, str]) -> Change:
    """Labels for the pods, beside those they have."""

    def change(manifest: Manifest) -> None:
        owner = manifest if manifest["kind"] == "Pod" else manifest["spec"]["template"]
        owner.setdefault("metadata", {}).setdefault("labels", {}).update(labels)

    return change


def pod_spec_of(manifest: Manifest) -> dict[str, Any]:
    """The pod spec in the manifest of a Pod or of a workload with a template, to be changed in place.

    Raises:
        NetproofError: the manifest has none.
    """
    path = ("spec",) if manifest["kind"] == "Pod" else ("spec", "template", "spec")
    spec = mapping_at(manifest, *path)
    if not isinstance(spec, dict) or not spec:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        raise NetproofError(f"{name} has no pod spec", f"write one under {'.'.join(path)}")
    return spec


def _on_web_container(change_container: Callable[[dict[str, Any]], None]) -> Change:
    def change(manifest: Manifest) -> None:
        container = web_container(pod_spec_of(manifest))
        if not isinstance(container, dict):
            name = f"{manifest['kind']}/{manifest['metadata']['name']}"
            raise NetproofError(f"{name} has no container", "list at least one under spec.containers of its pods")
        change_container(container)

    return change


def _set_probe(container: dict[str, Any], name: str, probe: Mapping[str, Any] | None) -> None:
    container.pop(name, None)
    if probe is not None:
        container[name] = copy.deepcopy(dict(probe))


def _forget_the_server(manifest: Manifest) -> None:
    manifest.pop("status", None)
    metadata = manifest["metadata"]
    for key in _SERVER_METADATA:
        metadata.pop(key, None)
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        for key in _SERVER_ANNOTATIONS:
            annotations.pop(key, None)
    spec = manifest.get("spec")
    if manifest["kind"] == "Service" and isinstance(spec, dict):
        # Addresses and ports of the host are unique in a cluster: the copy must get its own.
        if spec.get("clusterIP") != "None":
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
        spec.pop("healthCheckNodePort", None)
        for port in items_at(spec, "ports"):
            if isinstance(port, dict):
                port.pop("nodePort", None)
