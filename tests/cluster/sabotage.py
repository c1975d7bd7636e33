"""A pytest plugin that changes what kube-proxy has made on a node, right before a check that should notice.

Loaded with ``-p sabotage`` into a run of the suite. ``NETPROOF_TEST_SABOTAGE`` says which check meets what: a JSON
object that has, by the check's id, a script that breaks something and one that mends what kube-proxy would not. Both
are for ``sh`` on the first node, with the ClusterIP of the reference submission as ``$ip``.

While the check runs, kube-proxy on every node stands still, so that what is broken stays so. Afterwards it is started
anew, which makes it write all that it wants.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from netproof.cluster.under_test import ClusterUnderTest
from netproof.observe.standpoint import Standpoint
from netproof.running.ahead import AHEAD
from netproof.running.collected import check_of
from netproof.services.service import Service

SCRIPTS: dict[str, tuple[str, str]] = json.loads(os.environ.get("NETPROOF_TEST_SABOTAGE", "{}"))
SIGNAL_KUBE_PROXY = """
for process in /proc/[0-9]*; do
    if [ "$(cat $process/comm 2>/dev/null)" = kube-proxy ]; then kill -{signal} ${{process#/proc/}}; fi
done
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A check that meets a script gets the fixture; no other check runs beside it, which would meet it too."""
    config.stash[AHEAD].limit(lambda _: 1)
    for item in items:
        check = check_of(item)
        if isinstance(item, pytest.Function) and check and check.key in SCRIPTS:
            item.fixturenames.append("sabotaged")


@pytest.fixture
def sabotaged(request: pytest.FixtureRequest, cluster: ClusterUnderTest, web_svc_cip: Service) -> Iterator[None]:
    """The first node is as the check's script leaves it, and kube-proxy mends nothing."""
    check = check_of(request.node)
    assert check
    broken, mended = (f"ip={web_svc_cip.cluster_ip}\n{script}" for script in SCRIPTS[check.key])
    nodes = cluster.nodes()
    for node in nodes:
        run(node, SIGNAL_KUBE_PROXY.format(signal="STOP"))
    try:
        run(nodes[0], broken)
        yield
        run(nodes[0], mended)
    finally:
        for node in nodes:
            run(node, SIGNAL_KUBE_PROXY.format(signal="CONT"))
            cluster.local.restart(f"kube-proxy-{node.name}")


def run(node: Standpoint, script: str) -> None:
    """Run a script on a node that has to succeed."""
    done = node.run(["sh", "-euc", script])
    assert done.ok, f"expected a script on {node.name} to succeed, observed {done.stderr}\n{script}"
