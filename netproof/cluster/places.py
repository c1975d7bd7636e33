"""The places of an embedded cluster for a person: command lines that lead a program of the host there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from netproof.cluster.local import LocalCluster
from netproof.errors import NetproofError

_SMALL_PROGRAMS = ("arp", "arping", "nc", "nslookup", "ping", "telnet", "traceroute", "wget")
"""What a person looks at a network with, and busybox has; the host's own programs of these names come first."""

_FROM_DIRECTORY = 'cd "$1" && shift && exec "$@"'
"""As ``env --chdir``, which the busybox of a virtual machine does not have."""


def command_in(cluster: LocalCluster, place: str, argv: Sequence[str], *, directory: Path) -> list[str]:
    """The command line that runs ``argv`` on the LAN, on the control plane or on a node, as a process of the cluster.

    So it sees the cluster's processes, and ends with it. Its kubectl is that of the cluster's version and works there.

    Args:
        cluster: the cluster.
        place: ``lan``, ``control-plane`` or a node's name.
        argv: the program and its arguments.
        directory: where it starts on the LAN and on the control plane, which have the host's files. A node has a
            file system of its own, and it starts in ``/`` there.

    Raises:
        NetproofError: there is no such place.
    """
    machines = cluster.status()["machines"]
    if place not in machines:
        raise NetproofError(
            f"the cluster {cluster.name!r} has no place {place!r}", f"its places are {', '.join(machines)}"
        )
    first = cluster.first_process()
    start = "/" if place in {node.name for node in cluster.spec.nodes} else directory
    return [
        *("nsenter", "--target", str(first), "--mount", "--pid", "--"),
        *machines[place],
        *("sh", "-c", _FROM_DIRECTORY, "sh", str(start)),
        *("env", f"PATH={_search_path(cluster)}", f"KUBECONFIG={cluster.kubeconfig_inside}"),
        *argv,
    ]


def _search_path(cluster: LocalCluster) -> str:
    """The cluster's own programs, then the host's, then what busybox has for what the host lacks."""
    tools = {name: Path(path) for name, path in cluster.spec.tools.items()}
    own = dict.fromkeys([tools["kubectl"].parent, tools["ctr"].parent])
    small = cluster.kubeconfig.parent / "small-programs"
    small.mkdir(exist_ok=True)
    for name in _SMALL_PROGRAMS:
        if not (small / name).is_symlink():
            (small / name).symlink_to(tools["busybox"])
    usual = os.environ.get("PATH", os.defpath)
    return ":".join([*map(str, own), usual, "/usr/sbin", "/sbin", str(small)])
