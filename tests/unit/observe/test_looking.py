"""On a machine that is not netproof's own nothing is run that may change it."""

import pytest

from netproof.observe import rules_of_node
from netproof.observe.looking import require_looking
from netproof.verdict import UnsupportedError


@pytest.mark.parametrize(
    "argv",
    [
        rules_of_node.IPTABLES_SAVE,
        rules_of_node.NFT_LIST,
        rules_of_node.NFT_JSON,
        rules_of_node.IPVS_SAVE,
        rules_of_node.IPVS_LIST,
        rules_of_node.IPSET_SAVE,
    ],
    ids=" ".join,
)
def test_the_packet_filter_may_be_read(argv):
    require_looking(argv, "n1")


@pytest.mark.parametrize(
    "argv",
    [
        ("iptables", "-t", "nat", "-F"),
        ("iptables-restore", "--noflush"),
        ("nft", "flush", "ruleset"),
        ("ipvsadm", "--clear"),
        ("sysctl", "-w", "net.ipv4.conf.all.arp_ignore=0"),
        ("ip", "neighbour", "del", "10.0.0.1", "dev", "eth0"),
        ("sh", "-c", "cat /etc/hostname"),
        ("env", "X=1", "cat", "/etc/hostname"),
        (),
    ],
    ids=" ".join,
)
def test_what_may_change_it_is_unsupported(argv):
    with pytest.raises(UnsupportedError, match="changes no machine that is not its own") as refused:
        require_looking(argv, "n1")

    assert refused.value.enable == "--cluster local"
