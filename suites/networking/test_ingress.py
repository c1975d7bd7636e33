"""The submission behind the ingress controller: its address on the LAN, and the page under a path.

An ingress controller is a reverse proxy that reads Ingresses. It balances by itself, over the endpoints of the backend
Service, so that Service needs no address; and it is reached as anything else in a cluster, by a Service in front of it.
With ``externalTrafficPolicy: Local`` only nodes with a pod of the controller answer, and the client's address stays.
"""

from __future__ import annotations

import math

import pytest

from netproof.check import EXTENDED, SUBMISSION, check
from netproof.ingress.requests import headers_of, prefix_of
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure
from netproof.observe.spread import requests_needed
from netproof.services.service import Service
from netproof.submission.layout import is_canary_ingress
from netproof.submission.routes import routes_of

pytestmark = pytest.mark.usefixtures("rules_as_evidence")

PATH = "/web"
"""Where the homework wants the page."""
NOT_OFFERED = 8081
"""A port that no Service in front of the controller offers."""
IN_A_ROW = 3
CONCURRENCY = 4


@check(
    "ingress.lb",
    subject=SUBMISSION,
    control="a port that the Service does not offer gets no reply from the same address",
    mutants=["ingress-lb-selector-typo", "ingress-lb-policy-cluster", "ingress-lb-wrong-target-port"],
)
def test_the_ingress_controller_answers_on_the_lan(
    ingress_controller, nginx_lb_manifest, nginx_lb, submission, lan, cluster
):
    """The Service in front of the controller has an external address and policy Local; the controller answers there."""
    ingress_controller.require(nginx_lb_manifest)
    address, spec = nginx_lb.wait_address(cluster.timeouts), nginx_lb.service()["spec"]
    policy = spec.get("externalTrafficPolicy")
    require(policy == "Local", "externalTrafficPolicy Local", policy, objects=[str(nginx_lb)])
    wait_until_the_controller_answers(lan, f"http://{address}/", submission, nginx_lb, cluster)
    other = lan.get(f"http://{address}:{NOT_OFFERED}/", timeout_seconds=0.5)
    expect(other, str(nginx_lb)).to_fail_by(Failure.REFUSED, Failure.TIMEOUT, Failure.UNREACHABLE)


@check(
    "ingress.https",
    subject=SUBMISSION,
    needs=["ingress.lb"],
    control="the same port gives none of the submission's pages by plain HTTP",
    mutants=["ingress-lb-https-port-433", "ingress-lb-https-to-http"],
)
def test_the_ingress_controller_speaks_tls(nginx_lb, submission, lan, cluster):
    """The controller answers over TLS on port 443 of the same address."""
    address = nginx_lb.wait_address(cluster.timeouts)
    wait_until_the_controller_answers(lan, f"https://{address}/", submission, nginx_lb, cluster)
    for route in main_routes(submission):  # not every controller says by TLS alone which of its ports it is
        plain = lan.get(f"http://{address}:443{prefix_of(route)}/", headers=headers_of(route))
        require(not plain.all_ok, "no page by plain HTTP", plain, objects=[str(nginx_lb)])


@check(
    "ingress.path",
    subject=SUBMISSION,
    needs=["ingress.lb", "deploy.replicas"],
    control="the same address without the path is not the page",
    mutants=[
        "ingress-no-rewrite",
        "ingress-path-root",
        "ingress-class-unknown",
        "ingress-backend-port-wrong",
        "ingress-backend-typo",
    ],
)
def test_the_page_is_under_its_path(ingress_controller, web_ingress_manifest, nginx_lb, web, diversion, lan, cluster):
    """/web and /web/index.html are the page, from every pod; the backends of the Ingress are the web pods."""
    ingress_controller.require(web_ingress_manifest)
    address, pods = nginx_lb.wait_address(cluster.timeouts), web.pod_names()
    routes = routes_of(web_ingress_manifest)
    require(routes, "a rule with a path and a backend", "none", objects=[str(web_ingress_manifest)])
    headers = headers_of(routes[0]) | diversion.headers

    for path in (PATH, f"{PATH}/index.html"):
        url = f"http://{address}{path}"
        eventually(
            lambda here=url: require_page_from_each(lan, here, headers, pods, diversion, web_ingress_manifest),
            within_seconds=cluster.timeouts.rules_programmed,
        )

    namespace = ingress_controller.namespace_of(web_ingress_manifest)
    backends = Service(cluster.api, namespace, routes[0].backend.service or "").ready_pods()
    require(backends == pods, f"the backends {sorted(pods)}", sorted(backends), objects=[str(web_ingress_manifest)])
    elsewhere = lan.get(f"http://{address}/", headers=headers)
    require(not elsewhere.all_ok, "no page without the path", elsewhere, objects=[str(web_ingress_manifest)])


@check(
    "ingress.address",
    subject=SUBMISSION,
    level=EXTENDED,
    needs=["ingress.path"],
    control="the address is that of the LoadBalancer in front of the controller, and no node's",
    mutants=["of the check: the address is compared with that of a node"],
)
def test_the_ingress_shows_its_address(ingress_controller, web_ingress_manifest, nginx_lb, cluster):
    """The status of the Ingress shows the external address of the Service in front of the controller."""
    namespace, name = ingress_controller.namespace_of(web_ingress_manifest), web_ingress_manifest.name
    address = nginx_lb.wait_address(cluster.timeouts)

    def shown():
        found = cluster.api.get("Ingress", name, namespace, api_version="networking.k8s.io/v1")
        addresses = [one.get("ip") for one in found["status"].get("loadBalancer", {}).get("ingress") or ()]
        require(addresses == [address], f"the address {address}", addresses, objects=[str(web_ingress_manifest)])

    eventually(shown, within_seconds=cluster.timeouts.address_assigned)


def require_page_from_each(lan, url, headers, pods, diversion, ingress):
    """As many requests as reach every pod but for a false alarm are answered by each, and by nobody but a canary."""
    times = math.ceil(requests_needed(len(pods)) / max(1 - diversion.share, 0.01))
    replies = lan.get(url, headers=headers, times=times, concurrency=CONCURRENCY)
    expect(replies, str(ingress)).served_only_by(pods | diversion.pods)
    expected = f"replies from each of {', '.join(sorted(pods))}"
    require(pods <= replies.served_by().keys(), expected, replies, objects=[str(ingress), url])


def wait_until_the_controller_answers(lan, url, submission, service, cluster):
    """Return once the controller answers a bare request: 404, or whatever the Ingress says that claims every path."""

    def answered():
        replies = lan.get(url, verify_tls=False, timeout_seconds=1)
        expectation = expect(replies, str(service))
        if claims_everything(submission):
            require(not replies.lost, "a reply of the controller", replies, objects=[str(service)])
        else:
            expectation.to_be(404)

    eventually(answered, within_seconds=cluster.timeouts.rules_programmed, in_a_row=IN_A_ROW)


def claims_everything(submission):
    """Whether some Ingress of the submission is for every path of every host."""
    return any(not route.host and not prefix_of(route) for route in main_routes(submission))


def main_routes(submission):
    """Each path of each Ingress of the submission that is no canary."""
    mains = (found for found in submission.objects if found.kind == "Ingress" and not is_canary_ingress(found))
    return [route for found in mains for route in routes_of(found)]
