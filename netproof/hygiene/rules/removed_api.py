"""``apply.removed-api``: API versions that the target no longer serves, and what era a submission was written for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ManifestObject

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Removal:
    """An API version of a kind that is no longer served.

    Attributes:
        gone_since: the first version without it.
        successor: the API version that took its place; empty where there is none.
        since: the first version that serves the successor.
    """

    gone_since: Version
    successor: str
    since: Version | None = None


# https://kubernetes.io/docs/reference/using-api/deprecation-guide/
_APPS = Removal((1, 16), "apps/v1", (1, 9))
_RBAC = Removal((1, 22), "rbac.authorization.k8s.io/v1", (1, 8))
_CRD = Removal((1, 22), "apiextensions.k8s.io/v1", (1, 16))
_WEBHOOKS = Removal((1, 22), "admissionregistration.k8s.io/v1", (1, 16))
_INGRESS = Removal((1, 22), "networking.k8s.io/v1", (1, 19))
_PSP = Removal((1, 25), "")
_REMOVALS = {
    **{(f"{group}", "Deployment"): _APPS for group in ("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2")},
    **{(f"{group}", "DaemonSet"): _APPS for group in ("extensions/v1beta1", "apps/v1beta2")},
    **{(f"{group}", "ReplicaSet"): _APPS for group in ("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2")},
    **{(f"{group}", "StatefulSet"): _APPS for group in ("apps/v1beta1", "apps/v1beta2")},
    ("extensions/v1beta1", "NetworkPolicy"): Removal((1, 16), "networking.k8s.io/v1", (1, 8)),
    ("extensions/v1beta1", "PodSecurityPolicy"): Removal((1, 16), ""),
    ("policy/v1beta1", "PodSecurityPolicy"): _PSP,
    ("policy/v1beta1", "PodDisruptionBudget"): Removal((1, 25), "policy/v1", (1, 21)),
    ("extensions/v1beta1", "Ingress"): _INGRESS,
    ("networking.k8s.io/v1beta1", "Ingress"): _INGRESS,
    ("networking.k8s.io/v1beta1", "IngressClass"): _INGRESS,
    **{
        (f"rbac.authorization.k8s.io/{version}", kind): _RBAC
        for version in ("v1alpha1", "v1beta1")
        for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    },
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): _CRD,
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("apiregistration.k8s.io/v1beta1", "APIService"): Removal((1, 22), "apiregistration.k8s.io/v1", (1, 10)),
    ("storage.k8s.io/v1beta1", "StorageClass"): Removal((1, 22), "storage.k8s.io/v1", (1, 6)),
    ("batch/v1beta1", "CronJob"): Removal((1, 25), "batch/v1", (1, 21)),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): Removal((1, 25), "discovery.k8s.io/v1", (1, 21)),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): Removal((1, 25), "autoscaling/v2", (1, 23)),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): Removal((1, 26), "autoscaling/v2", (1, 23)),
}
"""What is gone, by API version and kind."""

_SINCE = {(one.successor, kind): one.since for (_, kind), one in _REMOVALS.items() if one.successor and one.since} | {
    ("networking.k8s.io/v1beta1", "Ingress"): (1, 14),
    ("networking.k8s.io/v1beta1", "IngressClass"): (1, 18),
}


def removal_of(found: ManifestObject, kubernetes: Version) -> Removal | None:
    """What became of an object's API version, where the target no longer serves it."""
    removal = _REMOVALS.get((found.api_version, found.kind))
    return removal if removal and removal.gone_since <= kubernetes else None


@dataclass(frozen=True, slots=True)
class Era:
    """The versions of Kubernetes that serve all that a submission asks for.

    Attributes:
        first: the first one; None where any early one does.
        last: the last one; None where today's still does.
    """

    first: Version | None
    last: Version | None

    def __str__(self) -> str:
        match (self.first, self.last):
            case (None, None):
                return "any version"
            case (first, None):
                return f"{_text(first)} and later"
            case (None, last):
                return f"{_text(last)} and before"
            case (first, last) if first and last and first > last:
                return f"no single version: some of it needs {_text(first)} or later, some {_text(last)} or before"
            case (first, last):
                return _text(first) if first == last else f"{_text(first)} to {_text(last)}"


def era_of(objects: Iterable[ManifestObject]) -> Era:
    """Which versions serve every API version that these objects name, as far as the deprecation guide tells."""
    named = {(found.api_version, found.kind) for found in objects}
    begun = [since for one in named if (since := _SINCE.get(one))]
    gone = [_REMOVALS[one].gone_since for one in named if one in _REMOVALS]
    ended = min(gone) if gone else None
    return Era(max(begun) if begun else None, (ended[0], ended[1] - 1) if ended else None)


def _look(view: View) -> Iterator[Found]:
    for found in view.relevant_as_written:
        removal = removal_of(found, view.kubernetes)
        if removal:
            message = f"{found.kind} of {found.api_version} is gone since Kubernetes {_text(removal.gone_since)}"
            remedy = f"write it for {removal.successor}" if removal.successor else "there is no successor: remove it"
            yield in_object(found, "apiVersion", message, remedy)


def _text(version: Version | None) -> str:
    return ".".join(map(str, version or ()))


REMOVED_API = HygieneRule(
    id="apply.removed-api",
    holds="Every manifest is written for an API version that the target version serves.",
    why="the API does not know it; netproof adapts the commonest of them before it applies them",
    severity=Severity.WARNING,
    look=_look,
)
