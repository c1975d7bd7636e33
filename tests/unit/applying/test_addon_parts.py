"""What of a copy of an add-on's own manifest stays out of the cluster."""

import pytest

from netproof.applying.addon_parts import addon_with_part
from netproof.applying.steps import apply_plan
from netproof.submission import bundled_manifests, load, plan

COPIES = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: speaker, namespace: metallb-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ingress-nginx-controller, namespace: ingress-nginx}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ipaddresspools.metallb.io}
spec: {group: metallb.io}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: ingress-nginx-admission}
webhooks:
  - name: validate.nginx.ingress.kubernetes.io
    clientConfig: {service: {name: ingress-nginx-controller-admission, namespace: ingress-nginx}}
"""
OWN = """
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: first, namespace: metallb-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec: {group: example.org}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: of-a-url}
webhooks:
  - name: things.example.org
    clientConfig: {url: "https://example.org"}
"""


class Api:
    def __init__(self):
        self.applied = []

    def apply(self, obj, _namespace=None):
        self.applied.append(obj["metadata"]["name"])


@pytest.fixture
def steps(tmp_path):
    def of(text):
        (tmp_path / "kubernetes-networks").mkdir()
        (tmp_path / "kubernetes-networks" / "others.yaml").write_text(text)
        return list(plan(load(tmp_path)))

    return of


def test_workloads_definitions_and_webhooks_of_an_add_on_are_its_parts(steps):
    found = {step.object.name: addon_with_part(step) for step in steps(COPIES)}

    assert found == {
        "speaker": "MetalLB",
        "ingress-nginx-controller": "an ingress controller",
        "ipaddresspools.metallb.io": "MetalLB",
        "ingress-nginx-admission": "an ingress controller",
    }


def test_what_is_the_submissions_own_is_no_part_of_an_add_on(steps):
    assert {addon_with_part(step) for step in steps(OWN)} == {""}


def test_parts_of_add_ons_are_withheld_and_the_rest_is_applied(steps):
    api = Api()

    outcomes = apply_plan(api, steps(COPIES + "---" + OWN), timeout_seconds=1).outcomes

    assert sorted(api.applied) == ["of-a-url", "things.example.org", "web"]
    assert sum(bool(one.withheld) for one in outcomes) == 4
    assert [one.name for one in outcomes if one.waits_for] == ["first"]


def test_nothing_of_the_reference_is_part_of_an_add_on():
    assert not [step for step in plan(load(bundled_manifests("reference"))) if addon_with_part(step)]
