import json

import pytest

from netproof.cluster import host
from netproof.cluster.preflight import Lack


@pytest.fixture
def kernel():
    return dict.fromkeys((*host.KERNEL_FEATURES, "kvm"), True)


@pytest.fixture
def programs():
    names = ("go", "docker", "kind", "pytest-kind", "kubectl", "qemu", "chromium", "playwright")
    return dict.fromkeys(names, "there")


def offers(embedded, kernel, programs):
    return {(offer.kind, offer.name): offer for offer in host._offers(embedded, kernel, programs)}


def test_where_nothing_is_missing_everything_is_on_offer(kernel, programs):
    assert not [offer for offer in offers((), kernel, programs).values() if offer.lacks]


def test_what_keeps_an_embedded_cluster_away_leaves_existing_ones(kernel, programs):
    lack = Lack("no root", "sudo -E")

    found = offers((lack,), kernel, programs)

    assert found["provider", "local"].lacks == (lack,)
    assert found["proxy mode", "nftables"].lacks == (lack,)
    assert not found["provider", "existing"].lacks


def test_a_kernel_without_ip_vs_has_no_ipvs_and_names_the_modules(kernel, programs):
    no_machines = Lack("no QEMU", "apt-get install -y qemu-system-x86")
    found = host._offers((), kernel | {"ip_vs": False, "ipset": False}, programs, (no_machines,))
    found = {(offer.kind, offer.name): offer for offer in found}

    lack, other_way = found["proxy mode", "ipvs"].lacks
    assert other_way == no_machines
    assert "ip_vs, ipset" in lack.what
    assert "modprobe --all ip_vs ip_set" in lack.remedy
    assert not found["proxy mode", "iptables"].lacks


def test_virtual_machines_bring_the_ipvs_that_a_kernel_lacks(kernel, programs):
    offer = offers((), kernel | {"ip_vs": False}, programs)["proxy mode", "ipvs"]

    assert not offer.lacks
    assert "virtual machines" in offer.note


def test_kind_wants_an_engine_that_answers(kernel, programs):
    found = offers((), kernel, programs | {"docker": ""})

    assert [lack.what for lack in found["provider", "kind"].lacks] == ["no Docker engine answers 'docker version'"]


def test_a_browser_wants_its_driver(kernel, programs):
    found = offers((), kernel, programs | {"playwright": ""})

    (lack,) = found["browser", "chromium"].lacks
    assert "playwright" in lack.what
    assert lack.remedy == "pip install 'netproof[browser]'"


def test_this_host_is_told_as_plain_json():
    told = json.loads(json.dumps(host.look().as_json()))

    assert set(told["kernel"]) == {*host.KERNEL_FEATURES, "kvm"}
    assert set(told["capabilities"]) == set(host.CAPABILITIES)
    assert all(offer["available"] == (not offer["lacks"]) for offer in told["offers"])
    assert told["resources"]["memory_available_mib"] > 0
