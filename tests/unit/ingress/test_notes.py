"""What a controller will not make of a submission's Ingresses is said before the verdicts that it costs."""

import textwrap

import pytest

from netproof.ingress.behaviours import Controller
from netproof.ingress.notes import notes
from netproof.submission import load

INGRESS = """
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
      annotations:
        nginx.ingress.kubernetes.io/rewrite-target: /
        nginx.ingress.kubernetes.io/secure-backends: "true"
        example.com/anything: "true"
    spec:
      ingressClassName: ingress-nginx
      rules: []
"""
CLASS = """
    apiVersion: networking.k8s.io/v1
    kind: IngressClass
    metadata: {name: ingress-nginx}
    spec: {controller: k8s.io/ingress-nginx}
"""


@pytest.fixture
def submission(tmp_path):
    def write(**files):
        for name, text in files.items():
            path = tmp_path / "kubernetes-networks" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load(tmp_path)

    return write


def test_a_class_that_nobody_serves_and_an_unknown_annotation_are_said_with_their_place_and_cost(submission):
    found = list(notes(submission(**{"web-ingress": INGRESS}), Controller.TRAEFIK))

    costs = "; verdicts it may cost: ingress.path, ingress.address and all of canary"
    place = "Ingress/web (kubernetes-networks/web-ingress.yaml:"
    unknown = "nginx.ingress.kubernetes.io/secure-backends"
    assert found == [
        f"{place}11): nobody serves its class ingress-nginx, only nginx{costs}",
        f"{place}8): traefik does not know the annotation {unknown}{costs}",
    ]


def test_a_class_that_the_submission_brings_along_is_served(submission):
    found = list(notes(submission(**{"web-ingress": INGRESS, "class": CLASS}), Controller.INGRESS_NGINX))

    assert found == []
