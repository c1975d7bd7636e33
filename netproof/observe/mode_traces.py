"""What each proxy mode writes into a node's kernel, by name: so what a mode has left behind can be told.

The names: kubernetes/kubernetes pkg/proxy/iptables/proxier.go (``iptablesJumpChains``, ``isServiceChainName``),
pkg/proxy/ipvs/proxier.go (``iptablesCleanupChains``, ``ipsetInfo``) and pkg/proxy/nftables/proxier.go
(``kubeProxyTable``). What the kubelet writes (KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT, KUBE-FIREWALL) is nobody's
leftover.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from netproof.observe.nftables import Ruleset as Nftables
from netproof.observe.packetfilter import Ruleset
from netproof.observe.rules_of_node import IPVS_INTERFACE, ip_sets, iptables_rules, nftables_rules, virtual_servers
from netproof.observe.standpoint import Standpoint

IPTABLES, NFTABLES, IPVS = "iptables", "nftables", "ipvs"

_TABLE = "kube-proxy"
_IP_SET, _OF_IPV6 = "IP set ", "KUBE-6-"
_CHAINS = (
    (re.compile(r"nat KUBE-(SVC|SVL|SEP|FW|EXT)-\w+|nat KUBE-NODEPORTS|\w+ KUBE-PROXY-CANARY"), {IPTABLES}),
    (re.compile(r"filter KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS)"), {IPTABLES}),
    (re.compile(r"nat KUBE-LOAD-BALANCER|(nat|filter) KUBE-NODE-PORT"), {IPVS}),
    (re.compile(r"filter KUBE-(IPVS-FILTER|IPVS-OUT-FILTER|SOURCE-RANGES-FIREWALL)"), {IPVS}),
    (re.compile(r"nat KUBE-(SERVICES|POSTROUTING|MARK-MASQ)|filter KUBE-(FORWARD|PROXY-FIREWALL)"), {IPTABLES, IPVS}),
)
"""Chains as ``table name``, and the modes that make them."""


def traces(node: Standpoint, *, with_ipvs: bool) -> dict[str, set[str]]:
    """What the proxy modes have on a node, each with the modes that make it.

    Args:
        node: where to look.
        with_ipvs: whether to look for IPVS's own things, too; a kernel without IPVS has not even the commands' answers.

    Raises:
        NetproofError: a command fails there.
    """
    found = traces_of_rules(iptables_rules(node), nftables_rules(node))
    if with_ipvs:
        if any(one.name == IPVS_INTERFACE for one in node.interfaces()):
            found[f"interface {IPVS_INTERFACE}"] = {IPVS}
        found |= {f"{_IP_SET}{name}": {IPVS} for name in ip_sets(node) if name.startswith("KUBE-")}
        found |= {f"virtual server {target}": {IPVS} for _, target in virtual_servers(node).servers}
    return found


def traces_of_rules(iptables: Ruleset, nftables: Nftables) -> dict[str, set[str]]:
    """The chains and tables of the proxy modes among a node's rules, each with the modes that make it."""
    found = {chain: modes for chain in _chains(iptables) if (modes := _makers(chain))}
    found |= {f"nftables table {family} {name}": {NFTABLES} for family, name in nftables.tables if name == _TABLE}
    return found


def leftovers(found: dict[str, set[str]], mode: str) -> list[str]:
    """Those of :func:`traces` that a mode does not make, so that another has left them; sorted."""
    return sorted(what for what, modes in found.items() if mode not in modes)


def ipv6_sets(found: Iterable[str]) -> list[str]:
    """Those of :func:`traces` that are IP sets of IPv6 addresses; sorted."""
    return sorted(what for what in found if what.startswith(_IP_SET + _OF_IPV6))


def made_by(found: dict[str, set[str]], mode: str) -> list[str]:
    """Those of :func:`traces` that a mode makes; sorted."""
    return sorted(what for what, modes in found.items() if mode in modes)


def _chains(rules: Ruleset) -> Iterator[str]:
    for name in ("mangle", "filter", "nat"):
        yield from (f"{name} {chain}" for chain in rules.table(name).chains)


def _makers(chain: str) -> set[str]:
    return next((modes for pattern, modes in _CHAINS if pattern.fullmatch(chain)), set())
