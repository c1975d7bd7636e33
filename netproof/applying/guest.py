"""Being a guest in a cluster that is not netproof's own: what of a submission may go in, and where.

One rule keeps everything apart and makes it removable: netproof puts objects only into namespaces that it has made, and
these carry the label of the run. What names no namespace, and by the homework would go to ``default``, goes to the
run's own one; what cannot follow the rule is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from netproof.applying.outcomes import Applied, Outcome
from netproof.cluster.api import ApiRefused, KubernetesApi
from netproof.cluster.guest import Guest
from netproof.submission import Step
from netproof.submission.plan import NamespaceOrigin
from netproof.verdict import UnsupportedError

_GUEST_KINDS = frozenset({"Namespace", "ConfigMap", "Service", "Deployment", "Pod", "Ingress"})
"""The kinds of a submission that are applied in a cluster that is not netproof's own."""


def apply_as_guest(api: KubernetesApi, steps: Iterable[Step], guest: Guest) -> Applied:
    """Apply what may go into the cluster, by server-side apply with strict field validation; the rest is withheld."""
    return Applied(tuple(_apply(api, _placed(step, guest), guest) for step in steps))


def _placed(step: Step, guest: Guest) -> Step:
    return replace(step, namespace=guest.namespace) if step.origin is NamespaceOrigin.DEFAULT else step


def _apply(api: KubernetesApi, step: Step, guest: Guest) -> Outcome:
    found = step.object
    outcome = Outcome(str(found.source), found.kind, found.name, step.namespace or "")
    manifest = found.manifest
    if found.kind == "Namespace":
        metadata = manifest["metadata"]
        labels = {**(metadata.get("labels") or {}), **guest.labels}
        manifest = {**manifest, "metadata": {**metadata, "labels": labels}}
    try:
        if objection := _objection(api, step, guest):
            return replace(outcome, withheld=objection)
        api.apply(manifest, step.namespace)
    except ApiRefused as refused:
        return replace(outcome, refusal=refused.message)
    except UnsupportedError as lack:
        return replace(outcome, withheld=lack.reason)
    return outcome


def _objection(api: KubernetesApi, step: Step, guest: Guest) -> str:
    """Why an object is withheld; empty where it may be applied."""
    found = step.object
    if found.kind not in _GUEST_KINDS:
        return f"netproof applies no {found.kind} in a cluster that is not its own"
    if found.kind == "Service" and found.spec.get("type") in {"LoadBalancer", "NodePort"}:
        return f"a Service of type {found.spec['type']} would take an address or a port of the cluster's nodes"
    name = found.name if found.kind == "Namespace" else step.namespace or ""
    there = api.find("Namespace", name)
    if there is None:
        return "" if found.kind == "Namespace" else f"there is no namespace {name}"
    if not guest.has_made(there):
        return f"the namespace {name} was there before, and netproof works in namespaces that it has made"
    return ""
