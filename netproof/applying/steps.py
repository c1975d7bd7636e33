"""Applying a submission's plan to a cluster, step by step, and taking it away again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from http import HTTPStatus

from netproof.applying.addon_parts import ADDON_OF_NAMESPACE, addon_with_part
from netproof.applying.outcomes import Applied, Outcome
from netproof.cluster.api import ApiRefused, KubernetesApi
from netproof.errors import NetproofError
from netproof.submission import Step
from netproof.waiting import NotYetError, TimedOutError, Waiter

ADDON_OF_LOAD_BALANCERS = "MetalLB"
"""The add-on that Services of type LoadBalancer wait for. It gives out addresses in the order in which it sees them,
and Services older than itself it sees in any order, while in the homework the order decides who gets which."""

ObjectName = tuple[str, str, str]
"""Kind, namespace and name of an object."""

_NAMESPACES_OF_EVERY_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


def apply_plan(
    api: KubernetesApi, steps: Iterable[Step], present: Collection[str] = (), *, timeout_seconds: float
) -> Applied:
    """Apply every step by server-side apply with strict field validation; a refusal does not keep the rest from it.

    Args:
        api: the cluster's API.
        steps: what to apply, in this order.
        present: the names of the add-ons that serve; what needs another one waits for it.
        timeout_seconds: how long the API may fail to judge an object, as while a webhook does not answer it.

    Raises:
        NetproofError: it has not judged an object in that time.
    """
    return Applied(tuple(_apply(api, step, present, timeout_seconds=timeout_seconds) for step in steps))


def apply_waiting(
    api: KubernetesApi,
    applied: Applied,
    steps: Iterable[Step],
    present: Collection[str],
    taken: Collection[ObjectName] = (),
    *,
    timeout_seconds: float,
) -> Applied:
    """Apply those of the steps that waited for add-ons which serve by now; returns the outcomes of all, in their order.

    Args:
        api: the cluster's API.
        applied: the outcomes so far.
        steps: the steps they came of, in the same order.
        present: the names of the add-ons that serve.
        taken: the objects that these add-ons are made of; a submission that carries a copy of an add-on's own manifest
            does not replace them.
        timeout_seconds: how long the API may fail to judge an object.

    Raises:
        NetproofError: it has not judged an object in that time.
    """
    pairs = zip(applied.outcomes, steps, strict=True)
    return Applied(
        tuple(
            _apply(api, step, present, taken, timeout_seconds=timeout_seconds) if outcome.waits_for else outcome
            for outcome, step in pairs
        )
    )


def addons_of(step: Step) -> tuple[str, ...]:
    """The names of the add-ons that a step needs."""
    found = step.object
    of_namespace = ADDON_OF_NAMESPACE.get(step.namespace or "")
    is_load_balancer = found.kind == "Service" and found.spec.get("type") == "LoadBalancer"
    of_kind = ADDON_OF_LOAD_BALANCERS if is_load_balancer else None
    return tuple(dict.fromkeys(name for name in (of_namespace, of_kind) if name))


def remove_plan(api: KubernetesApi, steps: Iterable[Step], *, timeout_seconds: float) -> None:
    """Delete all that a plan applied, with what came of it; returns when it is gone. What is not there is no error.

    A kept cluster is as before then, for another submission. The namespaces that every cluster has are left alone.

    Args:
        api: the cluster's API.
        steps: the plan that was applied.
        timeout_seconds: how long the objects may take to go.

    Raises:
        TimedOutError: some of them stay.
    """
    doomed = [step for step in steps if not _of_every_cluster(step)]
    for step in reversed(doomed):
        found = step.object
        api.delete(found.kind, found.name, step.namespace, api_version=found.api_version, dependents_first=True)

    def gone() -> None:
        left = [step for step in doomed if _is_there(api, step)]
        if left:
            raise NotYetError(f"{len(left)} are left, such as {left[0]}")

    Waiter(interval_seconds=0.1).until("the objects of the plan are gone", gone, timeout_seconds=timeout_seconds)


def _of_every_cluster(step: Step) -> bool:
    return step.object.kind == "Namespace" and step.object.name in _NAMESPACES_OF_EVERY_CLUSTER


def _is_there(api: KubernetesApi, step: Step) -> bool:
    found = step.object
    return api.find(found.kind, found.name, step.namespace, api_version=found.api_version) is not None


def _apply(
    api: KubernetesApi,
    step: Step,
    present: Collection[str],
    taken: Collection[ObjectName] = (),
    *,
    timeout_seconds: float,
) -> Outcome:
    found = step.object
    where = {"place": str(found.source), "kind": found.kind, "name": found.name, "namespace": step.namespace or ""}
    if addon := addon_with_part(step):
        return Outcome(**where, withheld=f"it is a part of {addon}, which netproof brings itself where it is needed")
    if missing := [addon for addon in addons_of(step) if addon not in present]:
        return Outcome(**where, waits_for=" and ".join(missing))
    if (found.kind, step.namespace or "", found.name) in taken:
        owner = ADDON_OF_NAMESPACE.get(step.namespace or "", "an add-on")
        return Outcome(**where, withheld=f"{owner}, which netproof has installed, has an object of this name")
    try:
        _apply_judged(api, step, timeout_seconds)
    except ApiRefused as refused:
        return Outcome(**where, refusal=refused.message)
    return Outcome(**where)


def _apply_judged(api: KubernetesApi, step: Step, timeout_seconds: float) -> None:
    """Apply an object once the API says yes or no to it: an error of the server's own is neither (RFC 9110, 15.6).

    On a busy host the webhook of an add-on, say, may miss the 10 s that it has; that is not the object's fault. A field
    that the schema lacks is, though server-side apply answers it with 500: without a reason, which errors of the
    server's own have (``ErrorToAPIStatus`` of k8s.io/apiserver, endpoints/handlers/responsewriters/status.go).
    """

    def apply() -> None:
        try:
            api.apply(step.object.manifest, step.namespace)
        except ApiRefused as refused:
            if refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR and refused.reason:
                raise NotYetError(refused.message) from None
            raise

    try:
        Waiter().until(f"the API judges {step.object}", apply, timeout_seconds=timeout_seconds)
    except TimedOutError as late:
        raise NetproofError(
            f"the API did not judge {step.object} within {timeout_seconds:g} s: {late.last}",
            "NETPROOF_TIMEOUT_SCALE=2 gives a slow machine more time; a webhook of the submission's own must answer",
        ) from None
