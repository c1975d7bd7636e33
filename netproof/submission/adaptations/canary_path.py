"""A canary that ingress-nginx pairs with its main Ingress though their paths are written differently."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.submission.adaptations.pairs import pairs
from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule, traefik
from netproof.submission.manifest import value_at
from netproof.submission.submission import Submission


def _edits(submission: Submission) -> Iterator[Edit]:
    for canary, found in pairs(submission).items():
        draft = Draft(canary.object)
        for pair in found:
            ours, theirs = pair.route, pair.main_route
            if pair.main.namespace != canary.namespace or not (ours.path_type and theirs.path_type):
                continue
            if (ours.path, ours.path_type) == (theirs.path, theirs.path_type):
                continue
            written = value_at(draft.manifest, ours.at)
            written.pop("path", None)
            written.update({"path": theirs.path} if theirs.path else {}, pathType=theirs.path_type)
            main = pair.main.object
            draft.note(ours.at, f"path {theirs.path or 'left out'}, pathType {theirs.path_type}, as {main} has it")
        if draft.changes:
            yield draft.edit()


CANARY_PATH = Rule(
    id="canary-path",
    group=Group.CONTROLLER,
    does="a canary has its path and path type written as its main Ingress has them",
    because="to ingress-nginx no path is the path /, and ImplementationSpecific is Prefix; Traefik compares the text",
    source="ingress-nginx, internal/ingress/controller/store/store.go, syncIngress",
    concerns=traefik,
    edits=_edits,
)
