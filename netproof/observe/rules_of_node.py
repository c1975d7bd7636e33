"""Reading a node's packet filter from where one stands on it."""

from __future__ import annotations

import re

from netproof.errors import NetproofError
from netproof.observe import nftables
from netproof.observe.ipset import parse_sets
from netproof.observe.ipvs import VirtualServers
from netproof.observe.packetfilter import Ruleset
from netproof.observe.standpoint import Standpoint

IPTABLES_SAVE = ("iptables-save", "-c")
NFT_LIST = ("nft", "list", "ruleset", "ip")
NFT_JSON = ("nft", "-j", "list", "ruleset", "ip")
IPVS_SAVE = ("ipvsadm", "--save", "--numeric")
IPVS_LIST = ("ipvsadm", "--list", "--numeric", "--stats")
IPSET_SAVE = ("ipset", "save")
IPVS_INTERFACE = "kube-ipvs0"
"""The interface on which kube-proxy in IPVS mode puts the addresses of Services."""


def iptables_rules(node: Standpoint) -> Ruleset:
    """The node's IPv4 rules as iptables shows them, with their counters.

    Raises:
        NetproofError: iptables-save fails there, or prints what is not understood.
    """
    return Ruleset.parse(_printed(node, IPTABLES_SAVE))


def nftables_rules(node: Standpoint) -> nftables.Ruleset:
    """The node's IPv4 rules as nftables has them.

    Raises:
        NetproofError: nft fails there, or prints what is not understood.
    """
    return nftables.Ruleset.parse(_printed(node, NFT_JSON))


def virtual_servers(node: Standpoint) -> VirtualServers:
    """The node's virtual servers.

    Raises:
        NetproofError: ipvsadm fails there, as where the kernel has no IPVS, or prints what is not understood.
    """
    return VirtualServers.parse(_printed(node, IPVS_SAVE))


def ip_sets(node: Standpoint) -> dict[str, frozenset[str]]:
    """The members of the node's IP sets by the set's name.

    Raises:
        NetproofError: ipset fails there, or prints what is not understood.
    """
    return parse_sets(_printed(node, IPSET_SAVE))


def rules_text(node: Standpoint) -> str:
    """The node's IPv4 rules, in iptables' words and in nftables'; where kube-proxy uses IPVS, its state too.

    Raises:
        NetproofError: a command fails there.
    """
    commands = [IPTABLES_SAVE, NFT_LIST]
    if any(one.name == IPVS_INTERFACE for one in node.interfaces()):
        commands += [IPVS_LIST, IPSET_SAVE]
    return "\n".join(f"# {' '.join(argv)}\n{_printed(node, argv)}" for argv in commands)


def lines_about(node: Standpoint, namespace: str, service: str, address: str = "") -> tuple[str, ...]:
    """The lines of the node's IPv4 rules that are about a Service.

    kube-proxy names a Service as ``namespace/name`` wherever it writes something for it: in the comments of iptables
    rules, and in the chains' names and elements' comments of nftables. In IPVS the kernel has no place for names, so
    there its ClusterIP stands for it.

    Args:
        node: where to look.
        namespace: the Service's namespace.
        service: its name.
        address: its ClusterIP; empty where it is headless.

    Raises:
        NetproofError: a command fails there.
    """
    names = "|".join(re.escape(name) for name in (f"{namespace}/{service}", address) if name)
    name = re.compile(rf"(?<![\w.])({names})(?![\w.-])")
    return tuple(line.strip() for line in rules_text(node).splitlines() if name.search(line))


def _printed(node: Standpoint, argv: tuple[str, ...]) -> str:
    done = node.run(argv)
    if not done.ok:
        raise NetproofError(
            f"{' '.join(argv)} on {node.name} ended with {done.exit_code}: {done.stderr.strip()}",
            "look whether iptables and nftables are installed and the node may use them",
        )
    return done.stdout
