from pathlib import Path

import pytest

from netproof.submission import NamespaceOrigin, Part, bundled_manifests, load, plan
from netproof.submission.documents import read_text
from netproof.submission.submission import Submission


@pytest.fixture(scope="module")
def reference():
    return load(bundled_manifests("reference"))


def submission(**files):
    objects = tuple(found for path, text in files.items() for found in read_text(path, text).objects)
    return Submission(Path(), (), objects, ())


def manifest(kind, name, api_version="v1", namespace=None, spec="{}"):
    at = f", namespace: {namespace}" if namespace else ""
    return f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: {name}{at}}}\nspec: {spec}\n"


def test_the_reference_has_every_part_as_expected_and_no_problem(reference):
    assert reference.problems == ()
    assert [str(located) for located in reference.layout if located.found != "as expected"] == []
    assert reference.layout.others == ()


def test_the_reference_is_applied_in_an_order_in_which_everything_finds_what_it_needs(reference):
    steps = [f"{step.object.kind}/{step.object.name} {step.namespace or ''}".strip() for step in plan(reference)]

    assert steps == [
        "Namespace/canary",
        "IPAddressPool/default metallb-system",
        "L2Advertisement/default metallb-system",
        "Service/web-svc-lb default",
        "Service/coredns-svc-lb-tcp kube-system",
        "Service/coredns-svc-lb-udp kube-system",
        "Service/ingress-nginx ingress-nginx",
        "Service/web-svc-cip default",
        "Service/web-svc default",
        "Service/web-svc canary",
        "Deployment/web default",
        "Deployment/web canary",
        "Ingress/web default",
        "Ingress/dashboard kubernetes-dashboard",
        "Ingress/web canary",
    ]


def test_the_plan_prints_each_step_with_its_place_and_what_was_decided(reference):
    printed = str(plan(reference))

    assert (
        "  4. Service/web-svc-lb in default from kubernetes-networks/web-svc-lb.yaml:1 [the manifest names none]"
        in printed
    )
    assert "not applied: Pod/web (kubernetes-intro/web-pod.yaml:1): the homework deletes this pod" in printed


def test_steps_can_be_chosen_by_part(reference):
    whole = plan(reference)

    assert [step.object.name for step in whole.of(Part.NGINX_LB)] == ["ingress-nginx"]
    assert len(whole.without(Part.CANARY)) + len(whole.of(Part.CANARY)) == len(whole)
    assert whole.namespaces[:2] == ("metallb-system", "default")


def test_an_object_goes_to_the_namespace_it_declares_or_the_homework_names():
    found = plan(
        submission(
            **{
                "kubernetes-networks/core-dns/dns.yaml": manifest("Service", "dns"),
                "kubernetes-networks/dashboard/ingress.yaml": manifest("Ingress", "d", "networking.k8s.io/v1"),
                "kubernetes-networks/coredns/wrong.yaml": manifest("Service", "wrong", namespace="default"),
                "kubernetes-networks/web-deploy.yaml": manifest("Deployment", "web", "apps/v1"),
                "kubernetes-networks/canary/ns.yaml": manifest("Namespace", "canary"),
            }
        )
    )

    assert {step.object.name: (step.namespace, step.origin) for step in found} == {
        "dns": ("kube-system", NamespaceOrigin.HOMEWORK),
        "d": ("kubernetes-dashboard", NamespaceOrigin.HOMEWORK),
        "wrong": ("default", NamespaceOrigin.DECLARED),
        "web": ("default", NamespaceOrigin.DEFAULT),
        "canary": (None, NamespaceOrigin.CLUSTER),
    }
    assert {step.object.name for step in found.placed} == {"dns", "d", "web"}


def test_a_kind_whose_definition_the_submission_brings_is_placed_by_its_scope():
    definition = manifest(
        "CustomResourceDefinition", "w.example.com", spec="{group: example.com, scope: Cluster, names: {kind: W}}"
    )

    found = plan(submission(**{"a.yaml": manifest("W", "w", "example.com/v1") + "---\n" + definition}))

    assert [(step.object.kind, step.namespace) for step in found] == [("CustomResourceDefinition", None), ("W", None)]


def test_a_fixed_address_is_asked_for_before_addresses_are_taken_as_they_come():
    take_any = manifest("Service", "a", spec="{type: LoadBalancer, selector: {k8s-app: kube-dns}}")
    fixed = manifest(
        "Service", "b", spec="{type: LoadBalancer, selector: {k8s-app: kube-dns}, loadBalancerIP: 172.17.255.2}"
    )

    found = plan(submission(**{"kubernetes-networks/coredns/dns.yaml": take_any + "---\n" + fixed}))

    assert [step.object.name for step in found] == ["b", "a"]


def test_of_several_definitions_the_main_file_counts_and_the_other_is_named():
    main = manifest("Ingress", "web", "networking.k8s.io/v1")
    other = manifest("Ingress", "web", "networking.k8s.io/v1", namespace="default", spec="{ingressClassName: nginx}")

    found = plan(
        submission(
            **{"kubernetes-networks/canary/web-ingress.yaml": other, "kubernetes-networks/web-ingress.yaml": main}
        )
    )

    assert [step.object.source.path for step in found] == ["kubernetes-networks/web-ingress.yaml"]
    assert str(found.redefinitions[0]) == (
        "Ingress/web is defined differently in kubernetes-networks/web-ingress.yaml:1 (applied)"
        " and in kubernetes-networks/canary/web-ingress.yaml:1"
    )


def test_the_intro_pod_is_left_out_wherever_it_lies_and_found_by_its_probes():
    probed = manifest("Pod", "web", spec="{containers: [{name: web, readinessProbe: {tcpSocket: {port: 1}}}]}")
    found = submission(
        **{"kubernetes-intro/web-pod.yaml": manifest("Pod", "web"), "kubernetes-networks/web-pod.yaml": probed}
    )

    assert len(plan(found)) == 0
    assert found.intro_pod.source.path == "kubernetes-networks/web-pod.yaml"


def test_lookups_that_find_nothing_say_none():
    empty = submission()

    assert (empty.deployment("web"), empty.deployment("canary"), empty.intro_pod) == (None, None, None)
    assert (empty.service(Part.WEB_SVC_CIP), empty.find("Service", "web-svc")) == (None, None)


def test_find_takes_the_definition_of_the_main_files_or_of_a_namespace(reference):
    assert reference.find("Deployment", "web").source.path == "kubernetes-networks/web-deploy.yaml"
    assert reference.find("Deployment", "web", "canary").namespace == "canary"
    assert [service.name for service in reference.services if service.namespace is None] == [
        "web-svc-cip",
        "web-svc",
        "web-svc-lb",
    ]
