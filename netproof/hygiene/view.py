"""A submission as the rules look at it: as it is written, brought to the API versions of today, with its namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from netproof.hygiene.elsewhere import PODS
from netproof.hygiene.schemas import schemas_of
from netproof.submission import ManifestObject, NamespaceOrigin, Plan, Problem, Submission, plan
from netproof.submission.adaptations import Group, Target, adapt
from netproof.submission.adaptations.adapt import RULES
from netproof.submission.manifest import mapping_at

_BEFORE = "kubernetes-intro/"
_FORM_OF_CRDS = "CustomResourceDefinition"
"""Its schema describes schemas, to any depth; checking one takes longer than all else together."""


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of one kind.

    Attributes:
        namespace: where they are.
        labels: what they carry.
        spec: their spec; of pods from elsewhere no more than their ports.
        owner: what makes them; None for pods from elsewhere.
    """

    namespace: str
    labels: Mapping[str, Any]
    spec: Mapping[str, Any]
    owner: ManifestObject | None


@dataclass(frozen=True)
class View:
    """What rules look at.

    Attributes:
        written: the submission as its author wrote it.
        kubernetes: major and minor version that it is to run on.
    """

    written: Submission
    kubernetes: tuple[int, int]

    @cached_property
    def submission(self) -> Submission:
        """The submission in the API versions of today, so that what is old is looked at like what is new."""
        era = [rule for rule in RULES if rule.group is Group.ERA and rule.id != "metallb-pools"]
        return adapt(self.written, Target(self.kubernetes), era).submission

    @cached_property
    def plan(self) -> Plan:
        """What is applied, where, and in which order."""
        return plan(self.submission)

    @cached_property
    def applied(self) -> tuple[tuple[str, ManifestObject], ...]:
        """Namespace (empty for kinds that live in none) and object of all that is applied."""
        return tuple((step.namespace or "", step.object) for step in self.plan)

    @cached_property
    def relevant(self) -> tuple[ManifestObject, ...]:
        """All objects but those of the homework before this one; the pod that gets probes belongs to this one."""
        return tuple(found for found in self.submission.objects if self._is_relevant(self.submission, found))

    @cached_property
    def relevant_as_written(self) -> tuple[ManifestObject, ...]:
        """The same as their author wrote them."""
        return tuple(found for found in self.written.objects if self._is_relevant(self.written, found))

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the text of relevant files."""
        pod = self.written.intro_pod
        return tuple(
            problem
            for problem in self.written.problems
            if not pod or not problem.position.file.startswith(_BEFORE) or problem.position.file == pod.source.path
        )

    def schema_faults(self, found: ManifestObject) -> tuple[Any, ...]:
        """What the schema of the target version says of an object: each a ``jsonschema.ValidationError``."""
        if id(found) not in self._faults:
            checked = found.kind != _FORM_OF_CRDS
            self._faults[id(found)] = tuple(schemas_of(self.kubernetes).faults(found)) if checked else ()
        return self._faults[id(found)]

    @cached_property
    def _faults(self) -> dict[int, tuple[Any, ...]]:
        return {}

    @cached_property
    def own_namespaces(self) -> frozenset[str]:
        """The namespaces that the submission makes."""
        return frozenset(found.name for found in self.submission.objects if found.kind == "Namespace")

    @cached_property
    def assumed_namespaces(self) -> Mapping[int, str]:
        """By identity of an object that names no namespace: the one that the homework gives with ``-n``."""
        return {id(step.object): step.namespace or "" for step in self.plan if step.origin is NamespaceOrigin.HOMEWORK}

    @cached_property
    def pods(self) -> tuple[Pods, ...]:
        """The pods that the submission makes, and those that are there anyway."""
        own = [
            Pods(namespace, mapping_at(found.pod_template, "metadata", "labels"), found.pod_spec or {}, found)
            for namespace, found in self.applied
            if found.pod_template is not None and found.kind != "Job"
        ]
        return (*own, *(Pods(namespace, labels, spec, None) for namespace, labels, spec in PODS))

    def of_kind(self, kind: str) -> Iterator[tuple[str, ManifestObject]]:
        """Namespace and object of what is applied of a kind."""
        yield from ((namespace, found) for namespace, found in self.applied if found.kind == kind)

    def selected_by(self, namespace: str, selector: Mapping[str, Any]) -> list[Pods]:
        """The pods that a selector in a namespace matches."""
        return [
            pods
            for pods in self.pods
            if selector and pods.namespace == namespace and selector.items() <= pods.labels.items()
        ]

    @staticmethod
    def _is_relevant(submission: Submission, found: ManifestObject) -> bool:
        return not found.source.path.startswith(_BEFORE) or found is submission.intro_pod
