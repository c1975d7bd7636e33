"""kube-proxy of one node of an embedded cluster: its mode, a switch to another, and the clean-up by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from netproof.cluster.under_test import ClusterUnderTest
from netproof.errors import NetproofError
from netproof.observe.protocol import Completed, HttpReply
from netproof.observe.rules_of_node import IPVS_INTERFACE, iptables_rules
from netproof.observe.standpoint import Standpoint
from netproof.waiting import NotYetError, Waiter

CONFIGURATION = "/etc/kubernetes/kube-proxy.yaml"
METRICS = "http://127.0.0.1:10249"
"""Where kube-proxy says by itself how it runs."""
_IPTABLES_TABLES = ("nat", "filter", "mangle")


class KubeProxy:
    """kube-proxy of one node.

    Args:
        cluster: the embedded cluster.
        node: who stands on the node.

    Raises:
        UnsupportedError: the cluster is not netproof's own.
    """

    def __init__(self, cluster: ClusterUnderTest, node: Standpoint) -> None:
        self._local, self._timeouts, self._node = cluster.local, cluster.timeouts, node

    def says(self) -> HttpReply:
        """What it says that its mode is: the body of a reply that fails while it does not run."""
        return self._node.get(f"{METRICS}/proxyMode", timeout_seconds=2)[0]

    def switch(self, mode: str) -> HttpReply:
        """Write a mode into its configuration, restart it, and return once it says that it has the mode.

        By then it has cleaned up what it cleans up of other modes: that it does before it serves anything.

        Raises:
            TimedOutError: it does not say so.
        """
        configuration = json.loads(self._done(["cat", CONFIGURATION]).stdout)
        self._done(["tee", CONFIGURATION], stdin=json.dumps(configuration | {"mode": mode}))
        self._local.restart(f"kube-proxy-{self._node.name}")

        def look() -> HttpReply:
            reply = self.says()
            if reply.body != mode:
                raise NotYetError(f"it says {reply.body or reply.failure}")
            return reply

        what = f"kube-proxy of {self._node.name} is in mode {mode}"
        return Waiter().until(what, look, timeout_seconds=self._timeouts.rules_healed)

    @contextmanager
    def brought_back(self) -> Iterator[None]:
        """Whatever happens in the block, it has its mode of before at the end, and no other mode's rules are left."""
        mode = self.says().body
        try:
            yield
        except BaseException:
            # Wherever the block broke off, whatever may be there is removed, and the mode writes its own anew.
            if mode != "ipvs":
                self.remove_ipvs()
            self.flush()
            self.switch(mode)
            raise
        if self.says().body != mode:
            self.switch(mode)

    def flush(self) -> None:
        """Flush nat, filter and mangle as a person does; rules that are not Kubernetes' stay."""
        rules = iptables_rules(self._node)
        lines: list[str] = []
        for name in _IPTABLES_TABLES:
            table = rules.table(name)
            chains = [one.name for one in table.chains.values() if not (one.policy or "KUBE-" in one.name)]
            foreign = [rule.text for rule in table.rules() if "KUBE-" not in rule.text]
            lines += [f"*{name}", *(f":{chain} - [0:0]" for chain in chains), *foreign, "COMMIT"]
        self._done(["iptables-restore"], stdin="\n".join([*lines, ""]))

    def remove_ipvs(self) -> None:
        """Remove the virtual servers and the interface that IPVS mode leaves behind; its chains are :meth:`flush`'s."""
        if IPVS_INTERFACE in {one.name for one in self._node.interfaces()}:
            self._done(["ipvsadm", "--clear"])
            self._done(["ip", "link", "delete", IPVS_INTERFACE])

    def _done(self, argv: Sequence[str], stdin: str = "") -> Completed:
        completed = self._node.run(argv, stdin=stdin)
        if not completed.ok:
            raise NetproofError(f"{' '.join(argv)} on {self._node.name} failed: {completed.stderr.strip()}")
        return completed
