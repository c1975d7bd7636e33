"""The add-ons on an embedded cluster, as the homework's objects meet them: addresses, ARP, DNS, a bare request."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from netproof.addons.addon import Addon, require_deployment
from netproof.addons.metallb import NAMESPACE as METALLB_NAMESPACE
from netproof.cluster.api import ApiRefused
from netproof.cluster.names import AGNHOST_IMAGE
from netproof.errors import NetproofError
from netproof.toolchain import Tools
from netproof.waiting import NotYetError, Waiter

pytestmark = pytest.mark.cluster

POOL_FIRST, SHARED, INGRESS = "172.17.255.1", "172.17.255.2", "172.17.255.3"


def address_of(cluster, name, namespace):
    def assigned():
        ingress = cluster.api.get("Service", name, namespace)["status"]["loadBalancer"].get("ingress", [])
        if not ingress:
            raise NotYetError("no address")
        return ingress[0]["ip"]

    what = f"Service {namespace}/{name} has an address"
    return Waiter().until(what, assigned, timeout_seconds=cluster.timeouts.rules_programmed)


def arp_owners(lan, address):
    (bridge,) = [one.name for one in lan.interfaces() if one.kind == "bridge"]
    return lan.arp_owners(address, bridge)


def answered(cluster, what, ask):
    """The answer of ``ask`` once it gives one."""

    def look():
        answer = ask()
        if not answer:
            raise NotYetError(repr(answer))
        return answer

    return Waiter().until(what, look, timeout_seconds=cluster.timeouts.rules_programmed)


def test_the_web_service_gets_the_first_address_and_a_node_answers_for_it(cluster, lan, metallb, web):
    web.wait_available()

    assert address_of(cluster, "web-svc-lb", "default") == POOL_FIRST
    owners = answered(cluster, f"ARP for {POOL_FIRST}", partial(arp_owners, lan, POOL_FIRST))
    page = answered(cluster, "the page by that address", lambda: lan.get(f"http://{POOL_FIRST}/index.html").served_by())

    assert len(owners) == 1
    assert set(page) <= web.pod_names()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_both_dns_services_share_an_address(cluster, lan, metallb, transport):
    names = [
        service["metadata"]["name"]
        for service in cluster.api.list("Service", "kube-system")
        if service["spec"]["type"] == "LoadBalancer"
    ]

    assert {address_of(cluster, name, "kube-system") for name in names} == {SHARED}
    assert len(names) == 2
    question = f"kubernetes.default.svc.{cluster.spec.dns_domain}"
    answer = answered(
        cluster,
        f"DNS over {transport}",
        lambda: lan.resolve(question, "A", server=SHARED, tcp=transport == "tcp").addresses,
    )
    assert answer == (cluster.spec.kubernetes_service_address,)


def test_a_bare_request_to_the_ingress_controller_is_answered_404(cluster, lan, ingress_controller):
    assert address_of(cluster, "ingress-nginx", "ingress-nginx") == INGRESS
    answered(cluster, f"ARP for {INGRESS}", partial(arp_owners, lan, INGRESS))
    statuses = answered(
        cluster,
        "an answer to a bare request",
        lambda: [reply.status for reply in lan.get(f"http://{INGRESS}/") if reply.status],
    )
    assert statuses == [404]


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


def test_the_status_of_an_ingress_has_the_address_of_the_load_balancer(cluster, ingress_controller):
    address_of(cluster, "ingress-nginx", "ingress-nginx")

    def published():
        ingresses = cluster.api.list("Ingress", "default", api_version="networking.k8s.io/v1")
        return [one["ip"] for found in ingresses for one in found["status"]["loadBalancer"].get("ingress", [])]

    assert set(answered(cluster, "an address in the status", published)) == {INGRESS}


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
