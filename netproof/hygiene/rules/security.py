"""``security.*``: what a submission of this homework has no need of, and what reaches beyond its own objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netproof.hygiene.elsewhere import KNOWN_GROUPS
from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ManifestObject
from netproof.submission.manifest import HOST_NAMESPACES, items_at, mapping_at

_GROUPS_OF_CONTROLLERS = KNOWN_GROUPS | {"traefik.io"}
_DANGEROUS_CAPABILITIES = frozenset({"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "NET_ADMIN", "BPF"})
_WEBHOOKS = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})


def _containers(found: ManifestObject) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for group in ("initContainers", "containers"):
        for index, container in enumerate(items_at(found.pod_spec, group)):
            yield (*found.pod_spec_path, group, index), container


def _host_path(view: View) -> Iterator[Found]:
    for found in view.relevant:
        for index, volume in enumerate(items_at(found.pod_spec, "volumes")):
            if "hostPath" in volume:
                path = mapping_at(volume, "hostPath").get("path")
                at = (*found.pod_spec_path, "volumes", index, "hostPath")
                yield in_object(found, at, f"it mounts {path} of the node", "use an emptyDir")


def _privileged(view: View) -> Iterator[Found]:
    for found in view.relevant:
        for at, container in _containers(found):
            context = mapping_at(container, "securityContext")
            if context.get("privileged") is True:
                yield in_object(
                    found, (*at, "securityContext"), f"container {container.get('name')} is privileged", "remove it"
                )
            added = mapping_at(context, "capabilities").get("add")
            wanted = sorted(_DANGEROUS_CAPABILITIES & set(map(str, added))) if isinstance(added, list) else []
            if wanted:
                message = f"container {container.get('name')} wants {', '.join(wanted)}"
                yield in_object(found, (*at, "securityContext", "capabilities"), message, "remove it")


def _host_namespaces(view: View) -> Iterator[Found]:
    for found in view.relevant:
        for field in HOST_NAMESPACES:
            if (found.pod_spec or {}).get(field) is True:
                yield in_object(found, (*found.pod_spec_path, field), f"{field}: true", "remove it")


def _cluster_admin(view: View) -> Iterator[Found]:
    for found in view.relevant:
        role = mapping_at(found.manifest, "roleRef")
        if found.kind in {"ClusterRoleBinding", "RoleBinding"} and role.get("name") == "cluster-admin":
            whom = ", ".join(str(one.get("name")) for one in items_at(found.manifest, "subjects")) or "nobody"
            yield in_object(found, "roleRef", f"it makes {whom} cluster-admin", "bind a role with what is needed")


def _webhooks(view: View) -> Iterator[Found]:
    for found in view.relevant:
        if found.kind in _WEBHOOKS:
            message = "it has a say in every request of the API that it names"
            yield in_object(found, "kind", message, "leave webhooks to the add-ons")


def _shadowing(view: View) -> Iterator[Found]:
    for found in view.relevant:
        if found.kind == "CustomResourceDefinition" and found.spec.get("group") in _GROUPS_OF_CONTROLLERS:
            message = f"{found.spec.get('group')} is a group of an add-on that netproof brings in its own version"
            yield in_object(found, "spec.group", message, "leave the add-on's own manifests out of the submission")


def _rule(name: str, holds: str, why: str, look: Any) -> HygieneRule:
    return HygieneRule(f"security.{name}", holds, why, Severity.WARNING, look)


SECURITY = (
    _rule(
        "host-path", "No pod mounts a directory of its node.", "a pod with it can read and change the node", _host_path
    ),
    _rule("privileged", "No container is privileged.", "it can do on the node whatever root can", _privileged),
    _rule(
        "host-namespaces",
        "No pod shares the network, processes or IPC of its node.",
        "it sees and reaches what belongs to the node",
        _host_namespaces,
    ),
    _rule(
        "cluster-admin", "Nobody is made cluster-admin.", "who gets hold of its token owns the cluster", _cluster_admin
    ),
    _rule("webhooks", "No webhook is registered.", "one whose server is away refuses requests of everyone", _webhooks),
    _rule(
        "shadowing-crds",
        "No CustomResourceDefinition takes the place of an add-on's.",
        "the add-on's own objects may then be refused, or lose fields",
        _shadowing,
    ),
)
