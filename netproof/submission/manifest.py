"""One Kubernetes object of a submission, with the place of everything in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from netproof.submission.problem import Position
from netproof.submission.yaml_tree import Node

Manifest = dict[str, Any]
"""An object as plain dicts, lists and scalars, as kubectl would send it."""

_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<quote>[\"']?)(?P<bracket>[^\]]*?)(?P=quote)\]|(?P<dot>\.)")

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
"""The fields of a container that hold a probe."""
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
"""The fields of a pod's spec by which it shares a namespace of its node."""

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeSnapshotClass",
    }
)
"""Kinds that live in no namespace; every other kind is taken as namespaced."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an object comes from: the file (relative to the submission), its line, and its document's index from 0."""

    path: str
    line: int
    document: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class ManifestObject:
    """A Kubernetes object as its author wrote it.

    Attributes:
        api_version: as written, e.g. ``networking.k8s.io/v1beta1``.
        kind: as written.
        name: ``metadata.name``.
        namespace: ``metadata.namespace`` as written, None where the manifest names none.
        manifest: the whole object as plain data; treat it as read-only, and change a ``copy.deepcopy`` of it.
        source: where it was read.
        text: the text of its document.
    """

    api_version: str
    kind: str
    name: str
    namespace: str | None
    manifest: Manifest
    source: Source
    text: str = field(repr=False)
    _tree: Node = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name} ({self.source})"

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def is_namespaced(self) -> bool:
        """Whether objects of this kind live in a namespace, going by :data:`CLUSTER_SCOPED`."""
        return self.kind not in CLUSTER_SCOPED

    @property
    def labels(self) -> dict[str, str]:
        """``metadata.labels``, empty where there are none."""
        return dict(mapping_at(self.manifest, "metadata", "labels"))

    @property
    def annotations(self) -> dict[str, Any]:
        """``metadata.annotations``, empty where there are none."""
        return dict(mapping_at(self.manifest, "metadata", "annotations"))

    @property
    def spec(self) -> Mapping[str, Any]:
        """``spec``, empty where there is none."""
        return mapping_at(self.manifest, "spec")

    @property
    def pod_template(self) -> Mapping[str, Any] | None:
        """``metadata`` and ``spec`` its pods are made from: a Pod's own, a workload's template; None for others."""
        if self.kind == "Pod":
            return {"metadata": mapping_at(self.manifest, "metadata"), "spec": self.spec}
        return mapping_at(self.manifest, *self._template_steps) or None

    @property
    def pod_spec(self) -> Mapping[str, Any] | None:
        """The pod spec of a Pod or a workload; None for other kinds."""
        template = self.pod_template
        return mapping_at(template, "spec") or None if template is not None else None

    @property
    def pod_spec_path(self) -> tuple[str | int, ...]:
        """The steps to :attr:`pod_spec` in the manifest of a Pod or a workload, for :meth:`position_of`."""
        return (*self._template_steps, "spec") if self.kind != "Pod" else ("spec",)

    @property
    def _template_steps(self) -> tuple[str, ...]:
        return ("spec", "jobTemplate", "spec", "template") if self.kind == "CronJob" else ("spec", "template")

    def position_of(self, path: str | Sequence[str | int] = ()) -> Position:
        """The place of a field, or of its nearest written ancestor where the field is not written.

        Args:
            path: steps such as ``("spec", "ports", 0, "port")``, or text in the form API messages use:
                ``spec.ports[0].port``, ``metadata.annotations[example.com/a.b]``.
        """
        place: Position = Position(self.source.path, self._tree.line, self._tree.column)
        node = self._tree
        for step in _parse_field_path(path) if isinstance(path, str) else path:
            entry = node.child(step)
            if entry is None:
                break
            place, node = Position(self.source.path, entry.line, entry.column), entry.node
        return place

    def with_manifest(self, manifest: Manifest) -> ManifestObject:
        """The same object with other content; positions stay those of the text it came from."""
        metadata = manifest["metadata"]
        return replace(
            self,
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            name=metadata["name"],
            namespace=metadata.get("namespace"),
            manifest=manifest,
        )


def _parse_field_path(path: str) -> tuple[str | int, ...]:
    """The steps of a field path as the API writes it; a number in brackets is an index, other text there is a key."""
    steps: list[str | int] = []
    for found in _STEP.finditer(path):
        if found["name"] is not None:
            steps.append(found["name"])
        elif found["bracket"] is not None:
            inner = found["bracket"]
            steps.append(int(inner) if inner.isdecimal() and not found["quote"] else inner)
    return tuple(steps)


def mapping_at(tree: Mapping[str, Any] | None, *steps: str) -> Mapping[str, Any]:
    """The mapping under some keys, empty where there is none or where something else stands there."""
    value: Any = tree
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def value_at(tree: Any, steps: Sequence[str | int]) -> Any:
    """What is written under some steps; the very object, so that a copy can be changed in place.

    Raises:
        KeyError, IndexError, TypeError: the steps lead nowhere.
    """
    for step in steps:
        tree = tree[step]
    return tree


def items_at(tree: Mapping[str, Any] | None, *steps: str) -> list[Mapping[str, Any]]:
    """The mappings of the list under some keys, empty where there is none; items that are no mapping are left out."""
    value = mapping_at(tree, *steps[:-1]).get(steps[-1])
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def names_in(items: Iterable[Mapping[str, Any]], key: str = "name") -> list[str]:
    """The texts under a key of some mappings, in their order; what is no text is left out."""
    return [name for item in items if isinstance(name := item.get(key), str)]


def has_probe(container: Mapping[str, Any]) -> bool:
    """Whether a container declares any probe."""
    return any(probe in container for probe in PROBES)


def web_container(pod_spec: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The container that serves the page: the one named ``web``, else the first with a probe, else the first."""
    containers = items_at(pod_spec, "containers")
    named = [container for container in containers if container.get("name") == "web"]
    probed = [container for container in containers if has_probe(container)]
    return next(iter(named or probed or containers), None)
