"""Adapting: a pure function of the submission and of what it is to run on, made of all rules in their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netproof.submission.adaptations.backend_port import BACKEND_PORT
from netproof.submission.adaptations.canary_namespace import CANARY_NAMESPACE
from netproof.submission.adaptations.canary_path import CANARY_PATH
from netproof.submission.adaptations.deployment_v1 import DEPLOYMENT_V1
from netproof.submission.adaptations.ingress_class import INGRESS_CLASS
from netproof.submission.adaptations.ingress_v1 import INGRESS_V1
from netproof.submission.adaptations.metallb_pools import METALLB_POOLS
from netproof.submission.adaptations.place_taken import PLACE_TAKEN
from netproof.submission.adaptations.plain_rewrite import PLAIN_REWRITE
from netproof.submission.adaptations.rule import Change, Edit, Rule, Target
from netproof.submission.submission import Submission

RULES: tuple[Rule, ...] = (
    INGRESS_V1,
    INGRESS_CLASS,
    DEPLOYMENT_V1,
    METALLB_POOLS,
    PLACE_TAKEN,
    BACKEND_PORT,
    CANARY_NAMESPACE,
    CANARY_PATH,
    PLAIN_REWRITE,
)
"""All rules, in the order in which they are applied: first the manifests are of today, then a canary is brought beside
its main Ingress, then the paths of both change together."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """A submission that was adapted.

    Attributes:
        submission: with the changed objects in place of the others; positions are those of the author's text.
        changes: what was changed, in the order of the rules.
    """

    submission: Submission
    changes: tuple[Change, ...]


def adapt(submission: Submission, target: Target, rules: Iterable[Rule] = RULES) -> Adapted:
    """The submission for a target, and what of it had to be changed; the given one is not touched.

    Adapting what is adapted already changes nothing.
    """
    changes: list[Change] = []
    for rule in rules:
        if not rule.concerns(target):
            continue
        edits = list(rule.edits(submission))
        if edits:
            changes += [change for edit in edits for change in _changes(rule, edit, submission)]
            submission = _edited(submission, edits)
    return Adapted(submission, tuple(changes))


def _changes(rule: Rule, edit: Edit, submission: Submission) -> list[Change]:
    part = submission.layout.part_of(edit.of)
    return [Change(rule, edit.of.kind, edit.of.name, position, what, part) for position, what in edit.changes]


def _edited(submission: Submission, edits: list[Edit]) -> Submission:
    becomes = {id(edit.of): edit.becomes for edit in edits}
    objects = (made for found in submission.objects for made in becomes.get(id(found), (found,)))
    return submission.with_objects(tuple(objects))
