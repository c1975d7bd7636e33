"""Which steps of a submission wait for which add-on, and which add-ons the selected tests ask for."""

from __future__ import annotations

import pytest

from netproof.addons.known import ADDONS
from netproof.applying.addon_parts import ADDON_OF_NAMESPACE
from netproof.applying.steps import ADDON_OF_LOAD_BALANCERS, addons_of
from netproof.fixtures.addons import published_service
from netproof.submission import bundled_manifests, load, plan


@pytest.fixture(scope="module")
def reference():
    return load(bundled_manifests("reference"))


@pytest.fixture(scope="module")
def waiting(reference):
    return {(step.object.kind, step.object.name): addons_of(step) for step in plan(reference)}


def test_a_pool_waits_for_metallb(waiting):
    assert waiting["IPAddressPool", "default"] == ("MetalLB",)


def test_a_load_balancer_waits_for_metallb_wherever_it_is(waiting):
    assert waiting["Service", "web-svc-lb"] == ("MetalLB",)
    assert waiting["Service", "ingress-nginx"] == ("an ingress controller", "MetalLB")


def test_what_a_bare_cluster_can_take_waits_for_nothing(waiting):
    assert waiting["Deployment", "web"] == ()
    assert waiting["Service", "web-svc-cip"] == ()


def test_every_installed_add_on_is_waited_for_by_its_name():
    assert {addon.namespace: addon.name for addon in ADDONS}.items() <= ADDON_OF_NAMESPACE.items()
    assert ADDON_OF_LOAD_BALANCERS in {addon.name for addon in ADDONS}


def test_the_published_service_is_the_load_balancer_in_the_controllers_namespace(reference):
    assert published_service(reference) == "ingress-nginx/ingress-nginx"


@pytest.mark.parametrize("addon", ADDONS, ids=lambda addon: addon.name)
def test_an_add_on_knows_its_own_objects_in_its_namespace(addon):
    own = {(kind, name) for kind, namespace, name in addon.object_names if namespace == addon.namespace}

    assert any(kind in {"Deployment", "DaemonSet"} for kind, _ in own)


def test_nothing_of_the_reference_bears_the_name_of_an_add_ons_object(reference):
    taken = {name for addon in ADDONS for name in addon.object_names}

    assert not [step for step in plan(reference) if (step.object.kind, step.namespace or "", step.object.name) in taken]
