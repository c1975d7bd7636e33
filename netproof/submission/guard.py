"""What a submission may not do where it is not trusted, as when a student's work is graded.

An object that could do harm to the host, or that reaches beyond the submission, is withheld: it is neither applied nor
copied, and all else is judged without it. A pure function of the manifests; the API is asked nothing.

What decides is what a pod can get hold of. Its node is no virtual machine: it has the host's kernel, and root in a
container is root there. So a pod must have no more than a container's usual share: the rules are those of the profile
Baseline of the Pod Security Standards, with volumes by a list of those that are harmless. And no account may be had
that could make another pod: no pod under an account that is not the submission's own, no role that writes.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/, and
https://kubernetes.io/docs/concepts/security/rbac-good-practices/ for the rights by which an account comes by more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from netproof.submission.guarded_roles import NAMESPACES_OF_OTHERS, reason_against_binding, reason_against_role
from netproof.submission.manifest import HOST_NAMESPACES, ManifestObject, items_at, mapping_at
from netproof.submission.plan import plan
from netproof.submission.problem import Position
from netproof.submission.submission import Submission

MOST_OBJECTS = 300
"""How many objects are applied; real submissions have up to about ninety, vendored manifests included."""
MOST_PODS = 60
"""How many pods all workloads together may ask for; the homework has five, and add-ons that are vendored some more."""

_HARMLESS_VOLUMES = frozenset({"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"})
_USUAL_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_BEYOND = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "FlowSchema",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
_GROUPS_OF_ADDONS = ("k8s.io", "metallb.io", "traefik.io")


class Danger(StrEnum):
    """Why an object is withheld."""

    PRIVILEGES = "privileges"
    """Its pods have more than a container's usual rights."""
    HOST = "host"
    """Its pods share something with their node: its namespaces, its files."""
    ACCOUNT = "account"
    """Its pods, or a secret, would have an account that is not the submission's own."""
    RIGHTS = "rights"
    """It gives an account rights by which it could come by all."""
    BEYOND = "beyond"
    """It concerns the cluster as a whole, not this submission."""
    TOO_MANY = "too-many"
    """It asks for more than the homework could want."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """An object that is not applied.

    Attributes:
        object: which.
        danger: why, for a program.
        position: the place in the author's text.
        message: why, in words.
    """

    object: ManifestObject
    danger: Danger
    position: Position
    message: str

    def __str__(self) -> str:
        return f"{self.object.kind}/{self.object.name} ({self.position}): withheld: {self.message}"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A submission without what could do harm, and what that was."""

    submission: Submission
    withheld: tuple[Withheld, ...]


_Reason = tuple[Danger, Sequence[str | int], str]


def guard(submission: Submission) -> Guarded:
    """The submission without the objects that could do harm; the given one is not touched.

    Without an object another may count, that it had shadowed, or a binding lack its role: so what is left is looked at
    again, until nothing more is withheld.
    """
    withheld: list[Withheld] = []
    while found := tuple(_dangers(submission)):
        withheld += found
        gone = {id(one.object) for one in found}
        submission = submission.with_objects(tuple(one for one in submission.objects if id(one) not in gone))
    return Guarded(submission, tuple(sorted(withheld, key=lambda one: one.position)))


def _dangers(submission: Submission) -> Iterator[Withheld]:
    namespaces = {id(step.object): step.namespace or "" for step in plan(submission)}
    kept = pods = 0
    for found in submission.objects:
        asked = _pods_of(found)
        reason = next(_reasons(found, namespaces.get(id(found), found.namespace or ""), submission), None)
        if reason is None and kept >= MOST_OBJECTS:
            reason = (Danger.TOO_MANY, (), f"the submission has more than {MOST_OBJECTS} objects")
        if reason is None and pods + asked > MOST_PODS:
            reason = (Danger.TOO_MANY, ("spec",), f"with it the submission asks for {pods + asked} pods")
        if reason is None:
            pods, kept = pods + asked, kept + 1
        else:
            danger, at, message = reason
            yield Withheld(found, danger, found.position_of(at), message)


def _reasons(found: ManifestObject, namespace: str, submission: Submission) -> Iterator[_Reason]:
    yield from _pods(found)
    yield from _accounts(found, namespace, submission)
    yield from _roles(found, namespace, submission)
    yield from _beyond(found)


def _beyond(found: ManifestObject) -> Iterator[_Reason]:
    if found.kind in _BEYOND:
        yield Danger.BEYOND, ("kind",), f"a {found.kind} concerns the cluster as a whole"
    group = str(found.spec.get("group", ""))
    if found.kind == "CustomResourceDefinition" and any(
        group == one or group.endswith(f".{one}") for one in _GROUPS_OF_ADDONS
    ):
        yield Danger.BEYOND, ("spec", "group"), f"{group} belongs to Kubernetes or to an add-on"


def _roles(found: ManifestObject, namespace: str, submission: Submission) -> Iterator[_Reason]:
    if found.kind in {"Role", "ClusterRole"} and (said := reason_against_role(found)):
        yield Danger.RIGHTS, ("rules",), said
    is_binding = found.kind in {"RoleBinding", "ClusterRoleBinding"}
    if is_binding and (said := reason_against_binding(found, namespace, submission)):
        yield Danger.RIGHTS, ("roleRef",), said


def _accounts(found: ManifestObject, namespace: str, submission: Submission) -> Iterator[_Reason]:
    if found.kind == "Secret" and found.manifest.get("type") == "kubernetes.io/service-account-token":
        if namespace in NAMESPACES_OF_OTHERS:
            yield Danger.ACCOUNT, ("type",), f"it would hold a token of an account of {namespace}"
        return
    spec = found.pod_spec
    if spec is None:
        return
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    own = {one.name for one in submission.objects if one.kind == "ServiceAccount"}
    if account != "default" and (namespace in NAMESPACES_OF_OTHERS or str(account) not in own):
        yield Danger.ACCOUNT, (*found.pod_spec_path, "serviceAccountName"), f"its pods would have the account {account}"


def _pods(found: ManifestObject) -> Iterator[_Reason]:
    spec = found.pod_spec
    if spec is None:
        return
    for field in HOST_NAMESPACES:
        if spec.get(field):
            yield Danger.HOST, (*found.pod_spec_path, field), f"{field}: its pods would be in a namespace of their node"
    for index, volume in enumerate(items_at(spec, "volumes")):
        if kinds := sorted(volume.keys() - {"name"} - _HARMLESS_VOLUMES):
            yield Danger.HOST, (*found.pod_spec_path, "volumes", index, kinds[0]), f"a volume of the kind {kinds[0]}"
    for name in _annotated(found):
        yield Danger.PRIVILEGES, found.pod_spec_path, f"the annotation {name}: unconfined"
    yield from _contexts(found, spec, ())
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(items_at(spec, group)):
            yield from _contexts(found, container, (group, index))


def _contexts(found: ManifestObject, holder: Any, steps: tuple[str | int, ...]) -> Iterator[_Reason]:
    """What a securityContext, of a pod or of a container, asks for beyond the usual."""
    context = mapping_at(holder, "securityContext")
    at = (*found.pod_spec_path, *steps, "securityContext")
    if context.get("privileged"):
        yield Danger.PRIVILEGES, (*at, "privileged"), "a privileged container"
    added = mapping_at(context, "capabilities").get("add") or []
    names = {str(one).upper().removeprefix("CAP_") for one in added} if isinstance(added, list) else {str(added)}
    if wanted := sorted(names - _USUAL_CAPABILITIES):
        yield Danger.PRIVILEGES, (*at, "capabilities", "add"), f"the capabilities {', '.join(wanted)}"
    if context.get("procMount") not in (None, "Default"):
        yield Danger.PRIVILEGES, (*at, "procMount"), "all of /proc"
    for profile in ("seccompProfile", "appArmorProfile"):
        if mapping_at(context, profile).get("type") not in (None, "RuntimeDefault"):
            yield Danger.PRIVILEGES, (*at, profile), f"{profile}: another than the runtime's own"
    if context.get("sysctls"):
        yield Danger.PRIVILEGES, (*at, "sysctls"), "settings of the kernel"


def _annotated(found: ManifestObject) -> Iterator[str]:
    """Annotations that switch AppArmor off, as they were written before there was a field for it."""
    for name, value in mapping_at(found.pod_template, "metadata", "annotations").items():
        if str(name).startswith("container.apparmor.security.beta.kubernetes.io/") and value == "unconfined":
            yield str(name)


def _pods_of(found: ManifestObject) -> int:
    """How many pods an object asks for; a DaemonSet, or what is not a number, counts as two."""
    if found.kind == "HorizontalPodAutoscaler":
        return _count(found.spec.get("maxReplicas"))
    if found.pod_template is None:
        return 0
    if found.kind in {"Pod", "DaemonSet"}:
        return 1 if found.kind == "Pod" else 2
    jobs = mapping_at(found.spec, "jobTemplate", "spec") if found.kind == "CronJob" else found.spec
    field = "parallelism" if found.kind in {"Job", "CronJob"} else "replicas"
    return _count(jobs.get(field, 1))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 2
