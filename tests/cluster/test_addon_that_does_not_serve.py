"""An add-on that cannot come up: the run goes on without it, and says what is wrong and which verdicts that cost."""

from __future__ import annotations

import pytest

from netproof.addons.metallb import METALLB, NAMESPACE
from netproof.cluster.under_test import ClusterUnderTest
from netproof.submission import bundled_manifests, load
from netproof.toolchain import ConsoleProgress, ensure
from netproof.verdict import Verdict

from .conftest import Leftovers, Prove

pytestmark = pytest.mark.cluster

NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods", "namespace": NAMESPACE},
    "spec": {"hard": {"pods": "0"}},
}
UNHURT = "rollout.zero-zero-rejected"


@pytest.fixture
def metallb_without_controller(cluster: ClusterUnderTest, metallb: object, leftovers: Leftovers):
    """MetalLB may start no pod, and its controller has ended.

    Services that wait when it starts again would be given addresses in any order, so there are none by then.
    """
    api = cluster.api
    api.apply(NO_PODS)
    for pod in api.list("Pod", NAMESPACE, labels={"component": "controller"}):
        api.delete("Pod", pod["metadata"]["name"], NAMESPACE, grace_seconds=0)
    yield metallb
    leftovers.remove_load_balancers()
    api.delete("ResourceQuota", "no-pods", NAMESPACE)
    tools = ensure(METALLB.components, progress=ConsoleProgress())
    METALLB.install(api, tools, cluster.local.added_images, {}, cluster.timeouts)


@pytest.mark.usefixtures("metallb_without_controller")
def test_the_run_goes_on_and_says_what_it_cost(prove: Prove) -> None:
    results = prove(load(bundled_manifests("reference")), ["lb.metallb-running", "dns.shared-ip", UNHURT], hurry="0.1")

    found = {check.id: check for check in results.checks}
    assert found[UNHURT].verdict is Verdict.PASSED
    assert found["lb.metallb-running"].verdict is Verdict.ERROR
    assert found["dns.shared-ip"].verdict is Verdict.BLOCKED
    assert found["dns.shared-ip"].blocked_by == ["lb.metallb-running"]
    said = found["lb.metallb-running"].message
    assert "MetalLB was installed and does not serve" in said
    assert "exceeded quota: no-pods" in said
