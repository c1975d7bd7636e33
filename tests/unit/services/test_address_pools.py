"""MetalLB's pools: what is in them, and which ranges are free."""

from ipaddress import ip_address
from itertools import islice

import pytest

from netproof.services.address_pools import AddressPool, AddressRange, free_ranges, pool_manifest

LAN = "172.17.0.0/16"


def pool(*addresses, **spec):
    return AddressPool.of({"metadata": {"name": "default"}, "spec": {"addresses": list(addresses)} | spec})


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("172.17.255.1-172.17.255.255", "172.17.255.1", "172.17.255.255"),
        ("172.17.255.0/24", "172.17.255.0", "172.17.255.255"),
        ("172.17.255.7/32", "172.17.255.7", "172.17.255.7"),
        (" 172.17.255.1 - 172.17.255.9 ", "172.17.255.1", "172.17.255.9"),
        ("fd00::1-fd00::f", "fd00::1", "fd00::f"),
    ],
)
def test_a_range_is_a_network_or_two_addresses(text, first, last):
    assert AddressRange.parse(text) == AddressRange(ip_address(first), ip_address(last))


def test_what_is_neither_is_no_range():
    with pytest.raises(ValueError, match="banana"):
        AddressRange.parse("banana")


def test_a_pool_has_the_addresses_of_its_ranges():
    found = pool("172.17.255.1-172.17.255.9", "172.17.254.0/30")

    assert ip_address("172.17.255.9") in found
    assert ip_address("172.17.254.0") in found
    assert ip_address("172.17.255.10") not in found
    assert ip_address("fd00::1") not in found


def test_the_first_address_is_that_of_the_first_range_unless_firmware_would_stumble_over_it():
    assert str(pool("172.17.255.0/24").first) == "172.17.255.0"
    assert str(pool("172.17.255.0/24", avoidBuggyIPs=True).first) == "172.17.255.1"
    assert str(pool("172.17.255.255-172.17.255.255", "172.17.254.9/32", avoidBuggyIPs=True).first) == "172.17.254.9"
    assert pool().first is None


def test_free_ranges_are_apart_from_what_is_taken_and_from_one_another():
    taken = [AddressRange.parse("172.17.254.0/24"), AddressRange.parse("172.17.255.1-172.17.255.255")]

    found = list(islice(free_ranges(LAN, 4, taken), 100))

    assert str(found[0]) == "172.17.253.251-172.17.253.254"
    assert not any(one.overlaps(other) for one in found for other in [*taken, *(set(found) - {one})])


def test_a_small_network_has_few_and_leaves_room_for_hosts():
    assert [str(one) for one in free_ranges("10.0.0.0/24", 50, [])] == [
        "10.0.0.205-10.0.0.254",
        "10.0.0.155-10.0.0.204",
    ]


def test_a_pool_of_ours_gives_nothing_to_who_does_not_ask_for_it():
    made, advertisement = pool_manifest("ours", "metallb-system", [AddressRange.parse("172.17.253.1/32")])

    assert not AddressPool.of(made).auto_assign
    assert made["spec"]["addresses"] == ["172.17.253.1-172.17.253.1"]
    assert advertisement["spec"]["ipAddressPools"] == ["ours"]
