"""A check asks what is true of kube-proxy's mode and version: exactly one answer, with its source."""

import itertools

import pytest

from netproof.observe.kubeproxy_facts import About, all_facts, fact, names_of_chains
from netproof.verdict import UnsupportedError

MODES = ("iptables", "nftables", "ipvs")
OFFERED = ("1.34.4", "1.35.4", "1.36.3", "1.37.2")


@pytest.mark.parametrize("version", OFFERED)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("about", [about for about in About if about is not About.FORMER_RULES])
def test_every_question_has_exactly_one_answer_in_each_version_on_offer(about, mode, version):
    found = [one for one in all_facts() if one.about is about and one.holds(mode, version)]

    assert len(found) == 1
    assert found[0].source


@pytest.mark.parametrize("version", OFFERED)
@pytest.mark.parametrize(
    ("former", "mode", "answer"),
    [
        ("iptables", "nftables", "removed"),
        ("ipvs", "nftables", "removed"),
        ("iptables and ipvs", "nftables", "at-second-start"),
        ("nftables", "iptables", "removed"),
        ("nftables", "ipvs", "removed"),
        ("iptables", "ipvs", "kept"),
        ("ipvs", "iptables", "kept"),
    ],
)
def test_what_becomes_of_former_rules_is_known_for_every_switch(former, mode, answer, version):
    assert fact(About.FORMER_RULES, mode, version, former).answer == answer


@pytest.mark.parametrize(
    ("version", "answer"), [("1.25.16", "reply"), ("1.26.0", "rejection"), ("v1.36.3", "rejection")]
)
def test_the_answer_changes_with_the_version_that_changed_it(version, answer):
    assert fact(About.PING, "ipvs", version).answer == answer


def test_no_two_facts_contradict_each_other():
    versions = [f"1.{minor}.0" for minor in range(10, 50)]
    for one, other in itertools.combinations(all_facts(), 2):
        if one.about is not other.about or one.former != other.former:
            continue
        both = [
            (mode, version)
            for mode in MODES
            for version in versions
            if one.holds(mode, version, one.former) and other.holds(mode, version, one.former)
        ]
        assert not both


@pytest.mark.parametrize("version", OFFERED)
@pytest.mark.parametrize("mode", MODES)
def test_the_chains_of_a_mode_are_none_of_those_it_has_not(mode, version):
    own, others = names_of_chains(mode, version)

    assert own
    assert others
    assert not own & others


def test_a_chain_that_a_later_version_gave_up_is_none_of_its_own():
    assert "mark-for-masquerade" in names_of_chains("nftables", "1.35.4")[0]
    assert "mark-for-masquerade" in names_of_chains("nftables", "1.36.3")[1]


def test_what_is_not_known_cannot_be_judged_and_is_said_with_where_to_write_it():
    with pytest.raises(UnsupportedError, match=r"kubeproxy_facts\.toml"):
        fact(About.UDP_OF_DELETED, "iptables", "1.20.0")
