"""Manifests with anything anywhere: whatever an author wrote is looked over, and adapted, without a crash."""

from __future__ import annotations

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netproof.hygiene import examine
from netproof.submission import bundled_manifests, load
from netproof.submission.adaptations import Target, adapt
from netproof.submission.documents import read_text

VERSION = (1, 37)
JUNK = st.sampled_from([None, "", "x", 0, -1, 1.5, True, [], {}, [[]], [None], [{}], {"name": []}, {"x": {"y": [1]}}])


def steps_of(tree, before=()):
    """The place of everything below the top of a manifest."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in entries:
        yield (*before, step)
        yield from steps_of(value, (*before, step))


OLD = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: old, namespace: old, annotations: {kubernetes.io/ingress.class: nginx}}
spec:
  backend: {serviceName: web-svc, servicePort: 8000}
  rules: [{host: old, http: {paths: [{path: /old, backend: {serviceName: web-svc, servicePort: 8000}}]}}]
---
apiVersion: extensions/v1beta1
kind: Deployment
metadata: {name: old, namespace: old}
spec: {template: {metadata: {labels: {app: old}}, spec: {containers: [{name: old, image: old}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: metallb-system}
data: {config: "address-pools: [{name: old, protocol: layer2, addresses: [172.17.255.0/24]}]"}
"""
_REFERENCE = load(bundled_manifests("reference"))
REFERENCE = _REFERENCE.with_objects(
    tuple(one for one in _REFERENCE.objects if one.group != "metallb.io")
    + read_text("kubernetes-networks/old/old.yaml", OLD).objects
)
PLACES = [
    (index, steps)
    for index, found in enumerate(REFERENCE.objects)
    for steps in steps_of(found.manifest)
    if steps not in {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
]  # the loader refuses junk there


def with_junk(changes):
    """The reference with junk in some places."""
    objects = list(REFERENCE.objects)
    for (index, steps), junk in changes:
        manifest = copy.deepcopy(objects[index].manifest)
        parent = manifest
        for step in steps[:-1]:
            if isinstance(parent, list) and isinstance(step, int) and step >= len(parent):
                break
            parent = parent.get(step) if isinstance(parent, dict) else parent[step] if isinstance(step, int) else None
            if not isinstance(parent, dict | list):
                break
        if isinstance(parent, dict):
            parent[steps[-1]] = copy.deepcopy(junk)
        objects[index] = objects[index].with_manifest(manifest)
    return REFERENCE.with_objects(tuple(objects))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=3))
def test_anything_anywhere_is_looked_over_and_adapted(changes):
    submission = with_junk(changes)

    examine(submission, VERSION)
    adapted = adapt(submission, Target(VERSION))

    assert adapt(adapted.submission, Target(VERSION)).changes == ()


@pytest.mark.parametrize("kind", sorted({found.kind for found in REFERENCE.objects}))
def test_an_object_without_a_spec_is_looked_over_and_adapted(kind):
    bare = [
        found.with_manifest({key: value for key, value in found.manifest.items() if key != "spec"})
        if found.kind == kind
        else found
        for found in REFERENCE.objects
    ]
    submission = REFERENCE.with_objects(tuple(bare))

    examine(submission, VERSION)
    adapt(submission, Target(VERSION))
