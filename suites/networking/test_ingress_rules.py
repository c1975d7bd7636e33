"""Rules of Ingresses, with objects of netproof's own: hosts, paths, classes, rewrites.

What the API demands every controller must do. What ingress-nginx adds by annotations is a feature of the controller
(docs/ingress.md has the table). A request that must not be routed is sent once one that must be was.
"""

from __future__ import annotations

from netproof.check import EXTENDED, OWN, check, none_because
from netproof.fixtures.site import CANARY, HOSTNAME, MAIN
from netproof.ingress.canary import PREFIX
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect

NO_MUTANTS = none_because("nothing of a submission is looked at; the control is the same probe where it must fail")

REWRITE = f"{PREFIX}rewrite-target"
USE_REGEX = f"{PREFIX}use-regex"
PATH = "/somewhere"
"""Nothing that a submission would have for every host, as /web."""


@check(
    "ingress.host",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-host"],
    control="the host of the rule is answered",
    mutants=NO_MUTANTS,
)
def test_a_rule_is_for_its_host_alone(site):
    """A rule with a host routes requests for that host and for no other, not even for one below it."""
    site.route(MAIN)
    site.wait_served_by(MAIN)
    for other in (f"www.{site.host}", "netproof.test"):
        site.require_unrouted(host=other)


@check(
    "ingress.class",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-class"],
    control="a later Ingress of the same host and of the class that is served is taken",
    mutants=NO_MUTANTS,
)
def test_an_ingress_of_another_class_is_left_alone(site):
    """An Ingress of a class that nobody serves routes nothing, and hinders no other."""
    site.route("nobodys", to=CANARY, path=PATH, ingress_class="netproof-nobodys")
    site.route(MAIN, path=HOSTNAME)
    site.wait_served_by(MAIN)
    site.require_unrouted(PATH)


@check(
    "ingress.without-class",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-without-class"],
    control="before there is the Ingress the host is not answered",
    mutants=NO_MUTANTS,
)
def test_an_ingress_without_a_class_is_taken(site):
    """An Ingress that names no class is taken by the controller that watches those too, as most submissions need."""
    site.require_unrouted()
    site.route(MAIN, ingress_class=None)
    site.wait_served_by(MAIN)


@check(
    "ingress.exact-path",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-exact-path"],
    control="the path itself is answered",
    mutants=NO_MUTANTS,
)
def test_an_exact_path_is_matched_alone(site):
    """A path of type Exact is matched by itself: not with a slash after it, nor by what begins with it."""
    site.route(MAIN, path=HOSTNAME, path_type="Exact")
    site.wait_served_by(MAIN)
    for path in (f"{HOSTNAME}/", f"{HOSTNAME}/a", f"{HOSTNAME}x"):
        site.require_unrouted(path)


@check(
    "ingress.prefix-boundary",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-prefix-boundary"],
    control="the path itself, with a slash, and with more elements is answered",
    mutants=NO_MUTANTS,
)
def test_a_prefix_is_matched_by_elements(site):
    """A path of type Prefix is matched by whole elements: /web by /web, /web/ and /web/a, but not by /webx."""
    site.route(MAIN, path=PATH)
    for path in (PATH, f"{PATH}/", f"{PATH}/a"):
        site.wait_status(200, path)
    for path in (f"{PATH}x", "/some", "/"):
        site.require_unrouted(path)


@check(
    "ingress.longest-path",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-longest-path"],
    control="what only the shorter path matches goes to its backend",
    mutants=NO_MUTANTS,
)
def test_the_longest_path_wins(site):
    """Of two paths that match a request the longer one has it, whichever Ingress is the older."""
    site.route("long", to=CANARY, path=HOSTNAME)
    site.route("short", to=MAIN, path="/")
    site.wait_served_by(MAIN, "/hostName")
    site.wait_served_by(CANARY, HOSTNAME)


@check(
    "ingress.unknown-annotation",
    subject=OWN,
    level=EXTENDED,
    features=["ingress-unknown-annotation"],
    control="before there is the Ingress the host is not answered",
    mutants=NO_MUTANTS,
)
def test_an_unknown_annotation_hinders_nothing(site):
    """An Ingress with annotations that nobody knows routes as it does without them."""
    site.require_unrouted()
    site.route(MAIN, annotations={f"{PREFIX}no-such-thing": "true", "example.com/neither": "on"})
    site.wait_served_by(MAIN)


@check(
    "ingress.rewrite",
    subject=OWN,
    level=EXTENDED,
    features=["rewrite-target"],
    control="a path of the same host without a rewrite reaches the server as it is",
    mutants=NO_MUTANTS,
)
def test_a_rewrite_takes_what_the_groups_caught(site):
    """With rewrite-target /$2 the path /api(/|$)(.*) reaches the server without its first element."""
    annotations = {USE_REGEX: "true", REWRITE: "/$2"}
    site.route(MAIN, path="/api(/|$)(.*)", path_type="ImplementationSpecific", annotations=annotations)
    site.route("as-it-is", to=CANARY, path=HOSTNAME)
    site.wait_served_by(MAIN, f"/api{HOSTNAME}")
    site.wait_served_by(CANARY, HOSTNAME)


@check(
    "ingress.rewrite-boundary",
    subject=OWN,
    level=EXTENDED,
    features=["rewrite-as-regex"],
    control="a path that does not begin so is not answered",
    mutants=NO_MUTANTS,
)
def test_a_path_with_a_rewrite_is_a_regular_expression(site):
    """A path with a rewrite is the beginning of a regular expression: /web routes /webx too, unlike a plain Prefix."""
    site.route(MAIN, path=PATH, annotations={REWRITE: HOSTNAME})
    site.wait_served_by(MAIN, PATH)
    expect(site.get(f"{PATH}x"), str(site)).to_be(200)
    site.require_unrouted("/some")


@check(
    "ingress.rewrite-whole-uri",
    subject=OWN,
    level=EXTENDED,
    features=["rewrite-whole-uri"],
    control="a path that does not begin so is not answered",
    mutants=NO_MUTANTS,
)
def test_a_rewrite_replaces_the_whole_uri(site):
    """A rewrite on the plain path /web makes its target of /web, /web/ and /web/a alike."""
    site.route(MAIN, path=PATH, annotations={REWRITE: HOSTNAME})
    for path in (PATH, f"{PATH}/", f"{PATH}/a/b"):
        site.wait_served_by(MAIN, path)
    site.require_unrouted("/some")


@check(
    "ingress.backend-by-target-port",
    subject=OWN,
    level=EXTENDED,
    features=["backend-by-target-port"],
    control="a port that is neither the Service's nor its pods' leads nowhere",
    mutants=NO_MUTANTS,
)
def test_a_backend_is_found_by_its_target_port(site):
    """A backend that names the targetPort of its Service, as most submissions do, is found."""
    site.route(MAIN, path=HOSTNAME, port=8080)
    site.wait_served_by(MAIN)
    site.route("nowhere", to=MAIN, path=PATH, port=8081)
    eventually(
        lambda: expect(site.get(PATH), str(site)).to_be(503),
        within_seconds=site.workspace.timeouts.rules_programmed,
        in_a_row=3,
    )
