"""Being a guest in a cluster that is not netproof's own: what of a submission may go in, and where.

One rule keeps everything apart and makes it removable: netproof puts objects only into namespaces that it has made, and
these carry the label of the run. What names no namespace, and by the homework would go to ``default``, goes to the
run's own one; what cannot follow the rule is withheld.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from netproof.cluster.api import KubernetesApi
from netproof.submission import Step
from netproof.submission.plan import NamespaceOrigin

RUN_LABEL = "netproof.io/run"
"""The label of every namespace that netproof makes; its value is the id of the run."""

GUEST_KINDS = frozenset({"Namespace", "ConfigMap", "Service", "Deployment", "Pod", "Ingress"})
"""The kinds of a submission that are applied in a cluster that is not netproof's own."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A run in a cluster that is not netproof's own.

    Attributes:
        run: the id of the run.
        namespace: the run's own namespace, which takes the place of ``default``.
    """

    run: str
    namespace: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every namespace of this run."""
        return {RUN_LABEL: self.run, "app.kubernetes.io/managed-by": "netproof"}

    def place(self, step: Step) -> Step:
        """The step, in the run's own namespace where its manifest names none."""
        return replace(step, namespace=self.namespace) if step.origin is NamespaceOrigin.DEFAULT else step

    def objection(self, api: KubernetesApi, step: Step) -> str:
        """Why an object is withheld; empty where it may be applied.

        Raises:
            ApiRefused: the API does not say what is there.
        """
        found = step.object
        if found.kind not in GUEST_KINDS:
            return f"netproof applies no {found.kind} in a cluster that is not its own"
        if found.kind == "Service" and found.spec.get("type") in {"LoadBalancer", "NodePort"}:
            return f"a Service of type {found.spec['type']} would take an address or a port of the cluster's nodes"
        name = found.name if found.kind == "Namespace" else step.namespace or ""
        there = api.find("Namespace", name)
        if there is None:
            return "" if found.kind == "Namespace" else f"there is no namespace {name}"
        if (there["metadata"].get("labels") or {}).get(RUN_LABEL) != self.run:
            return f"the namespace {name} was there before, and netproof works in namespaces that it has made"
        return ""
