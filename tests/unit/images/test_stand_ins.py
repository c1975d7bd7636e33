from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from netproof.errors import NetproofError
from netproof.images.access_log import read_accesses
from netproof.images.plan import PlannedStandIn, read_plan, write_plan
from netproof.images.reference import ImageReference


def test_a_planned_image_is_a_web_server_on_the_planned_ports(start, tiny):
    registry = start()
    write_plan(registry.plan, {"darkzorro/otusdz1:v3": PlannedStandIn("web", (80, 8080))})

    manifest = registry.manifest("darkzorro/otusdz1", "v3")
    config = registry.config_of(manifest)["config"]

    assert manifest.json()["layers"] == [layer.as_json() for layer in tiny.web.layers]
    assert "NETPROOF_PORTS=80 8080" in config["Env"]
    assert "NETPROOF_PORTS=8000" not in config["Env"]
    assert set(config["ExposedPorts"]) == {"80/tcp", "8080/tcp"}
    assert config["Entrypoint"] == ["/bin/web"]


def test_a_stand_in_says_what_it_stands_in_for(start):
    registry = start()

    config = registry.config_of(registry.manifest("library/busybox", "1.31.1"))["config"]

    assert config["Labels"]["io.netproof.stands-in-for"] == "docker.io/library/busybox:1.31.1"
    assert "NETPROOF_STANDS_IN_FOR=docker.io/library/busybox:1.31.1" in config["Env"]


def test_labels_and_variables_of_the_image_itself_stay(start):
    registry = start()

    config = registry.config_of(registry.manifest("some/site", "v1"))["config"]

    assert config["Labels"]["kept"] == "yes"
    assert "PATH=/bin" in config["Env"]


@pytest.mark.parametrize(
    ("repository", "kind"),
    [
        ("library/busybox", "busybox"),
        ("library/alpine", "busybox"),
        ("library/nginx", "web"),
        ("nobody/planned-this", "web"),
    ],
)
def test_an_image_that_no_plan_names_has_a_stand_in_too(start, tiny, repository, kind):
    manifest = start().manifest(repository, "latest")

    base = {"web": tiny.web, "busybox": tiny.busybox}[kind]
    assert manifest.json()["layers"] == [layer.as_json() for layer in base.layers]


def test_the_same_tag_is_the_same_manifest_and_another_tag_another(start):
    registry, other_server = start(), start()

    first, again, elsewhere = (one.manifest("a/b", "v1").content for one in (registry, registry, other_server))
    another = registry.manifest("a/b", "v2").content

    assert first == again == elsewhere
    assert first != another


def test_an_own_image_is_itself_whatever_the_plan_says(start, tiny):
    registry = start()
    write_plan(registry.plan, {"registry.k8s.io/pause:3.10": PlannedStandIn("web", (80,))})

    assert registry.manifest("pause", "3.10", "registry.k8s.io").content == tiny.pause.content


def test_a_changed_plan_holds_from_the_next_request_on(start, tiny):
    registry = start()
    write_plan(registry.plan, {"a/b:v1": PlannedStandIn("web", (80,))})
    before = registry.manifest("a/b", "v1")
    write_plan(registry.plan, {"a/b:v1": PlannedStandIn("busybox")})

    after = registry.manifest("a/b", "v1")
    resolved_before = registry.manifest("a/b", before.headers["Docker-Content-Digest"])

    assert before.json()["layers"] == [layer.as_json() for layer in tiny.web.layers]
    assert after.json()["layers"] == [layer.as_json() for layer in tiny.busybox.layers]
    assert resolved_before.content == before.content


def test_a_broken_plan_leaves_the_last_good_one_in_force(start, capfd):
    registry = start()
    write_plan(registry.plan, {"a/b:v1": PlannedStandIn("web", (1234,))})
    before = registry.manifest("a/b", "v1").content
    registry.plan.write_text('{"images": {"a/b:v1"')

    assert registry.manifest("a/b", "v1").content == before
    assert "the former plan stays in force" in capfd.readouterr().err


def test_an_image_pinned_by_digest_has_no_stand_in(start):
    registry = start()
    digest = "sha256:" + "d" * 64

    answer = registry.manifest("library/busybox", digest, method="HEAD")

    assert answer.status_code == 404
    (access,) = read_accesses(registry.access_log)
    assert (access.image, access.status) == (f"docker.io/library/busybox@{digest}", 404)


def test_with_pull_only_own_images_are_known(start, tiny):
    registry = start(policy="pull", stand_ins={})
    write_plan(registry.plan, {"busybox:1.31.1": PlannedStandIn("busybox")})

    assert registry.manifest("library/busybox", "1.31.1").status_code == 404
    assert registry.manifest("pause", "3.10", "registry.k8s.io").content == tiny.pause.content
    assert not any(access.stand_in for access in read_accesses(registry.access_log))


def test_the_log_says_which_images_were_replaced_and_by_what(start):
    registry = start()
    write_plan(registry.plan, {"darkzorro/otusdz1:v3": PlannedStandIn("web", (8000, 8080))})
    for method in ("HEAD", "GET"):
        web = registry.manifest("darkzorro/otusdz1", "v3", method=method)
    registry.manifest("darkzorro/otusdz1", web.headers["Docker-Content-Digest"])
    registry.manifest("library/busybox", "1.31.1")
    registry.manifest("pause", "3.10", "registry.k8s.io")

    by_digest = f"docker.io/darkzorro/otusdz1@{web.headers['Docker-Content-Digest']}"
    accesses = list(read_accesses(registry.access_log))
    assert [(one.method, one.image, one.stand_in, one.ports) for one in accesses] == [
        ("HEAD", "docker.io/darkzorro/otusdz1:v3", "web", (8000, 8080)),
        ("GET", "docker.io/darkzorro/otusdz1:v3", "web", (8000, 8080)),
        ("GET", by_digest, "web", (8000, 8080)),
        ("GET", "docker.io/library/busybox:1.31.1", "busybox", ()),
        ("GET", "registry.k8s.io/pause:3.10", "", ()),
    ]
    assert {one.digest for one in accesses[:3]} == {web.headers["Docker-Content-Digest"]}


def test_every_request_is_a_line_of_the_log(start, tiny):
    registry = start()
    layer = tiny.pause.layers[0]
    registry.ask(f"/v2/pause/blobs/{layer.digest}")
    registry.ask("/nothing")

    first, second = read_accesses(registry.access_log)

    assert (first.service, first.client, first.method, first.status) == ("registry", "127.0.0.1", "GET", 200)
    assert (first.digest, first.bytes_sent) == (layer.digest, layer.size)
    assert (second.target, second.status) == ("/nothing", 404)


def test_there_is_nothing_to_read_where_no_log_is(tmp_path):
    assert list(read_accesses(tmp_path / "none.jsonl")) == []


def test_a_plan_is_kept_by_canonical_name(tmp_path):
    plan = tmp_path / "plan.json"

    write_plan(plan, {"busybox": SimpleNamespace(kind="busybox", ports=()), "NOT an image": PlannedStandIn("web")})

    assert read_plan(plan) == {ImageReference.parse("docker.io/library/busybox:latest"): PlannedStandIn("busybox")}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"images": []}',
        '{"images": {"a": {}}}',
        '{"images": {"a": {"kind": "cake"}}}',
        '{"images": {"a": {"kind": "web", "ports": [0]}}}',
    ],
)
def test_a_plan_that_is_none_is_an_error(tmp_path, content):
    plan = tmp_path / "plan.json"
    plan.write_text(content)

    with pytest.raises(NetproofError):
        read_plan(plan)


def test_a_log_line_cut_short_is_left_out(start):
    registry = start()
    registry.manifest("a/b", "v1")
    with registry.access_log.open("a") as log:
        log.write(json.dumps({"time": "now"})[:5])

    assert len(list(read_accesses(registry.access_log))) == 1
