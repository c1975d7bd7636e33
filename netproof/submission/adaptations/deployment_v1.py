"""Deployments of API versions that are gone since Kubernetes 1.16, to apps/v1, with the defaults of their own time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule
from netproof.submission.manifest import ManifestObject, mapping_at
from netproof.submission.submission import Submission

OLD = ("extensions/v1beta1", "apps/v1beta1", "apps/v1beta2")
NEW = "apps/v1"
GONE_SINCE = (1, 16)
_WITHOUT_SELECTOR = ("extensions/v1beta1", "apps/v1beta1")
_ONE_AT_A_TIME = "extensions/v1beta1"


def _edits(submission: Submission) -> Iterator[Edit]:
    for found in submission.objects:
        if found.kind == "Deployment" and found.api_version in OLD:
            yield _converted(found)


def _converted(deployment: ManifestObject) -> Edit:
    draft = Draft(deployment)
    draft.manifest["apiVersion"] = NEW
    draft.note(("apiVersion",), f"{deployment.api_version} is {NEW}")
    spec = draft.manifest.get("spec")
    if not isinstance(spec, dict):
        return draft.edit()
    labels = mapping_at(spec, "template", "metadata", "labels")
    if deployment.api_version in _WITHOUT_SELECTOR and labels and not spec.get("selector"):
        spec["selector"] = {"matchLabels": copy.deepcopy(dict(labels))}
        draft.note(("spec",), "the selector is the labels of the pods, the default of its time")
    if deployment.api_version == _ONE_AT_A_TIME:
        _keep_one_at_a_time(draft, spec)
    return draft.edit()


def _keep_one_at_a_time(draft: Draft, spec: dict[str, Any]) -> None:
    """Rollouts went one pod at a time by default; later ones go by quarters."""
    strategy = spec.get("strategy") or {}
    if not isinstance(strategy, dict) or strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return
    bounds = strategy.get("rollingUpdate") or {}
    missing = [bound for bound in ("maxUnavailable", "maxSurge") if isinstance(bounds, dict) and bound not in bounds]
    if not missing:
        return
    spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {**bounds, **dict.fromkeys(missing, 1)}}
    draft.note(("spec", "strategy"), f"{' and '.join(missing)} 1, the default of its time")


DEPLOYMENT_V1 = Rule(
    id="deployment-v1",
    group=Group.ERA,
    does=f"a Deployment of {', '.join(OLD)} is one of {NEW}; a selector and rollout bounds that it leaves to the "
    "defaults of its time are written out",
    because="Kubernetes 1.16 and later serve apps/v1 alone, which has other defaults",
    source="https://kubernetes.io/docs/reference/using-api/deprecation-guide/#deployment-v116",
    concerns=lambda target: target.kubernetes >= GONE_SINCE,
    edits=_edits,
)
