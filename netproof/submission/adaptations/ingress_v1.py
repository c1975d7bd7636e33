"""Ingress of ``extensions/v1beta1`` and ``networking.k8s.io/v1beta1``, gone since Kubernetes 1.22, to v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule
from netproof.submission.manifest import Manifest, ManifestObject, items_at
from netproof.submission.submission import Submission

OLD = ("extensions/v1beta1", "networking.k8s.io/v1beta1")
NEW = "networking.k8s.io/v1"
GONE_SINCE = (1, 22)
_DEFAULT_PATH_TYPE = "ImplementationSpecific"
"""What v1beta1 sets where nothing is written; v1 wants it written."""


def _edits(submission: Submission) -> Iterator[Edit]:
    for found in submission.objects:
        if found.kind == "Ingress" and found.api_version in OLD and _is_of_its_era(found):
            yield _converted(found)


def _is_of_its_era(ingress: ManifestObject) -> bool:
    """Whether v1beta1 took it: each backend in its form. What it refused is not made acceptable."""
    spec = ingress.spec
    backends = [path.get("backend") for rule in items_at(spec, "rules") for path in items_at(rule, "http", "paths")]
    if "backend" in spec:
        backends.append(spec["backend"])
    return "defaultBackend" not in spec and all(_is_old(backend) for backend in backends)


def _is_old(backend: Any) -> bool:
    if not isinstance(backend, Mapping) or "service" in backend:
        return False
    return "resource" in backend or isinstance(backend.get("serviceName"), str)


def _converted(ingress: ManifestObject) -> Edit:
    draft = Draft(ingress)
    draft.manifest["apiVersion"] = NEW
    draft.note(("apiVersion",), f"{ingress.api_version} is {NEW}, backends and path types written as there")
    spec = draft.manifest.get("spec")
    if not isinstance(spec, dict):
        return draft.edit()
    if "backend" in spec:
        spec["defaultBackend"] = _backend(spec.pop("backend"))
    for rule in items_at(spec, "rules"):
        for path in items_at(rule, "http", "paths"):
            if isinstance(path, dict):
                path["backend"] = _backend(path["backend"])
                path.setdefault("pathType", _DEFAULT_PATH_TYPE)
    return draft.edit()


def _backend(old: Manifest) -> Manifest:
    new = {key: value for key, value in old.items() if key not in {"serviceName", "servicePort"}}
    if "serviceName" in old:
        new["service"] = service = {"name": old["serviceName"]}
        if "servicePort" in old:
            port = old["servicePort"]
            service["port"] = {"name" if isinstance(port, str) else "number": port}
    return new


INGRESS_V1 = Rule(
    id="ingress-v1",
    group=Group.ERA,
    does=f"an Ingress of {OLD[0]} or {OLD[1]} is one of {NEW}",
    because="Kubernetes 1.22 and later serve v1 alone",
    source="https://kubernetes.io/docs/reference/using-api/deprecation-guide/#ingress-v122",
    concerns=lambda target: target.kubernetes >= GONE_SINCE,
    edits=_edits,
)
