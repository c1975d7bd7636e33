"""What a proxy mode has left on a node is told from what the mode of now makes, and from what the kubelet makes."""

from netproof.observe.mode_traces import IPTABLES, IPVS, NFTABLES, ipv6_sets, leftovers, made_by, traces_of_rules
from netproof.observe.nftables import Ruleset as Nftables
from netproof.observe.packetfilter import Ruleset

KUBELET = "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n"
AFTER_IPTABLES_AND_IPVS = f"""{KUBELET}*nat
:POSTROUTING ACCEPT [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-TCOU7JCQXEZGVUNU - [0:0]
-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-SERVICES - [0:0]
COMMIT
"""
NO_TABLES = Nftables()


def nftables(*tables):
    return Nftables(dict.fromkeys(tables))


def test_a_chain_that_only_another_mode_makes_is_left_over():
    found = traces_of_rules(Ruleset.parse(AFTER_IPTABLES_AND_IPVS), NO_TABLES)

    assert leftovers(found, IPVS) == ["filter KUBE-SERVICES", "nat KUBE-SVC-TCOU7JCQXEZGVUNU"]
    assert leftovers(found, IPTABLES) == ["filter KUBE-IPVS-FILTER", "nat KUBE-LOAD-BALANCER"]


def test_what_both_modes_of_iptables_make_is_left_over_for_nftables_alone():
    found = traces_of_rules(Ruleset.parse(AFTER_IPTABLES_AND_IPVS), NO_TABLES)

    assert {"nat KUBE-MARK-MASQ", "nat KUBE-SERVICES"} <= set(leftovers(found, NFTABLES))
    assert made_by(found, NFTABLES) == []


def test_the_kubelets_chains_are_nobodys_leftover():
    found = traces_of_rules(Ruleset.parse(KUBELET), nftables(("ip", "netproof")))

    assert found == {}


def test_the_table_of_nftables_is_left_over_for_the_others():
    found = traces_of_rules(Ruleset.parse(KUBELET), nftables(("ip", "kube-proxy"), ("ip", "netproof")))

    assert leftovers(found, IPTABLES) == ["nftables table ip kube-proxy"]
    assert leftovers(found, NFTABLES) == []


def test_the_ip_sets_of_ipv6_are_told_from_all_else():
    found = ["IP set KUBE-CLUSTER-IP", "IP set KUBE-6-CLUSTER-IP", "nat KUBE-6-SVC"]

    assert ipv6_sets(found) == ["IP set KUBE-6-CLUSTER-IP"]
