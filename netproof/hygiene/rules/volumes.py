"""``wiring.volumes``: volumes that are written and never read."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission.manifest import items_at, names_in


def _look(view: View) -> Iterator[Found]:
    for found in view.relevant:
        mounts = (mount for one in items_at(found.pod_spec, "containers") for mount in items_at(one, "volumeMounts"))
        read = set(names_in(mounts))
        for index, container in enumerate(items_at(found.pod_spec, "initContainers")):
            for name in names_in(items_at(container, "volumeMounts")):
                if name not in read:
                    message = (
                        f"init container {container.get('name')} writes into the volume {name}, "
                        "which no container mounts"
                    )
                    at = (*found.pod_spec_path, "initContainers", index, "volumeMounts")
                    yield in_object(found, at, message, "mount it in the container that serves the page")


VOLUMES = HygieneRule(
    id="wiring.volumes",
    holds="What an init container writes into a volume is mounted by a container.",
    why="what it writes, such as the page, reaches no one",
    severity=Severity.ERROR,
    look=_look,
)
