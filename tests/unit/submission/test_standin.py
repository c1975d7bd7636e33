from pathlib import Path

import pytest

from netproof.submission import StandIn, stand_ins
from netproof.submission.documents import read_text
from netproof.submission.standin import repository_name
from netproof.submission.submission import Submission

READY_80, ALIVE_8000 = "readinessProbe: {httpGet: {port: 80}}", "livenessProbe: {tcpSocket: {port: 8000}}"
READY_8080, ALIVE_8080 = "readinessProbe: {httpGet: {port: 8080}}", "livenessProbe: {tcpSocket: {port: 8080}}"


def of(*pod_specs):
    texts = [f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n" for spec in pod_specs]
    return stand_ins(Submission(Path(), (), tuple(o for text in texts for o in read_text("a.yaml", text).objects), ()))


@pytest.mark.parametrize(
    ("container", "ports"),
    [
        ("ports: [{containerPort: 81}, {containerPort: 80}], " + READY_8080, (80, 81)),
        (f"{READY_8080}, {ALIVE_8080}", (8080,)),
        (f"{READY_80}, {ALIVE_8000}", (8000,)),
        (READY_80, (8000,)),
        ("tty: true", (8000,)),
        ("ports: [{containerPort: 53, protocol: UDP}]", (8000,)),
        ("ports: [{containerPort: 8081, name: http}], readinessProbe: {httpGet: {port: http}}", (8081,)),
    ],
    ids=["declared", "probes agree", "probes disagree", "one probe", "nothing", "UDP only", "named"],
)
def test_the_ports_of_a_web_stand_in(container, ports):
    assert of(f"{{containers: [{{image: 'web:1', {container}}}]}}") == {"web:1": StandIn("web", ports)}


def test_an_image_listens_where_any_of_its_containers_says():
    found = of(f"{{containers: [{{image: w, {READY_8080}, {ALIVE_8080}}}]}}", "{containers: [{image: w}]}")

    assert found == {"w": StandIn("web", (8080,))}


def test_the_port_of_a_service_is_not_served():
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, targetPort: 80}]}\n---\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: w}]}\n"

    assert stand_ins(Submission(Path(), (), read_text("a.yaml", service + pod).objects, ())) == {
        "w": StandIn("web", (8000,))
    }


@pytest.mark.parametrize(
    "image", ["busybox", "busybox:1.31.1", "quay.io:443/x/busybox@sha256:00", "curlimages/curl", "alpine:3"]
)
def test_tool_images_become_busybox(image):
    assert of(f"{{containers: [{{image: '{image}'}}]}}") == {image: StandIn("busybox")}


def test_an_image_of_init_containers_alone_becomes_busybox_a_sidecar_does_not():
    found = of(
        "{initContainers: [{image: me/init}, {image: me/side, restartPolicy: Always}], containers: [{image: me/web}]}"
    )

    assert {image: stand_in.kind for image, stand_in in found.items()} == {
        "me/web": "web",
        "me/init": "busybox",
        "me/side": "web",
    }


def test_the_name_of_a_repository():
    assert repository_name("host:5000/library/busybox:1.31.1@sha256:00") == "busybox"
    assert repository_name("me/my-busybox") == "my-busybox"


def test_pods_that_are_no_pods_are_no_trouble():
    assert of("{containers: 5}", "[]", "{containers: [1, {image: 7}, {}]}") == {}
