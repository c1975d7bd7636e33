"""kube-proxy of a node is switched by its configuration, and is brought back whatever happens meanwhile."""

import json
from types import SimpleNamespace

import pytest

from netproof.errors import NetproofError
from netproof.observe.protocol import Completed, HttpReply
from netproof.services.kube_proxy import CONFIGURATION, KubeProxy
from netproof.waiting import Timeouts

RULES = """*nat
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:MINE - [0:0]
-A POSTROUTING -j MINE
-A POSTROUTING -j KUBE-SERVICES
-A MINE -j RETURN
COMMIT
"""


class Node:
    """A node whose kube-proxy has the mode of its configuration as of its last restart."""

    name = "n1"

    def __init__(self, mode):
        self.configuration = json.dumps({"mode": mode, "ipvs": {"strictARP": True}})
        self.mode = mode
        self.restored = []

    def restart(self, component):
        assert component == "kube-proxy-n1"
        self.mode = json.loads(self.configuration)["mode"]

    def get(self, url, timeout_seconds):
        return [HttpReply(url, 1.0, timeout_seconds, status=200, body=self.mode)]

    def interfaces(self):
        return []

    def run(self, argv, stdin=""):
        code, said, complained = 0, "", ""
        match argv:
            case ["cat", str(path)] if path == CONFIGURATION:
                said = self.configuration
            case ["tee", str(path)] if path == CONFIGURATION:
                self.configuration = stdin
            case ["iptables-save", *_]:
                said = RULES
            case ["iptables-restore"]:
                self.restored.append(stdin)
            case _:
                code, complained = 1, "no such command"
        return Completed(tuple(argv), code, said, complained, 0.1)


def proxy_of(node):
    return KubeProxy(SimpleNamespace(local=node, timeouts=Timeouts()), node)


def test_a_switch_changes_the_mode_and_nothing_else_of_the_configuration():
    node = Node("iptables")

    reply = proxy_of(node).switch("ipvs")

    assert reply.body == "ipvs"
    assert json.loads(node.configuration) == {"mode": "ipvs", "ipvs": {"strictARP": True}}


def test_what_was_switched_is_brought_back():
    node = Node("iptables")

    with proxy_of(node).brought_back():
        proxy_of(node).switch("nftables")

    assert node.mode == "iptables"
    assert not node.restored


def test_what_breaks_off_leaves_no_rules_of_the_way():
    node = Node("iptables")

    def break_off():
        with proxy_of(node).brought_back():
            proxy_of(node).switch("nftables")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()

    assert node.mode == "iptables"
    assert len(node.restored) == 1


def test_a_flush_leaves_what_is_not_of_kubernetes():
    node = Node("iptables")

    proxy_of(node).flush()

    nat = node.restored[0].partition("*filter")[0]
    assert nat.split("\n") == ["*nat", ":MINE - [0:0]", "-A POSTROUTING -j MINE", "-A MINE -j RETURN", "COMMIT", ""]


def test_a_command_that_fails_is_named():
    node = Node("iptables")
    node.interfaces = lambda: [SimpleNamespace(name="kube-ipvs0")]

    with pytest.raises(NetproofError, match="ipvsadm --clear on n1 failed: no such command"):
        proxy_of(node).remove_ipvs()
