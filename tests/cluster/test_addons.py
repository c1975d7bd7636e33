"""The add-ons on an embedded cluster: what is refused, and what is told of one that does not serve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netproof.addons.addon import Addon, require_deployment
from netproof.addons.metallb import NAMESPACE as METALLB_NAMESPACE
from netproof.cluster.api import ApiRefused
from netproof.cluster.names import AGNHOST_IMAGE
from netproof.errors import NetproofError
from netproof.toolchain import Tools

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("metallb")
def test_the_webhook_refuses_a_pool_that_is_none(cluster):
    pool = {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": "no-range", "namespace": METALLB_NAMESPACE},
        "spec": {"addresses": ["172.17.255.9-172.17.255.1"]},
    }

    with pytest.raises(ApiRefused, match="denied the request"):
        cluster.api.apply(pool)


def test_an_add_on_that_does_not_serve_is_told_with_its_pods_events_and_logs(cluster, tmp_path):
    namespace = "netproof-broken-addon"
    container = {
        "name": "server",
        "image": AGNHOST_IMAGE,
        "args": ["netexec", "--no-such-flag"],
        "readinessProbe": {"tcpSocket": {"port": 8080}},
    }
    pod = {
        "metadata": {"labels": {"app": "broken"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "broken", "namespace": namespace},
            "spec": {"selector": {"matchLabels": {"app": "broken"}}, "template": pod},
        },
    ]
    broken = Addon(
        "the broken one",
        namespace,
        (),
        images=lambda _: {},
        objects=lambda *_: objects,
        serves=lambda api: require_deployment(api, namespace, "broken"),
    )
    timeouts = replace(cluster.timeouts, addon_ready=cluster.timeouts.addon_ready / 10)

    with pytest.raises(NetproofError) as problem:
        broken.install(cluster.api, Tools({}), tmp_path / "added-images.json", {}, timeouts)
    cluster.api.delete("Namespace", namespace)

    said = problem.value.message
    assert "the broken one was installed and does not serve: not within" in said
    assert "pod broken-" in said
    assert "log of server: Error: unknown flag: --no-such-flag" in said
    assert "event of broken-" in said
