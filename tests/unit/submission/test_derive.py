import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netproof.errors import NetproofError
from netproof.submission import bundled_manifests, derive, load
from netproof.submission.derive import (
    exec_probe,
    http_probe,
    image,
    liveness_probe,
    pod_labels,
    readiness_probe,
    recreate,
    replicas,
    short_periods,
    strategy,
    tcp_probe,
)
from netproof.submission.documents import read_text
from netproof.submission.patch import json_patch, merge_patch


@pytest.fixture(scope="module")
def web():
    return load(bundled_manifests("reference")).deployment("web")


def container(found):
    return found.pod_spec["containers"][0]


def test_a_derived_copy_is_elsewhere_and_leaves_the_original_as_it_was(web):
    before = copy.deepcopy(web.manifest)

    derived = derive(web, namespace="netproof-x", name="other", patch=[replicas(1), image("web:2"), short_periods()])

    assert (derived.namespace, derived.name) == ("netproof-x", "other")
    assert derived.manifest["metadata"] == {"name": "other", "namespace": "netproof-x"}
    assert web.manifest == before
    assert derived.position_of("spec.replicas") == web.position_of("spec.replicas")


def test_the_usual_changes(web):
    derived = derive(
        web,
        namespace="x",
        patch=[
            strategy(max_unavailable="100%", max_surge=0),
            readiness_probe(http_probe(80)),
            liveness_probe(exec_probe("true")),
            pod_labels({"release": "new"}),
            short_periods(grace_seconds=0),
        ],
    )

    assert derived.spec["strategy"]["rollingUpdate"] == {"maxUnavailable": "100%", "maxSurge": 0}
    assert container(derived)["readinessProbe"]["httpGet"] == {"path": "/index.html", "port": 80}
    assert container(derived)["readinessProbe"]["initialDelaySeconds"] == 0
    assert "tcpSocket" not in container(derived)["livenessProbe"]
    assert derived.pod_template["metadata"]["labels"] == {"app": "web", "release": "new"}
    assert derived.pod_spec["terminationGracePeriodSeconds"] == 0
    assert derive(web, namespace="x", patch=recreate()).spec["strategy"] == {"type": "Recreate"}
    assert "livenessProbe" not in container(derive(web, namespace="x", patch=liveness_probe(None)))
    assert tcp_probe(8000, period_seconds=2) == {"tcpSocket": {"port": 8000}, "periodSeconds": 2}


def test_a_merge_patch_and_a_function_can_be_mixed(web):
    derived = derive(
        web, namespace="x", patch=[{"spec": {"strategy": None}}, lambda m: m["metadata"].update(labels={"a": "b"})]
    )

    assert "strategy" not in derived.spec
    assert derived.labels == {"a": "b"}


def test_what_a_server_has_written_is_forgotten():
    text = """\
apiVersion: v1
kind: Service
metadata: {name: a, uid: u, resourceVersion: "1", creationTimestamp: null, annotations: {keep: me}}
spec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ports: [{port: 80, nodePort: 30000}]}
status: {}
"""
    derived = derive(read_text("a.yaml", text).objects[0], namespace="x")

    assert derived.manifest == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "x", "annotations": {"keep": "me"}},
        "spec": {"ports": [{"port": 80}]},
    }


def test_a_headless_service_stays_headless():
    headless = read_text(
        "a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: None}\n"
    ).objects[0]

    assert derive(headless, namespace="x").spec == {"clusterIP": "None"}


def test_changing_the_container_of_an_object_without_one_is_an_error():
    service = read_text("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n").objects[0]

    with pytest.raises(NetproofError, match="Service/a has no pod spec"):
        derive(service, namespace="x", patch=image("web:2"))


def test_json_patch_operations():
    target = {"a": [1, {"b/c": 2}], "d": 3}

    patched = json_patch(
        target,
        [
            {"op": "test", "path": "/d", "value": 3},
            {"op": "replace", "path": "/a/1/b~1c", "value": 4},
            {"op": "add", "path": "/a/-", "value": 5},
            {"op": "add", "path": "/a/0", "value": 0},
            {"op": "remove", "path": "/d"},
        ],
    )

    assert patched == {"a": [0, 1, {"b/c": 4}, 5]}
    assert target == {"a": [1, {"b/c": 2}], "d": 3}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/x"},
        {"op": "replace", "path": "/a/7", "value": 1},
        {"op": "add", "path": "/d/x", "value": 1},
        {"op": "move", "path": "/d"},
        {"op": "test", "path": "/d", "value": 4},
        {"op": "remove", "path": "d"},
    ],
)
def test_a_json_patch_that_does_not_fit_is_an_error(operation):
    with pytest.raises(NetproofError):
        json_patch({"a": [1], "d": 3}, [operation])


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda s: st.dictionaries(st.text(max_size=2), s, max_size=3)
)


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_changes_nothing_more(target, patch):
    once = merge_patch(target, patch)

    assert merge_patch(once, patch) == once
