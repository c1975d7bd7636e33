"""Which roles, and bindings to roles, are more than a submission that is not trusted may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netproof.submission.manifest import ManifestObject, items_at, mapping_at
from netproof.submission.submission import Submission

NAMESPACES_OF_OTHERS = frozenset({"ingress-nginx", "kube-system", "kubernetes-dashboard", "metallb-system"})
"""The namespaces of Kubernetes itself and of add-ons, in which there are accounts with rights."""

_OF_KUBERNETES = frozenset({"admin", "cluster-admin", "edit", "view"})
_BEGINNINGS_OF_OTHERS = ("ingress-nginx", "kubernetes-dashboard", "metallb", "system:", "traefik")
_HARMLESS = frozenset({"view"})

_LOOKING = frozenset({"get", "list", "watch"})
_NEVER = frozenset({"nodes/proxy", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets"})
"""What is as good as more rights even to look at: tokens, and ways into a pod or to kubelet."""
_WRITABLE = frozenset(
    {"configmaps", "endpoints", "endpointslices", "events", "ingresses/status", "leases", "services", "services/status"}
)
"""What may be written: nobody comes by rights through it."""


def reason_against_role(role: ManifestObject) -> str:
    """Why a role is too much, in words; empty where it is not."""
    if role.name in _OF_KUBERNETES or role.name.startswith(_BEGINNINGS_OF_OTHERS):
        return f"the role {role.name} belongs to Kubernetes or to an add-on"
    if role.manifest.get("aggregationRule"):
        return f"the role {role.name} takes its rights from others"
    said = (_too_much(rule) for rule in items_at(role.manifest, "rules"))
    return next((f"the role {role.name} may {one}" for one in said if one), "")


def reason_against_binding(binding: ManifestObject, namespace: str, submission: Submission) -> str:
    """Why a binding is too much, in words; empty where it is not.

    Args:
        binding: the binding.
        namespace: where it goes; empty for one of the whole cluster.
        submission: where the role must be defined.
    """
    role = mapping_at(binding.manifest, "roleRef")
    kind, name = role.get("kind"), str(role.get("name"))
    if namespace in NAMESPACES_OF_OTHERS:
        return f"it gives rights in {namespace}"
    if name in _HARMLESS:
        return ""
    defined = any((one.kind, one.name) == (kind, name) for one in submission.objects)
    if not defined or name in _OF_KUBERNETES or name.startswith(_BEGINNINGS_OF_OTHERS):
        return f"it binds the role {name}, which is none of this submission's own"
    return ""


def _too_much(rule: Mapping[str, Any]) -> str:
    verbs, resources = _texts(rule, "verbs"), _texts(rule, "resources")
    for resource in sorted(resources):
        if resource in _NEVER or "*" in resource:
            return f"{', '.join(sorted(verbs))} {resource}"
        if resource not in _WRITABLE and (writing := sorted(verbs - _LOOKING)):
            return f"{', '.join(writing)} {resource}"
    return ""


def _texts(rule: Mapping[str, Any], key: str) -> frozenset[str]:
    value = rule.get(key)
    return frozenset(str(one).lower() for one in value) if isinstance(value, list) else frozenset()
