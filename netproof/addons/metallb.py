"""MetalLB in layer 2 mode: it gives Services of type LoadBalancer addresses, and nodes answer for them by ARP."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

import yaml

from netproof.addons.addon import Addon, Values, require_daemon_set, require_deployment
from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.cluster.names import METALLB_CONTROLLER_IMAGE, METALLB_SPEAKER_IMAGE
from netproof.cluster.pki import CertificateAuthority
from netproof.own_manifests import own_objects
from netproof.toolchain import Tools
from netproof.toolchain.images import metallb_controller, metallb_speaker
from netproof.toolchain.oci import Image
from netproof.waiting import NotYetError

NAMESPACE = "metallb-system"

_WEBHOOK_NAME = f"webhook-service.{NAMESPACE}.svc"
_MEMBERLIST_KEY_BYTES = 16
_DENIED = "denied the request"
"""In the API's message when a webhook has answered no, as against not at all."""

_BAD_POOL: Object = {
    "apiVersion": "metallb.io/v1beta1",
    "kind": "IPAddressPool",
    "metadata": {"name": "netproof-no-range", "namespace": NAMESPACE},
    "spec": {"addresses": ["no range"]},
}


def _images(tools: Tools) -> Mapping[str, Image]:
    return {METALLB_CONTROLLER_IMAGE: metallb_controller(tools), METALLB_SPEAKER_IMAGE: metallb_speaker(tools)}


def _objects(tools: Tools, _: Values) -> list[Object]:
    authority = CertificateAuthority("netproof MetalLB webhooks")
    pair = authority.issue("webhook-service", names=(_WEBHOOK_NAME,))
    bundle = _base64(authority.certificate_pem)
    values = {
        "memberlist_key": _base64(secrets.token_bytes(_MEMBERLIST_KEY_BYTES)),
        "webhook_certificate": _base64(pair.certificate_pem),
        "webhook_key": _base64(pair.key_pem),
        "webhook_authority": bundle,
        # in the pods' templates, so that an installation over a broken one starts pods that know the new secrets
        "secrets_id": secrets.token_hex(4),
        "controller_image": METALLB_CONTROLLER_IMAGE,
        "speaker_image": METALLB_SPEAKER_IMAGE,
    }
    text = tools.file("metallb-crds.yaml").read_text(encoding="utf-8")
    definitions = [_with_conversion(one, bundle) for one in yaml.safe_load_all(text) if one]
    return [*definitions, *own_objects("metallb", values)]


def _with_conversion(definition: Object, bundle: str) -> Object:
    """The definition, told who converts between its versions where it has several; its Go types do not say that."""
    versions = [version["name"] for version in definition["spec"]["versions"]]
    if len(versions) > 1:
        service = {"name": "webhook-service", "namespace": NAMESPACE, "path": "/convert"}
        webhook = {
            "conversionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"caBundle": bundle, "service": service},
        }
        definition["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    return definition


def _serves(api: KubernetesApi) -> None:
    """The controller and a speaker on each node are Ready, and the webhook refuses a pool that is none."""
    require_deployment(api, NAMESPACE, "controller")
    require_daemon_set(api, NAMESPACE, "speaker")
    require_webhook(api)


def require_webhook(api: KubernetesApi) -> None:
    """Return where the webhook refuses a pool that is none.

    Raises:
        NotYetError: it does not answer, or lets that pass.
    """
    try:
        api.create(_BAD_POOL, dry_run=True)
    except ApiRefused as refused:
        if _DENIED not in refused.message:
            raise NotYetError(f"its webhook does not answer: {refused.message}") from None
    else:
        raise NotYetError("a pool that is no range of addresses is accepted")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


METALLB = Addon("MetalLB", NAMESPACE, ("metallb",), _images, _objects, _serves, has_secrets=True, manifest="metallb")
