"""In which order, and into which namespaces, a submission is applied: data that can be printed before anything is done.

The order, and why:

1. Namespaces, then CustomResourceDefinitions: what follows may live in the one and be an instance of the other.
2. Service accounts and RBAC, configuration and secrets, storage: a pod that starts finds what it names.
3. The address pools of MetalLB: a LoadBalancer that comes before its pool stays pending until MetalLB looks again.
4. Services of type LoadBalancer in the order of the homework (``web-svc-lb``, CoreDNS, the ingress), since MetalLB
   hands out addresses in the order it sees them: ``web-svc-lb`` gets the first of the pool, as its author saw, and one
   that asks for a fixed address comes before those that take any.
5. Other Services, then workloads: a Service that exists first is in the environment of the pods, and its address is
   known before there is traffic.
6. IngressClasses, main Ingresses, then canary Ingresses: a canary is nothing without the Ingress it belongs to.
7. Kinds that are not known here, and webhooks last: a webhook whose backend is not up yet refuses everything after it.

Within a rank: the order in which the homework introduces its parts, then that of files and documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from netproof.submission.layout import EXPECTED, Part, is_canary_ingress
from netproof.submission.manifest import ManifestObject, mapping_at
from netproof.submission.submission import Submission

DEFAULT_NAMESPACE = "default"
_PART_NAMESPACES = {Part.COREDNS: "kube-system", Part.DASHBOARD: "kubernetes-dashboard"}
"""Where the homework applies files that name no namespace with ``kubectl apply -n``."""

_LAST_RANK = 99
_KIND_RANKS = {
    "Namespace": 0,
    "CustomResourceDefinition": 1,
    "PriorityClass": 2,
    "ServiceAccount": 2,
    "ClusterRole": 3,
    "Role": 3,
    "ClusterRoleBinding": 4,
    "RoleBinding": 4,
    "ConfigMap": 5,
    "Secret": 5,
    "StorageClass": 6,
    "PersistentVolume": 6,
    "PersistentVolumeClaim": 7,
    "IPAddressPool": 8,
    "AddressPool": 8,
    "L2Advertisement": 9,
    "BGPPeer": 9,
    "BGPAdvertisement": 9,
    "Service": 11,
    "EndpointSlice": 12,
    "Endpoints": 12,
    "Deployment": 13,
    "StatefulSet": 13,
    "DaemonSet": 13,
    "ReplicaSet": 13,
    "Pod": 13,
    "Job": 13,
    "CronJob": 13,
    "IngressClass": 14,
    "Ingress": 15,
    "ValidatingWebhookConfiguration": _LAST_RANK,
    "MutatingWebhookConfiguration": _LAST_RANK,
}
_LOAD_BALANCER_RANK, _CANARY_INGRESS_RANK, _UNKNOWN_RANK = 10, 16, 50
_PART_ORDER = {part: index for index, part in enumerate(EXPECTED)}


class NamespaceOrigin(StrEnum):
    """Why an object goes into the namespace it goes into."""

    DECLARED = "declared by the manifest"
    HOMEWORK = "the manifest names none; the homework applies it with -n"
    DEFAULT = "the manifest names none"
    CLUSTER = "lives in no namespace"


@dataclass(frozen=True, slots=True)
class Step:
    """One object to apply.

    Attributes:
        object: what to apply.
        namespace: the namespace to apply it to; None for kinds that live in none.
        origin: why this namespace.
        part: the part of the homework it belongs to, None for others.
    """

    object: ManifestObject
    namespace: str | None
    origin: NamespaceOrigin
    part: Part | None

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        said = "" if self.origin in (NamespaceOrigin.DECLARED, NamespaceOrigin.CLUSTER) else f" [{self.origin}]"
        return f"{self.object.kind}/{self.object.name}{where} from {self.object.source}{said}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that is not applied, and why."""

    object: ManifestObject
    reason: str

    def __str__(self) -> str:
        return f"{self.object}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Redefinition:
    """One object that is defined more than once with different content.

    Attributes:
        applied: the definition that counts.
        shadowed: the others, which are not applied.
    """

    applied: ManifestObject
    shadowed: tuple[ManifestObject, ...]

    def __str__(self) -> str:
        others = ", ".join(str(other.source) for other in self.shadowed)
        name = f"{self.applied.kind}/{self.applied.name}"
        return f"{name} is defined differently in {self.applied.source} (applied) and in {others}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is applied, in this order, and what is not.

    Attributes:
        steps: the objects to apply.
        left_out: the objects that are not applied, each with its reason.
        redefinitions: the objects whose definitions contradict one another.
    """

    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]
    redefinitions: tuple[Redefinition, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def of(self, *parts: Part | None) -> Plan:
        """The plan with only the steps of these parts; None stands for objects of no part."""
        return Plan(tuple(step for step in self.steps if step.part in parts), self.left_out, self.redefinitions)

    def without(self, *parts: Part | None) -> Plan:
        """The plan without the steps of these parts."""
        return Plan(tuple(step for step in self.steps if step.part not in parts), self.left_out, self.redefinitions)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace the steps need, whether the plan creates it or not, in the order of first use."""
        return tuple(dict.fromkeys(step.namespace for step in self.steps if step.namespace))

    @property
    def placed(self) -> tuple[Step, ...]:
        """The steps whose namespace was decided here, because their manifests name none: what a report must say."""
        return tuple(step for step in self.steps if step.origin in (NamespaceOrigin.HOMEWORK, NamespaceOrigin.DEFAULT))

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, start=1)]
        lines += [f"not applied: {left_out}" for left_out in self.left_out]
        lines += [f"note: {redefinition}" for redefinition in self.redefinitions]
        return "\n".join(lines)


def plan(submission: Submission) -> Plan:
    """The apply plan of a submission; a pure function of it.

    Not applied: everything in ``kubernetes-intro``, and the intro pod wherever it lies (the homework deletes it before
    the Deployment comes, and its label would put it behind the web Services); and all but one definition of an object
    that is defined several times: applying them one after the other could roll pods out twice, move addresses or be
    refused for an immutable field, and would end with the one that counts (see :meth:`Submission.precedence`).
    """
    left_out: list[LeftOut] = []
    definitions: dict[tuple[str, str, str, str | None], list[Step]] = {}
    cluster_scoped = _cluster_scoped_by_definition(submission)
    for candidate in submission.objects:
        step = _step(submission, candidate, (candidate.group, candidate.kind) in cluster_scoped)
        if reason := _reason_to_leave_out(candidate, step.part):
            left_out.append(LeftOut(candidate, reason))
            continue
        definitions.setdefault((candidate.group, candidate.kind, candidate.name, step.namespace), []).append(step)
    steps: list[Step] = []
    redefinitions: list[Redefinition] = []
    for same in definitions.values():
        first, *others = sorted(same, key=lambda step: submission.precedence(step.object))
        steps.append(first)
        applied = first.object
        different = tuple(step.object for step in others if step.object.manifest != applied.manifest)
        if different:
            redefinitions.append(Redefinition(applied, different))
        left_out += [LeftOut(step.object, f"{applied.source} defines the same object and counts") for step in others]
    return Plan(tuple(sorted(steps, key=_order)), tuple(left_out), tuple(redefinitions))


def placed(submission: Submission) -> Iterator[tuple[str, ManifestObject]]:
    """What is applied, with its namespace (empty for kinds that live in none), in the order of the plan."""
    for step in plan(submission):
        yield step.namespace or "", step.object


def _reason_to_leave_out(candidate: ManifestObject, part: Part | None) -> str:
    if part is Part.WEB_POD:
        return "the homework deletes this pod before it creates the Deployment"
    if candidate.source.path.startswith("kubernetes-intro/"):
        return "it belongs to the homework before this one"
    return ""


def _step(submission: Submission, candidate: ManifestObject, cluster_scoped: bool) -> Step:
    part = submission.layout.part_of(candidate)
    if not candidate.is_namespaced or cluster_scoped:
        return Step(candidate, None, NamespaceOrigin.CLUSTER, part)
    if candidate.namespace is not None:
        return Step(candidate, candidate.namespace, NamespaceOrigin.DECLARED, part)
    if part in _PART_NAMESPACES:
        return Step(candidate, _PART_NAMESPACES[part], NamespaceOrigin.HOMEWORK, part)
    return Step(candidate, DEFAULT_NAMESPACE, NamespaceOrigin.DEFAULT, part)


def _cluster_scoped_by_definition(submission: Submission) -> set[tuple[str, str]]:
    """Group and kind of what the submission itself defines, by a CustomResourceDefinition, to live in no namespace."""
    return {
        (str(definition.spec.get("group")), str(mapping_at(definition.spec, "names").get("kind")))
        for definition in submission.objects
        if definition.kind == "CustomResourceDefinition" and definition.spec.get("scope") == "Cluster"
    }


def _order(step: Step) -> tuple[int, int, bool, str, int]:
    candidate = step.object
    rank = _KIND_RANKS.get(candidate.kind, _UNKNOWN_RANK)
    asks_for_no_address = False
    if candidate.kind == "Service" and candidate.spec.get("type") == "LoadBalancer":
        rank = _LOAD_BALANCER_RANK
        asks_for_no_address = not _fixed_address(candidate)
    elif is_canary_ingress(candidate):
        rank = _CANARY_INGRESS_RANK
    part_order = _PART_ORDER[step.part] if step.part else len(_PART_ORDER)
    return (rank, part_order, asks_for_no_address, candidate.source.path, candidate.source.line)


def _fixed_address(service: ManifestObject) -> bool:
    annotated = any(key.endswith("/loadBalancerIPs") for key in service.annotations)
    return annotated or bool(service.spec.get("loadBalancerIP"))
