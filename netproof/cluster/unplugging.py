"""A node of an embedded cluster whose cable is pulled: as dead to everyone else as one without power.

Its end on the LAN's bridge is taken down, so that its own interface loses the carrier. Its addresses and routes stay as
they are, and its processes run on, which is how the node comes back when the cable is plugged in again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from netproof.cluster.under_test import ClusterUnderTest
from netproof.node.links import lan_port
from netproof.observe.standpoint import StandpointError


@contextmanager
def unplugged(cluster: ClusterUnderTest, node: str) -> Iterator[None]:
    """The node called ``node`` has no network in the block, and has it again afterwards.

    Raises:
        StandpointError: the LAN has no such port.
    """
    _set_port(cluster, node, "down")
    try:
        yield
    finally:
        _set_port(cluster, node, "up")


def _set_port(cluster: ClusterUnderTest, node: str, state: str) -> None:
    done = cluster.lan().run(["ip", "link", "set", lan_port(node), state])
    if not done.ok:
        raise StandpointError(f"the cable of {node} cannot be pulled: {done.stderr.strip()}")
