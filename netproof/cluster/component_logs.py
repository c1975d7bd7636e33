"""The logs of an embedded cluster's components, as a person reads them."""

from __future__ import annotations

from netproof.cluster.local import LocalCluster
from netproof.errors import NetproofError

_OF_PODS = "agent-pod-"
"""How the logs of those begin that act for checks in pods: there may be dozens."""


def tail(cluster: LocalCluster, component: str | None, *, lines: int | None, follow: bool) -> list[str]:
    """The command line that prints the log of a component, or of all, each under its name.

    Args:
        cluster: the cluster.
        component: whose log; None for all.
        lines: only so many lines from the end; None for all.
        follow: whether it goes on with what is added, until the cluster ends.

    Raises:
        NetproofError: there is no such log.
    """
    logs = {path.stem: path for path in sorted(cluster.logs.glob("*.log"))}
    if component is not None and component not in logs:
        known = [name for name in logs if not name.startswith(_OF_PODS)]
        raise NetproofError(
            f"the cluster {cluster.name!r} has no log of {component!r}", f"there are logs of {', '.join(known)}"
        )
    chosen = [logs[component]] if component else list(logs.values())
    following = ["--follow=name", f"--pid={cluster.guardian()}"] if follow else []
    return ["tail", f"--lines={'+1' if lines is None else lines}", *following, "--", *map(str, chosen)]
