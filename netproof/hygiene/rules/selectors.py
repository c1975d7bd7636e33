"""``wiring.selectors``: Services whose selector matches no pod."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission.manifest import mapping_at


def _look(view: View) -> Iterator[Found]:
    for namespace, service in view.of_kind("Service"):
        selector = mapping_at(service.spec, "selector")
        if not selector or service.spec.get("type") == "ExternalName" or view.selected_by(namespace, selector):
            continue
        labels = ", ".join(f"{key}={value}" for key, value in selector.items())
        elsewhere = sorted({pods.namespace for pods in view.pods if selector.items() <= pods.labels.items()})
        message = f"no pod in {namespace} carries {labels}"
        message += ", only some in another namespace" if elsewhere else ""
        remedy = f"put the Service into {' or '.join(elsewhere)}" if elsewhere else "write the labels of the pods"
        yield in_object(service, "spec.selector", message, remedy)


SELECTORS = HygieneRule(
    id="wiring.selectors",
    holds="Every Service selects pods that are there.",
    why="a Service without pods has no endpoints, and refuses every connection",
    severity=Severity.ERROR,
    look=_look,
)
