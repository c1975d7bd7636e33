"""What bounds the pods of a cluster where they are not trusted: bounds that the homework does not come near.

A pod that forks, or fills memory or its disk, meets them before the host is in need: what a pod writes lies on a tmpfs,
and so counts as its memory. Of the processors' time pods get a small part where the cluster wants some, too:
a weight and no quota, as on cgroup v1 the kernel refuses a container whose own limit is above the quota.
"""

from __future__ import annotations

import os
from typing import Any, Final

from netproof.cluster.spec import ClusterSpec
from netproof.node import cgroups

_NODE_BYTES: Final = 3 << 29
"""Memory of all pods of a node; a run of the homework takes about 100 MiB."""
_NODE_PROCESSES: Final = 2000
"""Processes and threads of all pods of a node; a run of the homework has about 500."""
_NODE_CPU_WEIGHT: Final = 40
"""The part of the processors' time of all pods of a node, where the cluster's own programs have 100."""
_VOLATILE_BYTES: Final = 4 << 30
"""All that a cluster keeps: its store, images, logs; a run of the homework has about 1.5 GiB."""

KUBELET: Final[dict[str, Any]] = {
    "seccompDefault": True,
    "podPidsLimit": 512,
    # containerd writes the logs of pods, past the bound of their memory.
    "containerLogMaxSize": "5Mi",
    "containerLogMaxFiles": 2,
    "containerLogMonitorInterval": "3s",
}
"""What kubelet holds pods to."""


LIMITS: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "netproof-confined"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "default": {"memory": "256Mi", "ephemeral-storage": "200Mi"},
                "defaultRequest": {"memory": "8Mi", "ephemeral-storage": "1Mi"},
            }
        ]
    },
}
"""What a container may have that asks for no limit, in a namespace with this: past it, it is ended and no other is."""


def confine(spec: ClusterSpec) -> None:
    """Bound the pods of each node.

    Raises:
        OSError: the kernel does not take a bound.
    """
    for node in spec.nodes:
        cgroups.limit(
            f"{spec.cgroup}/{node.name}",
            memory_bytes=_NODE_BYTES,
            processes=_NODE_PROCESSES,
            cpu_weight=_NODE_CPU_WEIGHT,
        )


def volatile_size() -> str:
    """The size of the file system for all that a cluster keeps, as mount has it."""
    of_host = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return str(min(_VOLATILE_BYTES, of_host * 3 // 4))
