"""The rules that make up for another controller than ingress-nginx: what they change, and what they leave alone."""

from __future__ import annotations

import pytest

from netproof.submission.adaptations import RULES, Group, Target
from netproof.submission.adaptations.backend_port import BACKEND_PORT
from netproof.submission.adaptations.canary_namespace import CANARY_NAMESPACE
from netproof.submission.adaptations.canary_path import CANARY_PATH
from netproof.submission.adaptations.place_taken import PLACE_TAKEN, UNSERVED_CLASS
from netproof.submission.adaptations.plain_rewrite import PLAIN_REWRITE

SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: web-svc}
    spec:
      clusterIP: None
      ports: [{port: 80, targetPort: 8000}]
    ---
"""
MAIN = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
      annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
    spec:
      rules:
        - http:
            paths:
              - path: /web
                pathType: Prefix
                backend: {service: {name: web-svc, port: {number: 8000}}}
    ---
"""
CANARY = """
    apiVersion: v1
    kind: Service
    metadata: {name: web-svc, namespace: canary}
    spec:
      clusterIP: None
      ports: [{port: 80, targetPort: 8000}]
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
      namespace: canary
      annotations:
        nginx.ingress.kubernetes.io/canary: "true"
        nginx.ingress.kubernetes.io/canary-by-header: canary
    spec:
      ingressClassName: nginx
      rules:
        - http:
            paths:
              - path: /web
                pathType: Prefix
                backend: {service: {name: web-svc, port: {number: 8000}}}
"""


def paths(manifest):
    return [path for rule in manifest["spec"]["rules"] for path in rule["http"]["paths"]]


def port(manifest):
    return paths(manifest)[0]["backend"]["service"]["port"]


@pytest.mark.parametrize("reference", ["number: 8000", "name: web"])
def test_a_backend_that_names_the_target_port_names_the_services_port(by_rule, find, reference):
    text = SERVICE.replace("8000", "web" if "name" in reference else "8000") + MAIN.replace("number: 8000", reference)

    adapted = by_rule(BACKEND_PORT, text)

    assert port(find(adapted, "Ingress", "web")) == {"number": 80}
    assert "which is the targetPort, is web-svc:80 [backend-port]" in str(adapted.changes[0])


@pytest.mark.parametrize(
    ("of", "mistake"),
    [
        ("number: 8000", "number: 80"),
        ("number: 8000", "number: 8080"),
        ("number: 8000", "name: http"),
        ("name: web-svc, port: {number", "name: web-src, port: {number"),
        ("name: web-svc}\n    spec", "name: web-svc, namespace: other}\n    spec"),
        ("ports: [{port: 80, targetPort: 8000}]", "ports: [{port: 8000, targetPort: 8000}]"),
    ],
    ids=["right already", "wrong port", "no such name", "no such Service", "another namespace", "the same number"],
)
def test_any_other_backend_port_stays(by_rule, of, mistake):
    assert by_rule(BACKEND_PORT, (SERVICE + MAIN).replace(of, mistake)).changes == ()


def test_a_backend_in_the_form_of_v1beta1_is_not_mended(by_rule):
    old = "backend: {serviceName: web-svc, servicePort: 8000}"
    text = SERVICE + MAIN.replace("backend: {service: {name: web-svc, port: {number: 8000}}}", old)

    assert by_rule(BACKEND_PORT, text).changes == ()


def test_the_dashboards_own_service_is_known(by_rule, find):
    text = MAIN.replace("name: web\n", "name: web\n      namespace: kubernetes-dashboard\n")
    text = text.replace("web-svc, port: {number: 8000}", "kubernetes-dashboard, port: {number: 8443}")

    assert port(find(by_rule(BACKEND_PORT, text), "Ingress", "web")) == {"number": 443}


def test_a_canary_of_another_namespace_is_routed_from_that_of_its_main(by_rule, find):
    adapted = by_rule(CANARY_NAMESPACE, SERVICE + MAIN + CANARY)

    assert find(adapted, "Ingress", "web", "canary") is None
    moved = find(adapted, "Ingress", "web-in-canary", "default")
    assert moved["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-by-header"] == "canary"
    assert moved["spec"]["ingressClassName"] == "nginx"
    assert paths(moved) == [
        {
            "path": "/web",
            "pathType": "Prefix",
            "backend": {"service": {"name": "web-svc-in-canary", "port": {"number": 80}}},
        }
    ]
    assert find(adapted, "Service", "web-svc-in-canary", "default")["spec"] == {
        "type": "ExternalName",
        "externalName": "web-svc.canary.svc.cluster.local",
        "ports": [{"name": "http", "port": 80, "targetPort": 8000}],
    }


def test_the_name_of_a_service_with_an_address_leads_to_its_own_port(by_rule, find):
    with_address = CANARY.replace("      clusterIP: None\n", "")

    adapted = by_rule(CANARY_NAMESPACE, SERVICE + MAIN + with_address)

    (reached,) = find(adapted, "Service", "web-svc-in-canary")["spec"]["ports"]
    assert reached["targetPort"] == 80


def test_checks_find_the_canarys_own_service_behind_the_moved_ingress(by_rule, find):
    submission = by_rule(CANARY_NAMESPACE, SERVICE + MAIN + CANARY).submission
    ingress = submission.find("Ingress", "web-in-canary")

    assert [(one.name, one.namespace) for one in submission.services_behind(ingress)] == [("web-svc", "canary")]


@pytest.mark.parametrize(
    ("of", "by"),
    [
        (
            "        - http:\n            paths:\n              - path: /web",
            "        - host: app.local\n          http:\n            paths:\n              - path: /web",
        ),
        ("path: /web", "path: /wep"),
        ("pathType: Prefix", "pathType: Exact"),
        ("ingressClassName: nginx", "ingressClassName: ingress-nginx"),
        ("name: web-svc, port", "name: web-src, port"),
        ("number: 8000", "number: 9000"),
        ('canary: "true"', 'canary: "false"'),
        ("namespace: canary", "namespace: default"),
    ],
    ids=[
        "another host",
        "another path",
        "another path type",
        "a class that nobody serves",
        "no such Service",
        "no such port",
        "no canary",
        "the namespace of its main",
    ],
)
def test_what_ingress_nginx_would_not_pair_is_not_moved(by_rule, of, by):
    assert by_rule(CANARY_NAMESPACE, SERVICE + MAIN + CANARY.replace(of, by)).changes == ()


def test_a_canary_without_a_main_is_not_moved(by_rule):
    assert by_rule(CANARY_NAMESPACE, SERVICE + CANARY).changes == ()


def test_a_main_of_a_class_that_nobody_serves_has_no_canary(by_rule):
    unserved = MAIN.replace("    spec:\n", "    spec:\n      ingressClassName: ingress-nginx\n")

    assert by_rule(CANARY_NAMESPACE, SERVICE + unserved + CANARY).changes == ()


def test_a_main_that_carries_a_word_that_is_not_true_is_still_a_main(by_rule, find):
    never = MAIN.replace("{nginx", '{nginx.ingress.kubernetes.io/canary: "never", nginx')

    assert find(by_rule(CANARY_NAMESPACE, SERVICE + never + CANARY), "Ingress", "web-in-canary")


def test_routes_that_have_no_main_stay_where_they_are(by_rule, find):
    other = """
              - path: /other
                pathType: Prefix
                backend: {service: {name: web-svc, port: {number: 8000}}}
"""

    adapted = by_rule(CANARY_NAMESPACE, SERVICE + MAIN + CANARY + other.lstrip("\n"))

    assert [path["path"] for path in paths(find(adapted, "Ingress", "web", "canary"))] == ["/other"]
    assert [path["path"] for path in paths(find(adapted, "Ingress", "web-in-canary"))] == ["/web"]


BESIDE = (
    CANARY.replace("namespace: canary", "namespace: default")
    .replace("name: web-svc", "name: canary-svc")
    .replace("name: web\n", "name: canary\n")
)


def test_a_canary_has_its_path_written_as_its_main_has(by_rule, find):
    specific = BESIDE.replace("pathType: Prefix", "pathType: ImplementationSpecific")

    adapted = by_rule(CANARY_PATH, SERVICE + MAIN + specific)

    assert paths(find(adapted, "Ingress", "canary"))[0]["pathType"] == "Prefix"


@pytest.mark.parametrize(
    "canary",
    [BESIDE, BESIDE.replace("path: /web", "path: /wep"), BESIDE.replace("pathType: Prefix", "pathType: Exact")],
    ids=["the same already", "another path", "another type"],
)
def test_a_canary_that_is_not_its_mains_keeps_its_path(by_rule, canary):
    assert by_rule(CANARY_PATH, SERVICE + MAIN + canary).changes == ()


def test_a_plain_rewrite_replaces_the_whole_uri(by_rule, find):
    adapted = by_rule(PLAIN_REWRITE, MAIN)

    manifest = find(adapted, "Ingress", "web")
    assert manifest["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/rewrite-target": "/",
        "nginx.ingress.kubernetes.io/use-regex": "true",
    }
    (path,) = paths(manifest)
    assert (path["path"], path["pathType"]) == ("/web.*", "ImplementationSpecific")


def test_the_canary_follows_the_path_of_its_main(by_rule, find):
    adapted = by_rule(PLAIN_REWRITE, MAIN + BESIDE)

    assert paths(find(adapted, "Ingress", "canary"))[0]["path"] == "/web.*"


@pytest.mark.parametrize(
    ("of", "by"),
    [
        ("rewrite-target: /}", "rewrite-target: /$2}"),
        ("rewrite-target: /}", "rewrite-target: 'https://example.com'}"),
        ("rewrite-target: /}", "app-root: /}"),
        ("path: /web", "path: /web(/|$)(.*)"),
        ("pathType: Prefix", "pathType: Exact"),
        ("                pathType: Prefix\n", ""),
    ],
    ids=["a capture", "a redirect", "no rewrite", "a path that is a regex", "an exact path", "a path type is missing"],
)
def test_any_other_rewrite_stays(by_rule, of, by):
    assert by_rule(PLAIN_REWRITE, MAIN.replace(of, by)).changes == ()


def test_a_canary_without_a_main_keeps_its_path(by_rule):
    lone = BESIDE.replace("annotations:", "annotations:\n        nginx.ingress.kubernetes.io/rewrite-target: /")

    assert by_rule(PLAIN_REWRITE, lone).changes == ()


def test_for_ingress_nginx_itself_no_controller_rule_applies(by_all):
    adapted = by_all(SERVICE + MAIN + CANARY, Target((1, 37), "ingress-nginx"))

    assert adapted.changes == ()
    assert {rule.id for rule in RULES if rule.group is Group.CONTROLLER} == {
        "backend-port",
        "canary-namespace",
        "canary-path",
        "place-taken",
        "plain-rewrite",
    }


def second(*paths, host=""):
    """A younger Ingress."""
    backend = "backend: {service: {name: other, port: {number: 80}}}"
    entries = "".join(f"\n              - {{path: {path}, pathType: Prefix, {backend}}}" for path in paths)
    return f"""
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {{name: zweb}}
    spec:
      rules:
        - host: "{host}"
          http:
            paths:{entries}
    """


def test_the_younger_of_two_ingresses_for_one_place_routes_nothing(by_rule, find):
    adapted = by_rule(PLACE_TAKEN, MAIN + second("/web"))

    assert find(adapted, "Ingress", "zweb")["spec"]["ingressClassName"] == UNSERVED_CLASS
    assert "ingressClassName" not in find(adapted, "Ingress", "web")["spec"]
    assert "Ingress/web" in adapted.changes[0].what


def test_its_other_paths_stay(by_rule, find):
    adapted = by_rule(PLACE_TAKEN, MAIN + second("/api", "/web", "/more"))

    spec = find(adapted, "Ingress", "zweb")["spec"]
    assert [path["path"] for path in spec["rules"][0]["http"]["paths"]] == ["/api", "/more"]
    assert "ingressClassName" not in spec


def test_another_host_or_path_is_another_place(by_rule):
    assert not by_rule(PLACE_TAKEN, MAIN + second("/web", host="app.local")).changes
    assert not by_rule(PLACE_TAKEN, MAIN + second("/api")).changes


def test_a_canary_takes_no_place(by_rule):
    assert not by_rule(PLACE_TAKEN, MAIN + CANARY).changes
