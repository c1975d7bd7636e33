from pathlib import Path

import pytest

from netproof.applying.guest import apply_as_guest
from netproof.cluster.guest import RUN_LABEL, Guest
from netproof.submission import bundled_manifests, load, plan
from netproof.verdict import UnsupportedError

GUEST = Guest("20261124t1", "netproof-20261124t1")


class Api:
    """A cluster that has these namespaces; remembers what is applied."""

    def __init__(self, **labels_of_namespaces):
        self.namespaces = labels_of_namespaces
        self.applied = []

    def find(self, _kind, name):
        labels = self.namespaces.get(name)
        return None if labels is None else {"metadata": {"name": name, "labels": labels}}

    def apply(self, obj, namespace=None):
        self.applied.append((obj["kind"], obj["metadata"]["name"], namespace))
        if obj["kind"] == "Namespace":
            self.namespaces[obj["metadata"]["name"]] = obj["metadata"]["labels"]
        return obj


@pytest.fixture
def reference():
    return load(Path(bundled_manifests("reference")))


def cluster(**more):
    return Api(default={}, **{"kube-system": {}, GUEST.namespace: GUEST.labels}, **more)


def test_what_names_no_namespace_goes_to_the_runs_own(reference):
    api = cluster()

    applied = apply_as_guest(api, plan(reference), GUEST)

    assert ("Deployment", "web", GUEST.namespace) in api.applied
    assert {namespace for _, _, namespace in api.applied} == {None, GUEST.namespace, "canary"}
    assert applied.require(reference.deployment()).namespace == GUEST.namespace


def test_a_namespace_of_the_submission_is_labelled_and_then_worked_in(reference):
    api = cluster()

    apply_as_guest(api, plan(reference), GUEST)

    assert api.namespaces["canary"][RUN_LABEL] == GUEST.run


def test_a_namespace_that_was_there_is_left_alone(reference):
    api = cluster(canary={"team": "a"})

    applied = apply_as_guest(api, plan(reference), GUEST)

    assert not [one for one in api.applied if "canary" in one]
    assert any("the namespace canary was there before" in one.withheld for one in applied.outcomes)


def test_load_balancers_pools_and_the_namespaces_of_the_cluster_are_withheld(reference):
    api = cluster()

    applied = apply_as_guest(api, plan(reference), GUEST)

    withheld = {(one.kind, one.name) for one in applied.outcomes if one.withheld}
    assert ("Service", "web-svc-lb") in withheld
    assert ("Service", "coredns-svc-lb-udp") in withheld
    assert ("IPAddressPool", "default") in withheld
    assert not {(kind, name) for kind, name, _ in api.applied} & withheld


def test_a_check_of_what_was_withheld_is_unsupported(reference):
    applied = apply_as_guest(cluster(), plan(reference), GUEST)
    (balancer,) = [one.object for one in plan(reference) if one.object.name == "web-svc-lb"]

    with pytest.raises(UnsupportedError, match="LoadBalancer would take an address"):
        applied.require(balancer)
