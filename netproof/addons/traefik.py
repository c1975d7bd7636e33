"""Traefik as the ingress controller: it reads Ingresses as ingress-nginx does, annotations included.

Where it is asked for, it routes by the Gateway API as well. That API's definitions come with it then and not before,
since each definition costs the API server some work.
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from netproof.addons.addon import Addon, Values, require_deployment
from netproof.cluster.api import KubernetesApi, Object
from netproof.cluster.names import TRAEFIK_IMAGE
from netproof.own_manifests import own_objects
from netproof.toolchain import Tools
from netproof.toolchain.images import traefik
from netproof.toolchain.oci import Image

NAMESPACE = "ingress-nginx"
PUBLISHED_SERVICE = "published_service"
"""The value that says, as ``namespace/name``, which Service's address the status of every Ingress gets."""

_DEFAULT_PUBLISHED_SERVICE = f"{NAMESPACE}/ingress-nginx"
"""The Service of the homework's ``nginx-lb.yaml``."""

GATEWAY_API = "gateway_api"
"""The value that says, by not being empty, that it routes by the Gateway API too."""

GATEWAY_CONTROLLER = "traefik.io/gateway-controller"
"""What a GatewayClass names to be its."""

_CONTROLLER = "ingress-nginx-controller"
_GATEWAY_ARGUMENTS = ("--providers.kubernetesgateway=true", "--providers.kubernetesgateway.throttleduration=100ms")
_WATCHED = frozenset(
    f"{kind}.gateway.networking.k8s.io"
    for kind in (
        "backendtlspolicies",
        "gatewayclasses",
        "gateways",
        "grpcroutes",
        "httproutes",
        "referencegrants",
        "tlsroutes",
    )
)
"""The kinds that Traefik watches: it routes nothing until all of them are there."""


def _images(tools: Tools) -> Mapping[str, Image]:
    return {TRAEFIK_IMAGE: traefik(tools)}


def _objects(tools: Tools, values: Values) -> list[Object]:
    published = values.get(PUBLISHED_SERVICE, _DEFAULT_PUBLISHED_SERVICE)
    objects = own_objects("traefik", {"traefik_image": TRAEFIK_IMAGE, PUBLISHED_SERVICE: published})
    if not values.get(GATEWAY_API):
        return objects
    (controller,) = (one for one in objects if one["kind"] == "Deployment")
    controller["spec"]["template"]["spec"]["containers"][0]["args"] += _GATEWAY_ARGUMENTS
    return [*_gateway_definitions(tools), *objects]


def _gateway_definitions(tools: Tools) -> list[Object]:
    text = tools.file("gateway-api-crds.yaml").read_text(encoding="utf-8")
    found = yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [one for one in found if one and one["metadata"]["name"] in _WATCHED]


def _serves(api: KubernetesApi) -> None:
    require_deployment(api, NAMESPACE, _CONTROLLER)


TRAEFIK = Addon(
    "an ingress controller", NAMESPACE, ("traefik", "gateway-api"), _images, _objects, _serves, manifest="traefik"
)
