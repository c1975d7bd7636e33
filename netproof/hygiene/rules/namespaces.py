"""``apply.namespace-missing``: namespaces that nobody makes, and objects that need ``kubectl apply -n``."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.elsewhere import BROUGHT_NAMESPACES, NAMESPACES
from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View


def _look(view: View) -> Iterator[Found]:
    there = NAMESPACES | BROUGHT_NAMESPACES | view.own_namespaces
    for step in view.plan:
        found = step.object
        if step.namespace and step.namespace not in there:
            message = f"nothing makes the namespace {step.namespace}"
            remedy = f"add a Namespace {step.namespace}, or correct the name"
            yield in_object(found, "metadata.namespace", message, remedy)
        elif id(found) in view.assumed_namespaces:
            message = f"it names no namespace; the homework applies it with -n {step.namespace}, and so does netproof"
            why = "kubectl apply -f alone would put it into default"
            remedy = f"write namespace: {step.namespace} into it"
            yield in_object(found, "metadata", message, remedy, severity=Severity.NOTE, why=why)


NAMESPACE_MISSING = HygieneRule(
    id="apply.namespace-missing",
    holds="Every namespace that a manifest names is made by the submission, or is there anyway.",
    why="the API refuses what goes into a namespace that there is not",
    severity=Severity.ERROR,
    look=_look,
)
