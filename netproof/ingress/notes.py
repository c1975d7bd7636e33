"""What an ingress controller will not make of a submission's Ingresses, said before the verdicts that it costs.

Neither hinders the run. An Ingress of a class that nobody serves routes nothing, and its checks fail for that; an
annotation that the controller does not read is passed over, and a check may fail for it where ingress-nginx would not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from netproof.ingress.annotations import READ_BY_TRAEFIK
from netproof.ingress.behaviours import Controller
from netproof.ingress.canary import PREFIX
from netproof.submission.layout import Part
from netproof.submission.manifest import ManifestObject
from netproof.submission.routes import CLASS_ANNOTATION, SERVED_CLASS, class_of
from netproof.submission.submission import Submission

_SECTIONS = {
    Part.WEB_INGRESS: "ingress.path, ingress.address and all of canary",
    Part.DASHBOARD: "those of dashboard",
    Part.CANARY: "those of canary",
}
_CONTROLLER_NAME = "k8s.io/ingress-nginx"


def notes(submission: Submission, controller: Controller) -> Iterator[str]:
    """A sentence for each thing of a submission's Ingresses that the controller leaves undone."""
    served = {SERVED_CLASS, *_classes_of_its_own(submission)}
    for found in submission.objects:
        if found.kind == "Ingress":
            undone = [
                _of_the_class(found, served),
                *(_of_the_annotations(found) if controller is Controller.TRAEFIK else ()),
            ]
            yield from (f"Ingress/{found.name} {said}{_costs(submission, found)}" for said in undone if said)


def _of_the_class(ingress: ManifestObject, served: Collection[str]) -> str:
    wanted = class_of(ingress)
    if wanted is None or wanted in served:
        return ""
    by_field = "ingressClassName" in ingress.spec
    place = ingress.position_of(
        ("spec", "ingressClassName") if by_field else ("metadata", "annotations", CLASS_ANNOTATION)
    )
    return f"({place}): nobody serves its class {wanted}, only {' and '.join(sorted(served))}"


def _of_the_annotations(ingress: ManifestObject) -> Iterator[str]:
    for name in ingress.annotations:
        if name.startswith(PREFIX) and name not in READ_BY_TRAEFIK:
            place = ingress.position_of(("metadata", "annotations", name))
            yield f"({place}): traefik does not know the annotation {name}"


def _classes_of_its_own(submission: Submission) -> Iterator[str]:
    for found in submission.objects:
        if found.kind == "IngressClass" and found.spec.get("controller") == _CONTROLLER_NAME:
            yield found.name


def _costs(submission: Submission, found: ManifestObject) -> str:
    part = submission.layout.part_of(found)
    checks = _SECTIONS.get(part) if part else None
    return f"; verdicts it may cost: {checks}" if checks else ""
