"""A loaded submission, and how a check finds what it is about in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from netproof.submission.layout import Layout, Part, ingress_backends, is_canary_ingress, locate
from netproof.submission.manifest import ManifestObject, has_probe, items_at, mapping_at
from netproof.submission.problem import Problem


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file as it was read: its path in the submission, and its text with the line ends of its author."""

    path: str
    text: str


@dataclass(frozen=True)
class Submission:
    """The manifests of one directory.

    Attributes:
        directory: where they were read, resolved.
        files: the YAML files that could be decoded, in the order of their paths.
        objects: every object, in the order of files and documents; objects defined twice are there twice.
        problems: what was wrong with the text; the API's own refusals are not among them.
    """

    directory: Path
    files: tuple[ManifestFile, ...]
    objects: tuple[ManifestObject, ...]
    problems: tuple[Problem, ...]

    @cached_property
    def layout(self) -> Layout:
        """Where the parts of the homework are."""
        return locate(self.objects)

    def definitions(self, kind: str, name: str, namespace: str | None = None) -> tuple[ManifestObject, ...]:
        """Every object of this kind and name, the one that counts first (see :meth:`precedence`).

        Args:
            kind: as written in the manifest.
            name: ``metadata.name``.
            namespace: only objects that name this namespace; None takes any, also those that name none.
        """
        found = [o for o in self.objects if (o.kind, o.name) == (kind, name) and namespace in (None, o.namespace)]
        return tuple(sorted(found, key=self.precedence))

    def find(self, kind: str, name: str, namespace: str | None = None) -> ManifestObject | None:
        """The object of this kind and name that counts, or None. Arguments as for :meth:`definitions`."""
        return next(iter(self.definitions(kind, name, namespace)), None)

    def part(self, part: Part) -> ManifestObject | None:
        """The object that plays a part of the homework, or None where the submission has none."""
        return self.layout[part].main

    def deployment(self, role: str = "web") -> ManifestObject | None:
        """The Deployment with a role, whatever its name: ``web`` or ``canary``; None where there is none.

        The canary's is the one behind the Service that a canary Ingress routes to; where nothing leads there (a typo in
        a name does that), the one that is called canary, else the first of the folder.
        """
        if role == "web":
            return self.part(Part.WEB_DEPLOY)
        found = [o for o in self.layout[Part.CANARY].objects if o.kind == "Deployment"]
        behind = [o for o in found if any(_selects(service, o) for service in self._canary_services)]
        named = [o for o in found if "canary" in f"{o.name} {o.namespace} {o.source.path.rpartition('/')[2]}"]
        return next(iter(behind or named or found), None)

    @property
    def _canary_services(self) -> list[ManifestObject]:
        return [found for o in self.objects if is_canary_ingress(o) for found in self.services_behind(o)]

    def services_behind(self, ingress: ManifestObject) -> list[ManifestObject]:
        """The Services that an Ingress routes to; one that is but a name for another of this cluster leads to that."""
        return [
            self._named_by(service) or service
            for name in ingress_backends(ingress)
            for service in self.services
            if service.name == name and _namespace(service) == _namespace(ingress)
        ]

    def _named_by(self, service: ManifestObject) -> ManifestObject | None:
        name, _, rest = str(service.spec.get("externalName", "")).partition(".")
        namespace, _, suffix = rest.partition(".")
        if service.spec.get("type") != "ExternalName" or suffix != "svc.cluster.local":
            return None
        return next((one for one in self.services if (one.name, _namespace(one)) == (name, namespace)), None)

    @cached_property
    def services(self) -> tuple[ManifestObject, ...]:
        """Every Service, in the order of files."""
        return tuple(found for found in self.objects if found.kind == "Service")

    def service(self, part: Part) -> ManifestObject | None:
        """The Service that plays a part (``Part.WEB_SVC_CIP`` and so on), or None."""
        found = self.part(part)
        return found if found is not None and found.kind == "Service" else None

    @cached_property
    def intro_pod(self) -> ManifestObject | None:
        """The Pod that the homework adds probes to, or None.

        Many authors leave ``kubernetes-intro`` as it was and edit a copy beside the Deployment; the first Pod, in the
        order of the layout, that declares a probe counts, and where none does, the expected one.
        """
        pods = self.layout[Part.WEB_POD].objects
        probed = (p for p in pods if any(has_probe(c) for c in items_at(p.pod_spec, "containers")))
        return next(probed, next(iter(pods), None))

    def precedence(self, found: ManifestObject) -> tuple[bool, int, int]:
        """Orders definitions of one object, the one that counts first.

        It is the definition that plays a part of the homework; else the one nearest to the root (what lies in a folder
        of an exercise must not replace the main files); else the one in the later file, as for ``kubectl apply -f`` of
        a directory.
        """
        return (not self.layout.plays_part(found), found.source.path.count("/"), -self._places[id(found)])

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(found): index for index, found in enumerate(self.objects)}

    def with_objects(self, objects: tuple[ManifestObject, ...]) -> Submission:
        """The same submission with other objects; files and problems stay those of the text."""
        return replace(self, objects=objects)


def _namespace(found: ManifestObject) -> str:
    return found.namespace or "default"


def _selects(service: ManifestObject, workload: ManifestObject) -> bool:
    selector = mapping_at(service.spec, "selector")
    labels = mapping_at(workload.pod_template, "metadata", "labels")
    matches = bool(selector) and all(labels.get(key) == value for key, value in selector.items())
    return matches and _namespace(service) == _namespace(workload)
