"""A Service's endpoints are compared with the pods that are ready."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from netproof.services.endpoints import endpoints_of_ready_pods
from netproof.verdict import UnmetError


def workload(*pods: tuple[str, bool]):
    return SimpleNamespace(
        pods=lambda: [
            {
                "metadata": {},
                "status": {"podIP": address, "conditions": [{"type": "Ready", "status": str(is_ready)}]},
            }
            for address, is_ready in pods
        ]
    )


def service(*endpoints: str):
    return SimpleNamespace(ready_endpoints=lambda: frozenset(endpoints))


def test_the_endpoints_of_all_ready_pods_are_returned():
    web = workload(("10.244.0.5", True), ("10.244.1.7", True), ("10.244.1.8", False))

    found = endpoints_of_ready_pods(service("10.244.0.5:8000", "10.244.1.7:8000"), web, 2)

    assert found == {"10.244.0.5:8000", "10.244.1.7:8000"}


@pytest.mark.parametrize(
    ("endpoints", "wanted"),
    [
        pytest.param(["10.244.0.5:8000"], 2, id="a ready pod is missing"),
        pytest.param(["10.244.0.5:8000", "10.244.1.8:8000"], 2, id="one of them is not ready"),
        pytest.param(["10.244.0.5:8000", "10.244.1.7:8000"], 3, id="there should be more pods"),
    ],
)
def test_others_are_not_what_is_expected(endpoints, wanted):
    web = workload(("10.244.0.5", True), ("10.244.1.7", True), ("10.244.1.8", False))

    with pytest.raises(UnmetError) as found:
        endpoints_of_ready_pods(service(*endpoints), web, wanted)

    assert found.value.expected == f"{wanted} ready pods and their addresses as the Service's endpoints"
    assert found.value.observed.startswith("pods ['10.244.0.5', '10.244.1.7'], endpoints [")
