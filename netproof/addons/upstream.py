"""The add-ons as their projects publish them (``--addons upstream``): the manifests unchanged, the images pulled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from netproof.addons.addon import Addon, require_daemon_set, require_deployment
from netproof.addons.metallb import METALLB, require_webhook
from netproof.addons.published import Fetched
from netproof.cluster.api import ApiRefused, KubernetesApi, Object
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy, PolicyDecision
from netproof.waiting import NotYetError

UPSTREAM = "upstream"
"""The value of ``--addons`` that asks for them."""

_WORKLOADS = {"Deployment": require_deployment, "DaemonSet": require_daemon_set}

_ANY_INGRESS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "netproof-asks-the-webhook", "namespace": "ingress-nginx"},
    "spec": {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "none", "port": {"number": 80}}},
    },
}


def require_pulling(decision: PolicyDecision) -> None:
    """Refuse upstream's manifests where their images would be replaced.

    Raises:
        NetproofError: the images of this run are stand-ins.
    """
    if decision.policy is not ImagePolicy.PULL:
        raise NetproofError(
            f"published add-ons want the projects' own images, and here every image is a stand-in ({decision.reason})",
            "--images pull on a machine that reaches the registries; "
            "or leave out --addons upstream and --ingress ingress-nginx",
        )


def upstream_addon(replaced: Addon, fetched: Fetched) -> Addon:
    """The project's own manifest in the place of an add-on of netproof's.

    It serves when its workloads are available with the images that the manifest names, so that another installation in
    the same place does not count, and what admits objects answers. One that serves is left as it is: the certificates
    that it has written into its objects since would be overwritten.

    Args:
        replaced: the add-on whose place it takes, name and namespace included.
        fetched: the manifest.

    Raises:
        NetproofError: the manifest is none.
    """
    objects = fetched.objects()
    admits = _ADMISSION.get(replaced.namespace)
    return Addon(
        name=replaced.name,
        namespace=replaced.namespace,
        components=(),
        images=lambda _: {},
        objects=lambda *_: objects,
        serves=partial(_serves, objects, admits),
        has_secrets=True,
    )


def _serves(objects: list[Object], admits: Callable[[KubernetesApi], None] | None, api: KubernetesApi) -> None:
    for workload in (one for one in objects if one["kind"] in _WORKLOADS):
        kind, name, namespace = workload["kind"], workload["metadata"]["name"], workload["metadata"]["namespace"]
        found = api.get(kind, name, namespace, api_version="apps/v1")
        if _images_of(found) != _images_of(workload):
            raise NotYetError(f"{kind} {name} has the images {_images_of(found)}, not {_images_of(workload)}")
        _WORKLOADS[kind](api, namespace, name)
    if admits:
        admits(api)


def _images_of(workload: Object) -> list[str]:
    """The images of a workload's containers."""
    return [str(container["image"]) for container in workload["spec"]["template"]["spec"]["containers"]]


def _require_ingress_webhook(api: KubernetesApi) -> None:
    try:
        api.create(_ANY_INGRESS, dry_run=True)
    except ApiRefused as refused:
        raise NotYetError(f"its webhook does not answer: {refused.message}") from None


_ADMISSION = {METALLB.namespace: require_webhook, "ingress-nginx": _require_ingress_webhook}
"""What asks an add-on's admission webhook for an answer, by the add-on's namespace."""
