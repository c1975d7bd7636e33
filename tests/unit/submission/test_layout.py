import os
from pathlib import Path

import pytest

from netproof.submission import Found, Part, load, plan, stand_ins
from netproof.submission.documents import read_text
from netproof.submission.layout import locate

CORPUS = Path(os.environ.get("NETPROOF_CORPUS", Path(__file__).parents[3].parent / "shared" / "corpus"))
MAIN_FILES = (
    Part.WEB_DEPLOY,
    Part.WEB_SVC_CIP,
    Part.WEB_SVC_LB,
    Part.WEB_SVC_HEADLESS,
    Part.METALLB_CONFIG,
    Part.NGINX_LB,
    Part.WEB_INGRESS,
)
# What differs from the homework's layout, by the name of the repository; all else is as expected.
DEVIATIONS = {
    "pathfinder177": {Part.COREDNS: Found.ELSEWHERE, Part.DASHBOARD: Found.MISSING},
    "gidmaster": {Part.CANARY: Found.MISSING},
    "nkravtsova": {
        **dict.fromkeys((Part.WEB_POD, *MAIN_FILES), Found.ELSEWHERE),
        **dict.fromkeys((Part.COREDNS, Part.DASHBOARD, Part.CANARY), Found.MISSING),
    },
}
REPOSITORIES = sorted(path for path in CORPUS.glob("*_platform") if path.is_dir()) if CORPUS.is_dir() else []
real = pytest.mark.skipif(not REPOSITORIES, reason=f"no real submissions at {CORPUS}; set NETPROOF_CORPUS")


def author(path):
    return path.name.partition("__")[2].removesuffix("_platform")


def repository(name):
    return load(next(path for path in REPOSITORIES if author(path) == name))


@real
@pytest.mark.parametrize("path", REPOSITORIES, ids=author)
def test_every_real_submission_loads_and_its_parts_are_found(path):
    submission = load(path)

    found = {located.part: located.found for located in submission.layout}

    deviations = DEVIATIONS.get(author(path), {})
    assert found == {part: deviations.get(part, Found.AS_EXPECTED) for part in Part}
    assert not [problem for problem in submission.problems if problem.loses]


@real
@pytest.mark.parametrize("path", REPOSITORIES, ids=author)
def test_every_real_submission_has_a_plan_and_stand_ins(path):
    submission = load(path)

    steps = plan(submission)

    assert len(steps) + len(steps.left_out) == len(submission.objects)
    assert all(step.object.kind != "Pod" for step in steps)
    for part in MAIN_FILES:
        assert len(steps.of(part)) >= 1
    web = submission.deployment()
    assert stand_ins(submission)[web.pod_spec["containers"][0]["image"]].ports == (8000,)


@real
def test_the_web_deployment_is_found_under_another_name():
    assert repository("GrayMonk90").deployment("web").name == "webservice"
    assert repository("GrayMonk90").deployment("canary").name == "echo-deploy-02"


@real
def test_utf_16_is_read_and_a_key_written_twice_in_it_is_found():
    submission = repository("nkravtsova")

    (problem,) = submission.problems
    assert (problem.position.file, problem.position.line) == ("kubernetes-intro/frontend-pod-healthy.yaml", 56)
    assert submission.find("Pod", "frontend").source.path == problem.position.file


@real
def test_services_without_a_namespace_go_where_the_homework_puts_them():
    placed = {step.object.name: step.namespace for step in plan(repository("darkzorro79")).of(Part.COREDNS)}
    dashboard = plan(repository("xyrma81")).of(Part.DASHBOARD)
    declared = {step.object.name: step.namespace for step in plan(repository("vindsvalr")).of(Part.COREDNS)}

    assert placed == {"coredns-svc-lb-tcp": "kube-system", "coredns-svc-lb-udp": "kube-system"}
    assert [step.namespace for step in dashboard] == ["kubernetes-dashboard"]
    assert set(declared.values()) == {"default"}


@real
def test_contradicting_definitions_are_reported_with_both_places():
    (redefinition,) = plan(repository("vindsvalr")).redefinitions

    assert redefinition.applied.source.path == "kubernetes-networks/dashboard/dashboard-ingress.yaml"
    assert "kubernetes-networks/dashboard-ingress.yaml:1" in str(redefinition)


def objects(**files):
    return [found for path, text in files.items() for found in read_text(path, text).objects]


INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def test_files_of_other_names_are_found_by_what_their_objects_do():
    path = "kubernetes-networks/everything.yaml"
    text = "---\n".join(
        [
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: site}\n",
            SERVICE.format(name="a", spec="{selector: {app: site}}"),
            SERVICE.format(name="b", spec="{type: LoadBalancer}"),
            SERVICE.format(name="c", spec="{clusterIP: None}"),
            SERVICE.format(name="d", spec="{type: LoadBalancer, selector: {k8s-app: kube-dns}}"),
            SERVICE.format(name="e", spec="{type: LoadBalancer, selector: {app.kubernetes.io/name: ingress-nginx}}"),
            "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: f}\n",
            INGRESS + "metadata: {name: g}\n",
            INGRESS + "metadata: {name: h}\nspec: {defaultBackend: {service: {name: kubernetes-dashboard}}}\n",
            INGRESS + "metadata: {name: i, annotations: {nginx.ingress.kubernetes.io/canary: 'true'}}\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: j}\n",
        ]
    )

    layout = locate(objects(**{path: text}))

    assert {located.part: located.main.name for located in layout if located.main} == {
        Part.WEB_DEPLOY: "site",
        Part.WEB_SVC_CIP: "a",
        Part.WEB_SVC_LB: "b",
        Part.WEB_SVC_HEADLESS: "c",
        Part.COREDNS: "d",
        Part.NGINX_LB: "e",
        Part.METALLB_CONFIG: "f",
        Part.WEB_INGRESS: "g",
        Part.DASHBOARD: "h",
        Part.CANARY: "i",
    }
    assert [found.name for found in layout.others] == ["j"]
    assert str(layout[Part.WEB_DEPLOY]) == f"kubernetes-networks/web-deploy.yaml: found at {path} instead"
    assert str(layout[Part.WEB_POD]) == "kubernetes-intro/web-pod.yaml: missing"


def test_the_expected_file_decides_over_the_role():
    broken_headless = SERVICE.format(name="web-svc", spec="{selector: {app: web}}")

    layout = locate(objects(**{"kubernetes-networks/web-svc-headless.yaml": broken_headless}))

    assert layout[Part.WEB_SVC_HEADLESS].found is Found.AS_EXPECTED
    assert layout[Part.WEB_SVC_CIP].found is Found.MISSING
