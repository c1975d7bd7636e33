"""``apply.duplicate-keys`` and ``apply.redefined``: what is written twice, where one of the two counts."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ProblemKind


def _keys(view: View) -> Iterator[Found]:
    for problem in view.problems:
        if problem.kind is ProblemKind.DUPLICATE_KEY:
            yield Found(problem.position, problem.message, problem.remedy)


def _objects(view: View) -> Iterator[Found]:
    for one in view.plan.redefinitions:
        for shadowed in one.shadowed:
            message = f"{one.applied.source} defines the same object otherwise, and counts"
            yield in_object(shadowed, (), message, "keep one definition, or give this one another name")


DUPLICATE_KEYS = HygieneRule(
    id="apply.duplicate-keys",
    holds="No key is written twice in one mapping.",
    why="kubectl takes the last one and says nothing, or refuses the file, by its version",
    severity=Severity.ERROR,
    look=_keys,
)
REDEFINED = HygieneRule(
    id="apply.redefined",
    holds="No object is defined more than once with different content.",
    why="which of them is in the cluster depends on the order in which files are applied",
    severity=Severity.WARNING,
    look=_objects,
)
