"""Which objects of a submission are parts of an add-on whose manifest it carries a copy of.

Some submissions carry what their authors installed: the published manifest of MetalLB, of ingress-nginx, of the
dashboard. netproof brings the add-on itself, of another version and with certificates of its own. Were the copy applied
beside it, pods that only look like the add-on's would be selected by its Services, and webhooks that nobody has given a
certificate would refuse what the API is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from netproof.submission import ManifestObject, Step
from netproof.submission.manifest import items_at, mapping_at

ADDON_OF_NAMESPACE = {
    "metallb-system": "MetalLB",
    "ingress-nginx": "an ingress controller",
    "kubernetes-dashboard": "the dashboard",
}
"""Namespaces that an add-on brings along; what belongs there waits for it."""

_ADDON_OF_GROUP = {"metallb.io": "MetalLB"}
_WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"})
_WEBHOOKS = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})


def addon_with_part(step: Step) -> str:
    """The name of the add-on that brings this itself: its workloads, definitions and webhooks; empty for all else."""
    found = step.object
    if found.kind in _WORKLOADS:
        return ADDON_OF_NAMESPACE.get(step.namespace or "", "")
    if found.kind == "CustomResourceDefinition":
        return _ADDON_OF_GROUP.get(str(found.spec.get("group")), "")
    if found.kind in _WEBHOOKS:
        served = (ADDON_OF_NAMESPACE.get(namespace, "") for namespace in _namespaces_of_servers(found))
        return next(filter(None, served), "")
    return ""


def _namespaces_of_servers(webhooks: ManifestObject) -> Iterator[str]:
    for webhook in items_at(webhooks.manifest, "webhooks"):
        yield str(mapping_at(webhook, "clientConfig", "service").get("namespace"))
