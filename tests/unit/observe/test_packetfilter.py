"""iptables-save is read into typed rules, and a Service is found in them as kube-proxy lays it out."""

from pathlib import Path

import pytest

from netproof.errors import NetproofError
from netproof.observe.kubeproxy_iptables import ServiceChains, ServiceNotProgrammedError, rejected
from netproof.observe.packetfilter import Counters, Operand, Ruleset

SAVED = Path(__file__).with_name("iptables-save.txt").read_text(encoding="utf-8")


@pytest.fixture
def ruleset():
    return Ruleset.parse(SAVED)


def test_chains_have_policies_and_counters(ruleset):
    chain = ruleset.table("filter").chains["INPUT"]

    assert (chain.policy, chain.counters) == ("ACCEPT", Counters(7, 420))
    assert ruleset.table("nat").chains["KUBE-SERVICES"].policy == ""


def test_a_rule_knows_its_arguments(ruleset):
    rule = ruleset.table("nat").chains["KUBE-SVC-WEBWEB"].rules[0]

    assert rule.counters == Counters(1, 60)
    assert rule.source == Operand("10.244.0.0/16", negated=True)
    assert rule.destination == Operand("10.96.7.7/32")
    assert (rule.protocol, rule.destination_port, rule.target) == ("tcp", 80, "KUBE-MARK-MASQ")
    assert rule.matches == ("comment", "tcp")


def test_quotes_in_a_comment_are_not_arguments(ruleset):
    rule = ruleset.table("filter").chains["INPUT"].rules[0]

    assert rule.comment == 'a "quoted" -j word'
    assert rule.target == "KUBE-SERVICES"
    assert rule.connection_states == {"INVALID", "NEW"}


def test_unknown_arguments_are_kept(ruleset):
    rule = ruleset.table("nat").chains["KUBE-SERVICES"].rules[-1]

    assert rule.other == ("--dst-type LOCAL",)
    assert rule.target == "KUBE-NODEPORTS"


def test_marks_and_references(ruleset):
    nat = ruleset.table("nat")

    assert nat.chains["KUBE-MARK-MASQ"].rules[0].set_mark == "0x4000/0x4000"
    assert nat.references("KUBE-SEP-AAAA") == 1
    assert nat.references("KUBE-MARK-MASQ") == 4
    assert ruleset.table("raw").chains == {}


def test_an_address_is_not_found_in_a_longer_one(ruleset):
    assert {rule.chain for rule in ruleset.mentioning("10.96.7.7")} == {"KUBE-SERVICES", "KUBE-SVC-WEBWEB"}
    assert ruleset.mentioning("10.96.7") == ()
    assert ruleset.mentioning("0.244.0.5") == ()


def test_text_without_counters_is_read_too():
    ruleset = Ruleset.parse("*nat\n:A - [0:0]\n-A A -j RETURN\nCOMMIT\n")

    assert ruleset.table("nat").chains["A"].rules[0].counters == Counters(0, 0)


@pytest.mark.parametrize("text", ["nonsense", "*nat\n-A NOWHERE -j RETURN", '*nat\n:A - [0:0]\n-A A --comment "open'])
def test_other_text_is_refused_with_its_line(text):
    with pytest.raises(NetproofError, match=rf"line {len(text.splitlines())} of iptables-save"):
        Ruleset.parse(text)


def test_a_service_is_found_as_kube_proxy_wrote_it(ruleset):
    web = ServiceChains.of(ruleset, "10.96.7.7", 80)

    assert web.service_rule.counters.packets == 30
    assert web.service_chain.name == "KUBE-SVC-WEBWEB"
    assert [one.target for one in web.endpoints] == ["10.244.0.5:8000", "10.244.0.6:8000", "10.244.1.7:8000"]
    assert [one.probability for one in web.endpoints] == [0.33333333349, 0.5, None]
    assert all(one.hairpin_marked for one in web.endpoints)
    assert web.masquerade_condition == Operand("10.244.0.0/16", negated=True)
    assert web.balanced
    assert web.shares == pytest.approx(dict.fromkeys(web.targets, 1 / 3))
    assert not web.has_affinity


def test_wrong_probabilities_are_not_balanced():
    web = ServiceChains.of(Ruleset.parse(SAVED.replace("0.33333333349", "0.5")), "10.96.7.7", 80)

    assert not web.balanced
    assert web.shares["10.244.0.5:8000"] == 0.5


def test_affinity_rules_are_no_endpoints_of_their_own():
    recent = (
        "[0:0] -A KUBE-SVC-WEBWEB -m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-AAAA "
        "--mask 255.255.255.255 --rsource -j KUBE-SEP-AAAA\n"
    )
    web = ServiceChains.of(
        Ruleset.parse(SAVED.replace("[10:600] -A KUBE-SVC", recent + "[10:600] -A KUBE-SVC", 1)), "10.96.7.7", 80
    )

    assert web.has_affinity
    assert len(web.endpoints) == 3
    assert web.balanced


@pytest.mark.parametrize(
    ("address", "port", "protocol", "message"),
    [
        ("10.96.7.9", 80, "tcp", "no rule of KUBE-SERVICES matches 10.96.7.9:80/tcp$"),
        ("10.96.7.7", 81, "tcp", "no rule"),
        ("10.96.7.7", 80, "udp", "no rule"),
        ("10.96.7.8", 80, "tcp", "want of endpoints"),
    ],
)
def test_a_service_that_is_not_there(ruleset, address, port, protocol, message):
    with pytest.raises(ServiceNotProgrammedError, match=message):
        ServiceChains.of(ruleset, address, port, protocol)


def test_a_service_without_endpoints_is_rejected(ruleset):
    assert rejected(ruleset, "10.96.7.8", 80)
    assert not rejected(ruleset, "10.96.7.7", 80)


def test_a_flushed_table_has_no_service():
    with pytest.raises(ServiceNotProgrammedError, match="no chain KUBE-SERVICES"):
        ServiceChains.of(Ruleset.parse(""), "10.96.7.7", 80)
