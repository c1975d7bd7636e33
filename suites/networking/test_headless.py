"""The headless Service: pods under a name, without an address of its own."""

from __future__ import annotations

import pytest

from netproof.check import SUBMISSION, check
from netproof.observe.eventually import eventually
from netproof.observe.expectations import require
from netproof.observe.rules_of_node import lines_about

pytestmark = pytest.mark.usefixtures("rules_as_evidence")


@check(
    "headless.no-vip",
    subject=SUBMISSION,
    needs=["deploy.replicas"],
    control="a copy of it without clusterIP None gets an address, and rules on every node",
    mutants=["headless-clusterip-removed"],
)
def test_a_headless_service_has_pods_and_no_address(
    applied, web_svc_headless_manifest, web_svc_headless, web, workspace, cluster
):
    """The headless Service has clusterIP None and the web pods as endpoints, and no node has a rule for it."""
    applied.require(web_svc_headless_manifest)
    spec, objects = web_svc_headless.service()["spec"], [str(web_svc_headless)]
    require(spec.get("clusterIP") == "None", "clusterIP None", spec.get("clusterIP"), objects=objects)
    eventually(lambda: require_pods(web_svc_headless, web), within_seconds=cluster.timeouts.rules_programmed)

    # What kube-proxy wrote for the later Service shows that it has seen the earlier one.
    copy = workspace.derived_service(web_svc_headless_manifest, {"spec": {"clusterIP": None, "clusterIPs": None}})
    for node in cluster.nodes():
        eventually(lambda here=node: require_rules(here, copy), within_seconds=cluster.timeouts.rules_programmed)
        lines = lines_about(node, web_svc_headless.namespace, web_svc_headless.name)
        require(not lines, "no rule for it", f"{len(lines)} on {node.name}, such as {lines[:1]}", objects=objects)


def require_pods(service, web):
    """The endpoints of a Service are the addresses of the web pods."""
    endpoints = {endpoint.rpartition(":")[0] for endpoint in service.ready_endpoints()}
    pods = {pod["status"].get("podIP") for pod in web.pods()}
    require(endpoints == pods, f"the endpoints {sorted(pods)}", sorted(endpoints), objects=[str(service), str(web)])


def require_rules(node, service):
    """A node has rules that name a Service."""
    lines = lines_about(node, service.namespace, service.name, service.cluster_ip)
    require(lines, f"rules for the Service on {node.name}", "none", objects=[str(service)])
