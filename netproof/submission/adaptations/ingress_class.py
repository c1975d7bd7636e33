"""The annotation that named an Ingress's class before Kubernetes 1.18, to the field.

An Ingress without any class is left as it is: ingress-nginx and Traefik both take it when told to watch Ingresses
without a class, which is how netproof runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from netproof.submission.adaptations.ingress_v1 import NEW
from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule
from netproof.submission.routes import CLASS_ANNOTATION
from netproof.submission.submission import Submission

_FIELD_SINCE = (1, 18)


def _edits(submission: Submission) -> Iterator[Edit]:
    for found in submission.objects:
        named = found.annotations.get(CLASS_ANNOTATION)
        # The API refuses an Ingress that has both.
        if found.kind != "Ingress" or found.api_version != NEW or not named or "ingressClassName" in found.spec:
            continue
        draft = Draft(found)
        spec = draft.manifest.get("spec")
        if not isinstance(spec, dict):
            continue
        del draft.manifest["metadata"]["annotations"][CLASS_ANNOTATION]
        draft.manifest["spec"] = {"ingressClassName": named, **spec}
        at = ("metadata", "annotations", CLASS_ANNOTATION)
        draft.note(at, f"the annotation is ingressClassName: {named}")
        yield draft.edit()


INGRESS_CLASS = Rule(
    id="ingress-class",
    group=Group.ERA,
    does=f"the annotation {CLASS_ANNOTATION} is the field ingressClassName",
    because="the annotation is deprecated since Kubernetes 1.18, and not every controller heeds it",
    source="https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation",
    concerns=lambda target: target.kubernetes >= _FIELD_SINCE,
    edits=_edits,
)
