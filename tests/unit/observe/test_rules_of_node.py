import pytest

from netproof.errors import NetproofError
from netproof.observe.protocol import Completed
from netproof.observe.rules_of_node import iptables_rules, lines_about

IPTABLES = """\
*nat
:KUBE-SERVICES - [0:0]
[0:0] -A KUBE-SERVICES -d 10.96.0.7/32 -p tcp -m comment --comment "default/web-svc-cip cluster IP" -j KUBE-SVC-A
[0:0] -A KUBE-SERVICES -d 10.96.0.8/32 -p tcp -m comment --comment "default/web:http cluster IP" -j KUBE-SVC-B
[0:0] -A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m comment --comment "kube.default/web cluster IP" -j KUBE-SVC-C
COMMIT
"""
NFTABLES = """\
table ip kube-proxy {
	chain service-6CZTMAROCN3AQODZ-default/web-svc/tcp/ {
	}
}
"""


class Node:
    """A node whose packet filter prints this."""

    name = "n1"

    def __init__(self, printed, exit_code=0):
        self.printed, self.exit_code = printed, exit_code

    def interfaces(self):
        return ()

    def run(self, argv, **_):
        return Completed(tuple(argv), self.exit_code, self.printed.get(argv[0], ""), "no right", 0.0)


NODE = Node({"iptables-save": IPTABLES, "nft": NFTABLES})


@pytest.mark.parametrize(
    ("service", "part"),
    [("web-svc-cip", "10.96.0.7/32"), ("web", "10.96.0.8/32"), ("web-svc", "chain service-6CZTMAROCN3AQODZ")],
)
def test_a_service_is_named_by_its_whole_name(service, part):
    (line,) = lines_about(NODE, "default", service)

    assert part in line


def test_a_service_that_no_rule_names_has_no_lines():
    assert lines_about(NODE, "default", "web-svc-headless") == ()


def test_the_rules_of_iptables_are_typed():
    assert len(iptables_rules(NODE).table("nat").chains["KUBE-SERVICES"].rules) == 3


def test_a_command_that_fails_is_told_with_its_words():
    with pytest.raises(NetproofError, match="iptables-save -c on n1 ended with 4: no right"):
        iptables_rules(Node({}, exit_code=4))
