"""Which pods a Service has, as its EndpointSlices say and as the pods themselves do."""

from __future__ import annotations

from netproof.observe.expectations import require
from netproof.services.service import Service
from netproof.workloads.workload import Workload, is_ready


def endpoints_of_ready_pods(service: Service, workload: Workload, wanted: int) -> frozenset[str]:
    """The ready endpoints of a Service, such as 10.244.1.5:8000, where they are the workload's ready pods.

    Args:
        service: the Service.
        workload: what it should lead to.
        wanted: how many ready pods there should be.

    Raises:
        UnmetError: there are more or fewer ready pods, or the endpoints are not theirs.
    """
    endpoints = service.ready_endpoints()
    addresses = {endpoint.rpartition(":")[0] for endpoint in endpoints}
    pods = {pod["status"]["podIP"] for pod in workload.pods() if is_ready(pod)}
    require(
        addresses == pods and len(pods) == wanted,
        f"{wanted} ready pods and their addresses as the Service's endpoints",
        f"pods {sorted(pods)}, endpoints {sorted(endpoints)}",
        objects=[str(service), str(workload)],
    )
    return endpoints
