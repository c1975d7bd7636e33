"""A stand-in for Kubernetes Dashboard: a page, its files and an API behind a Service that speaks only TLS."""

from __future__ import annotations

from collections.abc import Mapping

from netproof.addons.addon import Addon, Values, require_deployment
from netproof.cluster.api import KubernetesApi, Object
from netproof.cluster.names import DASHBOARD_IMAGE
from netproof.own_manifests import own_objects
from netproof.toolchain import Tools
from netproof.toolchain.images import dashboard
from netproof.toolchain.oci import Image

NAMESPACE = "kubernetes-dashboard"
SERVICE = "kubernetes-dashboard"
"""The name of the Service, and of the Deployment behind it."""


def _images(tools: Tools) -> Mapping[str, Image]:
    return {DASHBOARD_IMAGE: dashboard(tools)}


def _objects(_: Tools, __: Values) -> list[Object]:
    return own_objects("dashboard", {"dashboard_image": DASHBOARD_IMAGE})


def _serves(api: KubernetesApi) -> None:
    require_deployment(api, NAMESPACE, SERVICE)


DASHBOARD = Addon("the dashboard", NAMESPACE, ("dashboard",), _images, _objects, _serves, manifest="dashboard")
