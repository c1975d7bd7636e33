"""Real submissions: what a reader has noted of them is found, and what works is not called wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netproof.hygiene import examine
from netproof.submission import load

CORPUS = Path(os.environ.get("NETPROOF_CORPUS", Path(__file__).parents[3].parent / "shared" / "corpus"))
REPOSITORIES = {path.name.partition("__")[2].removesuffix("_platform"): path for path in CORPUS.glob("*_platform")}
pytestmark = pytest.mark.skipif(not REPOSITORIES, reason=f"no real submissions at {CORPUS}; set NETPROOF_CORPUS")

EXPECTED = {
    "GrayMonk90": set(),
    "MikeQ123": {("wiring.sharing-keys", "coredns/coredns-svc-udp.yaml")},
    "PLeS207": {("wiring.backends", "dashboard/dashboard-ingress.yaml")},
    "darkzorro79": {("wiring.canary", "canary/canary-ingress.yaml")},
    "flashick": {("wiring.backends", "dashboard/dashboard-ingress.yml")},
    "gidmaster": {("wiring.backends", "dashboard/dashboard-ingress.yaml")},
    "isaidashev": {("wiring.canary", "canary/web-ingress.yaml")},
    "itokareva": {("wiring.canary", "canary/last_ingress.yaml")},
    "kochego": {("wiring.advertisement", "metallb-config.yaml"), ("wiring.paths", "canary/prod-ingress.yaml")},
    "nkravtsova": {
        ("apply.unknown-field", "web-ingress.yml"),
        ("apply.valid", "web-ingress.yml"),
        ("wiring.volumes", "web-deploy.yml"),
        ("wiring.volumes", "web-pod.yml"),
    },
    "pathfinder177": {
        ("wiring.backends", "canary/canary-ingress.yaml"),
        ("wiring.canary", "canary/canary-ingress.yaml"),
        ("wiring.canary", "web-ingress.yaml"),
    },
    "sergetol": {("security.cluster-admin", "dashboard/dashboard-admin.yaml")},
    "soapjam": {
        ("wiring.backends", "dashboard/dashboard-ingress.yaml"),
        ("wiring.ports", "dashboard/dashboard-service.yaml"),
    },
    "vindsvalr": {
        ("apply.redefined", "dashboard-ingress.yaml"),
        ("security.host-namespaces", "metallb.yaml"),
        ("security.shadowing-crds", "metallb.yaml"),
        ("security.webhooks", "metallb.yaml"),
        ("wiring.canary", "canary/canary-ingress.yaml"),
        ("wiring.ingress-class", "dashboard/dashboard-ingress.yaml"),
        ("wiring.ingress-class", "web-ingress.yaml"),
        ("wiring.ports", "web-svc-cip.yaml"),
        ("wiring.ports", "web-svc-lb.yaml"),
        ("wiring.selectors", "coredns/coredns-svc-lb.yaml"),
    },
    "xyrma81": {
        ("apply.unknown-field", "coredns/coredns-tcp.yaml"),
        ("apply.unknown-field", "coredns/coredns-udp.yaml"),
        ("wiring.backends", "canary/ingress-canary.yaml"),
        ("wiring.canary", "canary/ingress-canary.yaml"),
    },
}
"""Rule and file of what is to be mended; APIs that are gone are left out, being of their time."""


@pytest.mark.parametrize("author", EXPECTED)
def test_what_is_to_be_mended_is_what_a_reader_has_noted(author):
    if author not in REPOSITORIES:
        pytest.skip(f"{CORPUS} has no such repository")

    found = examine(load(REPOSITORIES[author]), (1, 37)).to_be_mended

    places = {(one.rule, one.position.file.removeprefix("kubernetes-networks/")) for one in found}
    assert {place for place in places if place[0] != "apply.removed-api"} == EXPECTED[author]
