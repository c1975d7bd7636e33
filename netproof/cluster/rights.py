"""The rights that netproof wants in a cluster that is not its own, and what each is for: see docs/existing.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netproof.cluster.api import KubernetesApi
from netproof.errors import NetproofError

_CHANGING = ("get", "list", "watch", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Some verbs on a resource.

    Attributes:
        group: the API group; empty for the core.
        resource: the resource, with its subresource after a slash.
        verbs: what netproof does with it.
        costs: what cannot be judged without it.
        is_vital: whether no check can run without it.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    costs: str
    is_vital: bool = False


RIGHTS = (
    Right("", "namespaces", ("get", "list", "create", "patch", "delete"), "every check", is_vital=True),
    Right("", "pods", _CHANGING, "every check", is_vital=True),
    Right("", "serviceaccounts", ("get",), "every check", is_vital=True),
    Right("", "pods/exec", ("get", "create"), "every check that sends a request from a pod or a node"),
    Right("", "pods/ephemeralcontainers", ("patch",), "checks that stand in a pod: clusterip, services"),
    Right("", "pods/log", ("get",), "the logs under evidence"),
    Right("", "nodes", ("get", "list"), "checks that look at each node: clusterip, headless, services"),
    Right("", "services", _CHANGING, "clusterip, headless, services"),
    Right("", "services/status", ("patch",), "services.load-balancer-source-ranges"),
    Right("", "configmaps", _CHANGING, "submissions that have ConfigMaps"),
    Right("", "events", ("get", "list", "watch"), "deploy.unavailable-reason, probe, rollout"),
    Right("apps", "deployments", _CHANGING, "deploy, rollout and what needs them"),
    Right("apps", "replicasets", ("get", "list", "watch"), "rollout"),
    Right("discovery.k8s.io", "endpointslices", _CHANGING, "clusterip, headless, rollout, services"),
    Right("networking.k8s.io", "ingresses", _CHANGING, "submissions that have Ingresses"),
)


@dataclass(frozen=True, slots=True)
class MissingRight:
    """A verb that the account may not use."""

    right: Right
    verb: str

    def __str__(self) -> str:
        group = f" of {self.right.group}" if self.right.group else ""
        return f"{self.verb} {self.right.resource}{group} (costs: {self.right.costs})"


def missing_rights(api: KubernetesApi) -> tuple[MissingRight, ...]:
    """The rights that the account of ``api`` lacks; asked of the API by SelfSubjectAccessReviews.

    Raises:
        NetproofError: some without which no check can run; the message has all that are missing.
    """
    missing = tuple(_missing(api))
    if any(one.right.is_vital for one in missing):
        listed = "\n".join(f"  - {one}" for one in missing)
        raise NetproofError(
            f"the account may not do what netproof does in the cluster at {api.server}:\n{listed}",
            "give it the ClusterRole of docs/existing.md, or use another account",
        )
    return missing


def _missing(api: KubernetesApi) -> Iterator[MissingRight]:
    for right in RIGHTS:
        resource, _, subresource = right.resource.partition("/")
        for verb in right.verbs:
            attributes = {"group": right.group, "resource": resource, "subresource": subresource, "verb": verb}
            review = {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "metadata": {},
                "spec": {"resourceAttributes": attributes},
            }
            if not api.create(review)["status"].get("allowed", False):
                yield MissingRight(right, verb)
