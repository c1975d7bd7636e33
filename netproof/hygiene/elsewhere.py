"""What the homework takes from elsewhere: namespaces, pods and Services that no manifest of a submission makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
"""The namespaces of every cluster."""
BROUGHT_NAMESPACES = frozenset({"metallb-system", "ingress-nginx", "kubernetes-dashboard"})
"""Namespaces that MetalLB, ingress-nginx and the dashboard bring along."""

INGRESS_CLASSES = frozenset({"nginx"})

KNOWN_GROUPS = frozenset({"metallb.io", "gateway.networking.k8s.io"})
"""API groups that add-ons define."""


def _pods(
    namespace: str, labels: dict[str, str], *ports: tuple[str, int]
) -> tuple[str, dict[str, str], Mapping[str, Any]]:
    declared = [{"containerPort": number, **({"name": name} if name else {})} for name, number in ports]
    return namespace, labels, {"containers": [{"name": "main", "ports": declared}]}


PODS = (
    _pods("kube-system", {"k8s-app": "kube-dns"}, ("dns", 53), ("dns-tcp", 53), ("metrics", 9153)),
    _pods(
        "ingress-nginx",
        {
            # The labels that the pods of the controller have had, by its own manifest and by its chart.
            "app.kubernetes.io/name": "ingress-nginx",
            "app.kubernetes.io/instance": "ingress-nginx",
            "app.kubernetes.io/component": "controller",
            "app.kubernetes.io/part-of": "ingress-nginx",
        },
        ("http", 80),
        ("https", 443),
        ("webhook", 8443),
    ),
    _pods("kubernetes-dashboard", {"k8s-app": "kubernetes-dashboard"}, ("", 8443)),
    _pods("kubernetes-dashboard", {"k8s-app": "dashboard-metrics-scraper"}, ("", 8000)),
    _pods(
        "metallb-system", {"app": "metallb", "component": "controller"}, ("monitoring", 7472), ("webhook-server", 9443)
    ),
    _pods("metallb-system", {"app": "metallb", "component": "speaker"}, ("monitoring", 7472)),
)
"""Namespace, labels and ports of pods that are there anyway."""
