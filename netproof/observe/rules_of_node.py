"""Reading a node's packet filter from where one stands on it."""

from __future__ import annotations

import re

from netproof.errors import NetproofError
from netproof.observe import nftables
from netproof.observe.packetfilter import Ruleset
from netproof.observe.standpoint import Standpoint

IPTABLES_SAVE = ("iptables-save", "-c")
NFT_LIST = ("nft", "list", "ruleset", "ip")
NFT_JSON = ("nft", "-j", "list", "ruleset", "ip")


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


def rules_text(node: Standpoint) -> str:
    """The node's IPv4 rules, in iptables' words and then in nftables'.

    Raises:
        NetproofError: a command fails there.
    """
    return "\n".join(f"# {' '.join(argv)}\n{_printed(node, argv)}" for argv in (IPTABLES_SAVE, NFT_LIST))


def lines_about(node: Standpoint, namespace: str, service: str) -> tuple[str, ...]:
    """The lines of the node's IPv4 rules, in iptables' words and in nftables', that name a Service.

    kube-proxy names a Service as ``namespace/name`` wherever it writes something for it: in the comments of iptables
    rules, and in the chains' names and elements' comments of nftables.

    Raises:
        NetproofError: a command fails there.
    """
    name = re.compile(rf"(?<![\w.]){re.escape(f'{namespace}/{service}')}(?![\w.-])")
    return tuple(line.strip() for line in rules_text(node).splitlines() if name.search(line))


def _printed(node: Standpoint, argv: tuple[str, ...]) -> str:
    done = node.run(argv)
    if not done.ok:
        raise NetproofError(
            f"{' '.join(argv)} on {node.name} ended with {done.exit_code}: {done.stderr.strip()}",
            "look whether iptables and nftables are installed and the node may use them",
        )
    return done.stdout
