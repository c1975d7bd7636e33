"""The same routing by the Gateway API: Ingress is frozen, and an HTTPRoute says in fields what annotations say there.

A Gateway is where requests enter. An HTTPRoute attaches to it and says by path, header and weight which backend a
request is for. Both say in their status what became of them.
"""

from __future__ import annotations

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.site import CANARY, HOSTNAME, MAIN
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.spread import judge_share
from netproof.workloads.workload import condition

NO_MUTANTS = none_because("nothing of a submission is looked at; the control is the same probe where it must fail")

API = "gateway.networking.k8s.io/v1"
HEADER = "X-Canary"
PATH = "/somewhere"
TIMES = 20
SAMPLE = 300
FALSE_ALARM = 1e-7
"""Of each judgement of a share, so that all of a run together stay below one in a million."""


@check(
    "gateway.status",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="a route to a Service that does not exist is accepted, its references are not resolved, and it answers 500",
    mutants=NO_MUTANTS,
)
def test_gateway_and_route_say_what_became_of_them(gateway, site):
    """GatewayClass and Gateway are Accepted, the Gateway is Programmed, its HTTPRoute Accepted with ResolvedRefs."""
    gateway_class = site.api.get("GatewayClass", gateway.class_name, api_version=API)
    require_condition(gateway_class, "Accepted", "True")
    for kind in ("Accepted", "Programmed"):
        require_condition(site.api.get("Gateway", gateway.name, gateway.namespace, api_version=API), kind, "True")

    route(gateway, site, rule(MAIN))
    site.wait_served_by(MAIN)
    wait_for_route(site, ResolvedRefs="True", Accepted="True")

    route(gateway, site, rule("nobody"))
    site.wait_status(500)
    wait_for_route(site, ResolvedRefs="False", Accepted="True")


@check(
    "gateway.host",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="the host of the route is answered",
    mutants=NO_MUTANTS,
)
def test_a_route_is_for_its_hosts_alone(gateway, site):
    """A route with a hostname gets requests for that host and for no other."""
    route(gateway, site, rule(MAIN))
    site.wait_served_by(MAIN)
    for other in (f"www.{site.host}", "netproof.test"):
        site.require_unrouted(host=other)


@check(
    "gateway.path",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="what the two paths do not match is not answered",
    mutants=NO_MUTANTS,
)
def test_a_route_matches_paths(gateway, site):
    """PathPrefix matches whole elements, Exact the path alone, and of two that match the more exact one has it."""
    route(
        gateway,
        site,
        rule(MAIN, {"path": {"type": "PathPrefix", "value": "/"}}),
        rule(CANARY, {"path": {"type": "Exact", "value": HOSTNAME}}),
    )
    site.wait_served_by(CANARY)
    expect(site.get("/hostName"), str(site)).served_only_by([MAIN])

    route(gateway, site, rule(MAIN, {"path": {"type": "PathPrefix", "value": PATH}}))
    site.wait_unrouted()
    for path in (PATH, f"{PATH}/", f"{PATH}/a"):
        expect(site.get(path), str(site), path).to_be(200)
    site.require_unrouted(f"{PATH}x")


@check(
    "gateway.header",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="another value and no header at all are the main backend's",
    mutants=NO_MUTANTS,
)
def test_a_header_chooses_the_backend(gateway, site):
    """A rule that matches a header by its value takes exactly the requests that have it."""
    chosen = {"headers": [{"name": HEADER, "value": "always"}]}
    route(gateway, site, rule(CANARY, chosen), rule(MAIN))
    site.wait_served_by(CANARY, headers={HEADER: "always"})
    expect(site.get(headers={HEADER: "always"}, times=TIMES), str(site)).served_only_by([CANARY])
    for headers in ({HEADER: "never"}, {}):
        expect(site.get(headers=headers, times=TIMES), str(site), str(headers)).served_only_by([MAIN])


@check(
    "gateway.weight",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="the same replies are not believable as a share of 60; a backend of weight 0 gets nothing",
    mutants=NO_MUTANTS,
)
def test_backends_get_the_share_of_their_weight(gateway, site):
    """Two backends of weights 70 and 30 get such shares of the requests, but for a false alarm in ten millions."""
    route(gateway, site, rule(MAIN, weights={MAIN: 100, CANARY: 0}))
    site.wait_served_by(MAIN)
    expect(site.get(times=TIMES), str(site)).served_only_by([MAIN])

    route(gateway, site, rule(MAIN, weights={MAIN: 70, CANARY: 30}))
    eventually(
        lambda: expect(site.get(times=TIMES), str(site)).served_by([MAIN, CANARY]),
        within_seconds=site.workspace.timeouts.rules_programmed,
    )
    replies = site.get(times=SAMPLE)
    expect(replies, str(site)).served_only_by([MAIN, CANARY])
    hits = replies.served_by()[CANARY]
    share = judge_share(hits, SAMPLE, 0.3, FALSE_ALARM)
    require(share, "a share of 0.3", share, attempts=SAMPLE, objects=[str(site)])
    require(not judge_share(hits, SAMPLE, 0.6, FALSE_ALARM), "no share of 0.6", hits, objects=[str(site)])


@check(
    "gateway.rewrite",
    subject=OWN,
    level=EXTENDED,
    features=["gateway-api"],
    control="without the filter the server is asked for the path as it is",
    mutants=NO_MUTANTS,
)
def test_a_prefix_is_replaced(gateway, site):
    """With a URLRewrite that replaces the prefix of a path by / the server is asked for what follows it."""
    match = {"path": {"type": "PathPrefix", "value": PATH}}
    route(gateway, site, rule(MAIN, match))
    site.wait_status(200, PATH)
    require(not site.get(f"{PATH}{HOSTNAME}").served_by()[MAIN], "the path as it is", "a rewrite", objects=[str(site)])

    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    route(gateway, site, rule(MAIN, match) | {"filters": [rewrite]})
    site.wait_served_by(MAIN, f"{PATH}{HOSTNAME}")


@check(
    "gateway.change",
    subject=OWN,
    level=EXTENDED,
    needs=["gateway.header"],
    features=["gateway-api"],
    control="the header chooses nothing before the change and after it",
    mutants=NO_MUTANTS,
)
def test_a_route_changes_under_load(gateway, site):
    """While a rule for the canary comes and goes, requests without its header are lost in no moment."""
    chosen = {"headers": [{"name": HEADER, "value": "always"}]}
    route(gateway, site, rule(MAIN))
    site.wait_served_by(MAIN, headers={HEADER: "always"})
    with site.load() as load:
        route(gateway, site, rule(CANARY, chosen), rule(MAIN))
        site.wait_served_by(CANARY, headers={HEADER: "always"})
        route(gateway, site, rule(MAIN))
        site.wait_served_by(MAIN, headers={HEADER: "always"})
    expect(load.replies, str(site)).to_lose_nothing().served_only_by([MAIN])


def rule(server, *matches, weights=None):
    """A rule of a route: its matches, all paths by default, and its backends by their servers, one by default."""
    return {"backendRefs": weights or {server: 1}} | ({"matches": list(matches)} if matches else {})


def route(gateway, site, *rules):
    """Apply the HTTPRoute of a site, or change it."""
    made = [one | {"backendRefs": list(backends(site, one["backendRefs"]))} for one in rules]
    spec = {"parentRefs": [{"name": gateway.name}], "hostnames": [site.host], "rules": made}
    site.apply({"apiVersion": API, "kind": "HTTPRoute", "metadata": {"name": site.name}, "spec": spec})


def backends(site, weights):
    """The backends of a rule."""
    for server, weight in weights.items():
        yield {"name": site.service_of(server), "port": 80, "weight": weight}


def require_condition(obj, kind, status):
    """A condition of an object has this status."""
    found = condition(obj, kind)
    name = f"{obj['kind']} {obj['metadata']['name']}"
    require(found.get("status") == status, f"the condition {kind} {status}", found or "none", objects=[name])


def wait_for_route(site, **conditions):
    """Return once the route of a site has these conditions at its Gateway, for what it says now."""

    def has_them():
        found = site.api.get("HTTPRoute", site.name, site.workspace.namespace, api_version=API)
        seen = {
            one["type"]: one["status"]
            for parent in found.get("status", {}).get("parents", [])
            for one in parent["conditions"]
            if one.get("observedGeneration") == found["metadata"]["generation"]
        }
        met = conditions.items() <= seen.items()
        require(met, f"the conditions {conditions}", seen, objects=[f"HTTPRoute {site.name}"])

    eventually(has_them, within_seconds=site.workspace.timeouts.rules_programmed)
