"""Traefik as the ingress controller: it reads Ingresses as ingress-nginx does, annotations included."""

from __future__ import annotations

from collections.abc import Mapping

from netproof.addons.addon import Addon, Values, require_deployment
from netproof.addons.manifest import addon_objects
from netproof.cluster.api import KubernetesApi, Object
from netproof.cluster.names import TRAEFIK_IMAGE
from netproof.toolchain import Tools
from netproof.toolchain.images import traefik
from netproof.toolchain.oci import Image

NAMESPACE = "ingress-nginx"
PUBLISHED_SERVICE = "published_service"
"""The value that says, as ``namespace/name``, which Service's address the status of every Ingress gets."""

DEFAULT_PUBLISHED_SERVICE = f"{NAMESPACE}/ingress-nginx"
"""The Service of the homework's ``nginx-lb.yaml``."""


def _images(tools: Tools) -> Mapping[str, Image]:
    return {TRAEFIK_IMAGE: traefik(tools)}


def _objects(_: Tools, values: Values) -> list[Object]:
    published = values.get(PUBLISHED_SERVICE, DEFAULT_PUBLISHED_SERVICE)
    return addon_objects("traefik", {"traefik_image": TRAEFIK_IMAGE, PUBLISHED_SERVICE: published})


def _serves(api: KubernetesApi) -> None:
    require_deployment(api, NAMESPACE, "ingress-nginx-controller")


TRAEFIK = Addon("an ingress controller", NAMESPACE, ("traefik",), _images, _objects, _serves)
