"""The rules that make up for a newer Kubernetes: what they change, and what they must leave alone."""

from __future__ import annotations

import pytest

from netproof.submission.adaptations import Target
from netproof.submission.adaptations.deployment_v1 import DEPLOYMENT_V1
from netproof.submission.adaptations.ingress_class import INGRESS_CLASS
from netproof.submission.adaptations.ingress_v1 import INGRESS_V1
from netproof.submission.adaptations.metallb_pools import METALLB_POOLS

INGRESS = """
    apiVersion: networking.k8s.io/v1beta1
    kind: Ingress
    metadata: {name: web}
    spec:
      backend: {serviceName: other, servicePort: http}
      rules:
        - http:
            paths:
              - path: /web
                backend: {serviceName: web-svc, servicePort: 8000}
              - path: /exact
                pathType: Exact
                backend: {serviceName: web-svc, servicePort: http}
"""
DEPLOYMENT = """
    apiVersion: extensions/v1beta1
    kind: Deployment
    metadata: {name: echo}
    spec:
      template:
        metadata: {labels: {app: echo}}
        spec: {containers: [{name: echo, image: echo}]}
"""
CONFIG = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: config, namespace: metallb-system}
    data:
      config: |
        address-pools:
          - name: Default_pool
            protocol: layer2
            auto-assign: false
            addresses:
              - "172.17.255.1-172.17.255.255"
"""


@pytest.mark.parametrize("group", ["networking.k8s.io", "extensions"])
def test_an_old_ingress_is_one_of_v1(by_rule, find, group):
    adapted = by_rule(INGRESS_V1, INGRESS.replace("networking.k8s.io", group))

    manifest = find(adapted, "Ingress", "web")
    assert manifest["apiVersion"] == "networking.k8s.io/v1"
    assert manifest["spec"] == {
        "defaultBackend": {"service": {"name": "other", "port": {"name": "http"}}},
        "rules": [
            {
                "http": {
                    "paths": [
                        {
                            "path": "/web",
                            "backend": {"service": {"name": "web-svc", "port": {"number": 8000}}},
                            "pathType": "ImplementationSpecific",
                        },
                        {
                            "path": "/exact",
                            "pathType": "Exact",
                            "backend": {"service": {"name": "web-svc", "port": {"name": "http"}}},
                        },
                    ]
                }
            }
        ],
    }
    assert str(adapted.changes[0]).startswith("Ingress/web (kubernetes-networks/all.yaml:2): ")


def test_an_ingress_keeps_its_api_where_the_cluster_still_serves_it(by_rule):
    assert by_rule(INGRESS_V1, INGRESS, Target((1, 21))).changes == ()


@pytest.mark.parametrize(
    ("of", "mistake"),
    [
        ("networking.k8s.io/v1beta1", "networking.k8s.io/v1"),
        ("backend: {serviceName: web-svc, servicePort: 8000}", "backend: {service: {name: web-svc}}"),
        ("backend: {serviceName: web-svc, servicePort: 8000}", "backend: {servicePort: 8000}"),
        ("backend: {serviceName: other, servicePort: http}", "defaultBackend: {service: {name: other}}"),
    ],
    ids=["v1 with the fields of v1beta1", "v1beta1 with those of v1", "no Service", "defaultBackend before its time"],
)
def test_an_ingress_that_its_own_time_refused_is_not_mended(by_rule, of, mistake):
    assert by_rule(INGRESS_V1, INGRESS.replace(of, mistake)).changes == ()


def test_an_unknown_field_stays_for_the_api_to_refuse(by_rule, find):
    adapted = by_rule(INGRESS_V1, INGRESS.replace("path: /web", "path: /web\n                pathtype: Prefix"))

    assert find(adapted, "Ingress", "web")["spec"]["rules"][0]["http"]["paths"][0]["pathtype"] == "Prefix"


CLASSED = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
      annotations: {kubernetes.io/ingress.class: nginx, kept: "yes"}
    spec: {rules: []}
"""


def test_the_annotation_of_the_class_is_the_field(by_rule, find):
    adapted = by_rule(INGRESS_CLASS, CLASSED)

    manifest = find(adapted, "Ingress", "web")
    assert manifest["spec"]["ingressClassName"] == "nginx"
    assert manifest["metadata"]["annotations"] == {"kept": "yes"}


def test_a_wrong_class_stays_wrong(by_rule, find):
    adapted = by_rule(INGRESS_CLASS, CLASSED.replace("class: nginx", "class: ingress-nginx"))

    assert find(adapted, "Ingress", "web")["spec"]["ingressClassName"] == "ingress-nginx"


@pytest.mark.parametrize(
    "text",
    [
        CLASSED.replace("spec: {", "spec: {ingressClassName: nginx, "),
        CLASSED.replace("kubernetes.io/ingress.class", "c"),
    ],
    ids=["both, which the API refuses", "no class, which the controller takes"],
)
def test_other_ingresses_keep_what_they_say_of_their_class(by_rule, text):
    assert by_rule(INGRESS_CLASS, text).changes == ()


def test_an_old_deployment_is_one_of_apps_v1_with_the_defaults_of_its_time(by_rule, find):
    adapted = by_rule(DEPLOYMENT_V1, DEPLOYMENT)

    manifest = find(adapted, "Deployment", "echo")
    assert manifest["apiVersion"] == "apps/v1"
    assert manifest["spec"]["selector"] == {"matchLabels": {"app": "echo"}}
    assert manifest["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1},
    }


def test_what_an_old_deployment_says_itself_is_kept(by_rule, find):
    text = DEPLOYMENT.replace(
        "spec:\n      template",
        "spec:\n      selector: {matchLabels: {app: other}}\n      strategy: {type: Recreate}\n      template",
    )

    manifest = find(by_rule(DEPLOYMENT_V1, text), "Deployment", "echo")

    assert manifest["spec"]["selector"] == {"matchLabels": {"app": "other"}}
    assert manifest["spec"]["strategy"] == {"type": "Recreate"}


def test_a_deployment_of_apps_v1_without_a_selector_is_not_mended(by_rule):
    assert by_rule(DEPLOYMENT_V1, DEPLOYMENT.replace("extensions/v1beta1", "apps/v1")).changes == ()


def test_a_selector_that_apps_v1beta2_already_wanted_is_not_made_up(by_rule, find):
    adapted = by_rule(DEPLOYMENT_V1, DEPLOYMENT.replace("extensions/v1beta1", "apps/v1beta2"))

    assert "selector" not in find(adapted, "Deployment", "echo")["spec"]


def test_the_pools_of_the_config_map_are_announced_objects(by_rule, find):
    adapted = by_rule(METALLB_POOLS, CONFIG)

    assert [(one.kind, one.name, one.namespace) for one in adapted.submission.objects] == [
        ("IPAddressPool", "default-pool", "metallb-system"),
        ("L2Advertisement", "default-pool", "metallb-system"),
    ]
    assert find(adapted, "IPAddressPool", "default-pool")["spec"] == {
        "addresses": ["172.17.255.1-172.17.255.255"],
        "autoAssign": False,
    }
    assert find(adapted, "L2Advertisement", "default-pool")["spec"] == {"ipAddressPools": ["default-pool"]}


POOL = """
    ---
    apiVersion: metallb.io/v1beta1
    kind: IPAddressPool
    metadata: {name: pool, namespace: metallb-system}
    spec: {addresses: [172.17.255.1-172.17.255.255]}
"""


@pytest.mark.parametrize(
    "text",
    [
        CONFIG.replace("namespace: metallb-system", "namespace: default"),
        CONFIG.replace("name: config", "name: metallb"),
        CONFIG.replace("protocol: layer2", "protocol: layer-2"),
        CONFIG.replace("            addresses:", "            adresses:"),
        CONFIG.replace("address-pools:", "address-pools: ["),
        CONFIG.replace("      config: |", "      configuration: |"),
        CONFIG + POOL,
    ],
    ids=[
        "another namespace",
        "another name",
        "unknown protocol",
        "typo in a field",
        "broken YAML",
        "another key",
        "a pool of today beside it",
    ],
)
def test_what_metallb_did_not_read_or_take_is_not_mended(by_rule, text):
    assert by_rule(METALLB_POOLS, text).changes == ()


def test_a_pool_without_an_advertisement_gets_none(by_rule):
    assert by_rule(METALLB_POOLS, POOL).changes == ()
