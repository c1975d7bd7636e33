"""What kube-proxy does, by mode and version: facts as data with their sources, in ``kubeproxy_facts.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from netproof.verdict import UnsupportedError


class About(StrEnum):
    """What there are facts about, with their answers."""

    PING = "ping-of-cluster-ip"
    """What an echo request to a ClusterIP gets: silence, rejection, reply."""
    SUPPORT = "support"
    """How far a mode is supported: none, alpha, beta, stable, deprecated."""
    DEFAULT_MODE = "default-mode"
    """The mode where none is configured."""
    CHAINS = "chains"
    """The chains that are there whatever Services there are, by name: of iptables with their tables, as nat/NAME."""
    LOOPBACK_NODE_PORT = "node-port-on-loopback"
    """What a connection from a node to 127.0.0.1 and a NodePort gets: reply, refusal."""
    STRICT_ARP = "strict-arp"
    """Whether a node answers ARP only for what the asked interface has, where nothing is configured: on, off."""
    UDP_WITHOUT_ENDPOINTS = "udp-entries-of-service-without-endpoints"
    """Whether conntrack's entries to a UDP Service that has lost its last endpoint are removed or kept."""
    UDP_OF_DELETED = "udp-entries-of-deleted-service"
    """Whether conntrack's entries to a UDP Service that was deleted are removed or kept."""
    FORMER_RULES = "rules-of-former-modes"
    """What becomes of the former modes' rules when kube-proxy starts in another: removed, kept, at-second-start."""
    FORMER_IPV6_SETS = "ipv6-ip-sets-of-former-mode"
    """What becomes of IP sets of IPv6 addresses when kube-proxy cleans up after IPVS mode: removed, kept."""
    UDP_OF_FORMER_PORT = "udp-entries-of-former-port"
    """Whether conntrack's entries to a port that a UDP Service has no more are removed or kept."""
    SAME_ZONE_AND_NODE = "prefer-same-zone-and-node"
    """Whether trafficDistribution may be PreferSameZone and PreferSameNode: known, unknown."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is true of some modes and versions.

    Attributes:
        about: what it is about.
        answer: what is true.
        source: where it is written.
        mode: of which proxy mode; empty: of all.
        since: the first version, such as "1.26"; empty: from the beginning.
        before: the first version of which it is true no more; empty: until now.
        former: the modes whose rules are there before, joined by " and "; empty where that does not matter.
    """

    about: About
    answer: str
    source: str
    mode: str = ""
    since: str = ""
    before: str = ""
    former: str = ""

    def holds(self, mode: str, version: str, former: str = "") -> bool:
        """Whether it is true of a mode, after former ones, in a version such as "1.36.3"."""
        number = _number(version)
        in_time = (not self.since or _number(self.since) <= number) and (
            not self.before or number < _number(self.before)
        )
        return self.mode in {"", mode} and self.former == former and in_time

    def __str__(self) -> str:
        return f"{self.answer} ({self.source})"


@cache
def all_facts() -> tuple[Fact, ...]:
    """Every fact there is."""
    path = Path(__file__).with_suffix(".toml")
    data = tomllib.loads(path.read_text(encoding="utf-8"))["facts"]
    return tuple(Fact(**one | {"about": About(one["about"])}) for one in data)


def fact(about: About, mode: str, version: str, former: str = "") -> Fact:
    """What is true of a mode in a version, after former modes where that matters.

    Raises:
        UnsupportedError: nothing is known, so that a check that asks has nothing to judge by.
    """
    for one in all_facts():
        if one.about is about and one.holds(mode, version, former):
            return one
    after = f" after {former}" if former else ""
    raise UnsupportedError(
        f"nothing is known of {about} in mode {mode}{after} of Kubernetes {version}",
        "look it up in kube-proxy's source, and write it into kubeproxy_facts.toml with where you found it",
    )


def names_of_chains(mode: str, version: str) -> tuple[frozenset[str], frozenset[str]]:
    """The chains that a mode has in a version, and those that only other modes or other versions have."""
    own = frozenset(fact(About.CHAINS, mode, version).answer.split())
    every = (one.answer.split() for one in all_facts() if one.about is About.CHAINS)
    return own, frozenset(name for names in every for name in names) - own


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").split(".")[:2])
