"""Applying a submission's plan to a cluster, and remembering what the API said to each object."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from netproof.applying.addon_parts import ADDON_OF_NAMESPACE, addon_with_part
from netproof.cluster.api import ApiRefused, KubernetesApi
from netproof.submission import ManifestObject, Step
from netproof.verdict import UnmetError, UnsupportedError
from netproof.waiting import NotYetError, Waiter

ADDON_OF_LOAD_BALANCERS = "MetalLB"
"""The add-on that Services of type LoadBalancer wait for. It gives out addresses in the order in which it sees them,
and Services older than itself it sees in any order, while in the homework the order decides who gets which."""

ObjectName = tuple[str, str, str]
"""Kind, namespace and name of an object."""

_NAMESPACES_OF_EVERY_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object.

    Attributes:
        place: file and line it was read from.
        kind: its kind.
        name: its name.
        namespace: where it went; empty for kinds without namespaces.
        refusal: the API's message; empty where it was taken.
        waits_for: the add-on that it needs and that is not there.
        withheld: why netproof does not apply it: the cluster is not its own, or an add-on has an object of this name.
    """

    place: str
    kind: str
    name: str
    namespace: str
    refusal: str = ""
    waits_for: str = ""
    withheld: str = ""

    def __str__(self) -> str:
        what = f"{self.kind}/{self.name}" + (f" in {self.namespace}" if self.namespace else "")
        if self.withheld:
            return f"{what} ({self.place}): not applied: {self.withheld}"
        if self.waits_for:
            return f"{what} ({self.place}): not applied, it needs {self.waits_for}"
        return f"{what} ({self.place}): {self.refusal or 'applied'}"


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcomes of a plan, in its order."""

    outcomes: tuple[Outcome, ...]

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """What the API did not take."""
        return tuple(one for one in self.outcomes if one.refusal)

    def of(self, found: ManifestObject) -> Outcome | None:
        """What became of an object of the submission; None where the plan left it out."""
        return next((one for one in self.outcomes if one.place == str(found.source) and one.name == found.name), None)

    def require(self, found: ManifestObject) -> Outcome:
        """The outcome of an object that the API has taken.

        Raises:
            UnmetError: it has not; with the API's message and the place in the file.
            UnsupportedError: it was withheld from a cluster that is not netproof's own.
        """
        outcome = self.of(found)
        if outcome is not None and outcome.withheld:
            raise UnsupportedError(str(outcome), "--cluster local")
        if outcome is None or outcome.refusal or outcome.waits_for:
            said = str(outcome) if outcome else "it is not part of the plan"
            raise UnmetError(f"{found.kind} {found.name} to be accepted by the API", said, objects=[str(found)])
        return outcome


def apply_plan(api: KubernetesApi, steps: Iterable[Step], present: Collection[str] = ()) -> Applied:
    """Apply every step by server-side apply with strict field validation; a refusal does not keep the rest from it.

    Args:
        api: the cluster's API.
        steps: what to apply, in this order.
        present: the names of the add-ons that serve; what needs another one waits for it.
    """
    return Applied(tuple(_apply(api, step, present) for step in steps))


def apply_waiting(
    api: KubernetesApi,
    applied: Applied,
    steps: Iterable[Step],
    present: Collection[str],
    taken: Collection[ObjectName] = (),
) -> Applied:
    """Apply those of the steps that waited for add-ons which serve by now; returns the outcomes of all, in their order.

    Args:
        api: the cluster's API.
        applied: the outcomes so far.
        steps: the steps they came of, in the same order.
        present: the names of the add-ons that serve.
        taken: the objects that these add-ons are made of; a submission that carries a copy of an add-on's own manifest
            does not replace them.
    """
    pairs = zip(applied.outcomes, steps, strict=True)
    return Applied(
        tuple(_apply(api, step, present, taken) if outcome.waits_for else outcome for outcome, step in pairs)
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


def as_json(applied: Applied) -> list[dict[str, Any]]:
    """The outcomes as plain values."""
    return [asdict(outcome) for outcome in applied.outcomes]


def from_json(values: list[dict[str, Any]]) -> Applied:
    """The outcomes that :func:`as_json` wrote."""
    return Applied(tuple(Outcome(**value) for value in values))


def _of_every_cluster(step: Step) -> bool:
    return step.object.kind == "Namespace" and step.object.name in _NAMESPACES_OF_EVERY_CLUSTER


def _is_there(api: KubernetesApi, step: Step) -> bool:
    found = step.object
    return api.find(found.kind, found.name, step.namespace, api_version=found.api_version) is not None


def _apply(api: KubernetesApi, step: Step, present: Collection[str], taken: Collection[ObjectName] = ()) -> Outcome:
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
        api.apply(found.manifest, step.namespace)
    except ApiRefused as refused:
        return Outcome(**where, refusal=refused.message)
    return Outcome(**where)
