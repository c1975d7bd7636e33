"""A Deployment whose pods come and go, for checks of what has to follow them."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.observe.expectations import require
from netproof.workloads.workload import Workload


def each_number_of_pods(web: Workload) -> Iterator[int]:
    """Take a Deployment to one pod and up to three, replace one of these, and take it down to none.

    Yields:
        How many ready pods it should have, after each step, once it has settled.

    Raises:
        UnmetError: the pod that was to be replaced is still there.
    """
    for count in (1, 3):
        web.scale(count)
        web.wait_settled()
        yield count

    replaced = web.pods()[0]["metadata"]["name"]
    web.api.delete("Pod", replaced, web.namespace)
    names = {pod["metadata"]["name"] for pod in web.wait_settled()}
    require(replaced not in names, f"pods without {replaced}", sorted(names), objects=[str(web)])
    yield count

    web.scale(0)
    web.wait_settled()
    yield 0
