"""The dashboard under a path of the ingress address: an HTTPS backend, and a page whose files are relative to it.

The page names its files relative to its own address, so under ``/dashboard/`` a browser asks for
``/dashboard/main.js``, while the dashboard knows that file as ``/main.js``: the Ingress must cut the path off and keep
what follows it. A rewrite to a fixed ``/`` gives the page in the place of every file. The dashboard speaks only TLS, so
the controller must speak TLS to it, and take a certificate that nobody has signed.
"""

from __future__ import annotations

from urllib.parse import urljoin

from netproof.addons.dashboard import NAMESPACE, SERVICE
from netproof.check import SUBMISSION, check
from netproof.fixtures.addons import published_service
from netproof.observe.browser import API_KINDS, Visiting
from netproof.observe.eventually import eventually
from netproof.observe.expectations import expect, require
from netproof.observe.page import AssetKind, assets_of
from netproof.services.service import Service
from netproof.verdict import blocked

PATH = "/dashboard/"
"""Where the homework wants it."""

PLAIN_REQUEST_REFUSED = 400
"""The status with which Go's server answers a request without TLS on a port for TLS."""

FILE_KINDS = {"document", "stylesheet", "script", "image", "font"}
"""What a page is made of, in the browser's words; the answers of an API may well be refusals."""


@check(
    "dashboard.under-path",
    subject=SUBMISSION,
    needs=["ingress.https"],
    control="the dashboard refuses a request without TLS, and outside of the path the address has none of its files",
    mutants=["dashboard-plain-backend", "dashboard-plain-rewrite", "dashboard-rewrite-removed"],
)
def test_the_page_and_its_files_load_under_the_path(
    dashboard, dashboard_ingress_manifest, submission, lan, node, cluster
):
    """The dashboard's page, and every file that it names, load over HTTPS under /dashboard/ of the ingress address."""
    dashboard.require(dashboard_ingress_manifest)
    address, objects = address_of(submission, cluster), [str(dashboard_ingress_manifest)]
    eventually(lambda: require_whole(lan, address, objects), within_seconds=cluster.timeouts.rules_programmed)

    endpoints = Service(cluster.api, NAMESPACE, SERVICE).ready_endpoints()
    require(endpoints, "a ready endpoint of the dashboard", "none", objects=objects)
    for endpoint in endpoints:
        expect(node.get(f"http://{endpoint}/"), "a request without TLS").to_be(PLAIN_REQUEST_REFUSED)


@check(
    "dashboard.in-browser",
    subject=SUBMISSION,
    needs=["dashboard.under-path"],
    features=["browser"],
    control="with scripts switched off the same page asks no API, and says no more than the dashboard has sent",
    mutants=["dashboard-api-not-routed"],
)
def test_a_browser_shows_the_page_with_what_its_script_got_from_the_api(
    dashboard, dashboard_ingress_manifest, submission, browser, evidence, cluster
):
    """A browser on the LAN shows the dashboard as its script has made it from what the API under the path answered."""
    dashboard.require(dashboard_ingress_manifest)
    address, seconds = address_of(submission, cluster), cluster.timeouts.page_loaded
    seen, plain = browser.visit(
        Visiting(address, screenshot=True, timeout_seconds=seconds),
        Visiting(address, scripts=False, timeout_seconds=seconds),
    )
    evidence.keep("dashboard.png").write_bytes(seen.screenshot)
    objects = [str(dashboard_ingress_manifest), seen.browser]

    def demand(met, expected, observed):
        require(met, expected, "; ".join(map(str, observed)) or "nothing", objects=objects)

    demand(seen.fetched and not elsewhere(seen, address), f"requests under {address} alone", elsewhere(seen, address))
    broken = [one for one in seen.failed if one.kind in FILE_KINDS]
    demand(not broken, "every file of the page", broken)
    answers = seen.of_kind(*API_KINDS)
    told = [one for one in answers if one.ok and "json" in one.content_type]
    demand(told, "an answer of the API, as JSON", answers)
    demand(seen.written_by_scripts, "text on the page that its script has written", [*seen.errors, repr(seen.text)])
    uncaught = [error for error in seen.errors if error.startswith("uncaught")]
    demand(not uncaught, "a script without a mistake", uncaught)

    demand(not plain.of_kind(*API_KINDS), "no request for the API without scripts", plain.of_kind(*API_KINDS))
    demand(not plain.written_by_scripts, "nothing written without scripts", plain.written_by_scripts)


def address_of(submission, cluster):
    """Where the dashboard is to be, once the Service before the ingress controller has an address."""
    service = published_service(submission)
    if not service:
        blocked("the submission has no Service for the ingress controller (kubernetes-networks/nginx-lb.yaml)")
    seconds = cluster.timeouts.rules_programmed
    return f"https://{eventually(lambda: external_address(cluster.api, service), within_seconds=seconds)}{PATH}"


def external_address(api, service):
    """The external address of a Service, given as ``namespace/name``."""
    namespace, _, name = service.partition("/")
    found = api.get("Service", name, namespace)["status"]["loadBalancer"].get("ingress") or ()
    require(found, "an external address", "none", objects=[f"Service {service}"])
    return found[0]["ip"]


def require_whole(place, address, objects):
    """The page is served at an address, and what it names below it, each file as what it is."""
    page = get(place, address)
    content_type = page.headers.get("content-type", "")
    require(page.status == 200 and content_type.startswith("text/html"), "a page", as_seen(page), objects=objects)
    assets = assets_of(page.body, address)
    kinds = {asset.kind for asset in assets}
    expected = "a page with a style sheet and a script"
    require({AssetKind.STYLE, AssetKind.SCRIPT} <= kinds, expected, as_seen(page), objects=objects)
    for asset in assets:
        require(asset.url.startswith(address), f"files of the page under {address}", asset.url, objects=objects)
        reply = get(place, asset.url)
        found = reply.status == 200 and asset.is_of_its_kind(reply.headers.get("content-type", ""))
        observed = "the page itself" if reply.body == page.body else as_seen(reply)
        require(found, f"the {asset.kind} {asset.url}", observed, objects=objects)
        outside = get(place, urljoin(address, "/") + asset.url.removeprefix(address))
        require(outside.body != reply.body, f"nothing of the dashboard outside of {PATH}", outside.url, objects=objects)


def get(place, url):
    """The reply to one request, whatever the certificate: an ingress controller has one of its own making."""
    (reply,) = place.get(url, verify_tls=False)
    return reply


def as_seen(reply):
    """A reply in a line."""
    if reply.failure:
        return f"{reply.failure} ({reply.detail})"
    return f"{reply.status} {reply.headers.get('content-type', '')}: {' '.join(reply.body.split())[:120]}"


def elsewhere(visit, address):
    """What a visit asked for that is not under an address."""
    return [one for one in visit.fetched if not one.url.startswith((address, "data:", "blob:"))]
