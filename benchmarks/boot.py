"""How long a cluster takes from nothing to API ready, nodes Ready and DNS answering: N boots, minimum, median, maximum.

Run as root: ``python benchmarks/boot.py --runs 5 [--nodes 2] [--kubernetes-version 1.37] [--profile]``. Programs are
taken from the cache; run ``netproof setup`` first, or the first boot includes their building. ``--profile`` adds, for
the last boot, when each component was started, what it was waiting for until then, and what it cost.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from netproof.cluster.bringup import LocalRequest, bring_up, plan_cluster
from netproof.cluster.local import LocalCluster
from netproof.images.policy import ImagePolicy
from netproof.toolchain import SilentProgress
from netproof.waiting import Timeouts

Milestones = dict[str, list[float]]

WAITED_FOR = {
    "etcd": "the control plane's network namespace",
    "kube-apiserver": "nothing: it starts beside etcd",
    "forwarder": "all machines and their links",
    "image-server": "all machines and their links",
    "containerd": "all machines and their links",
    "agent": "all machines and their links; a node's agent: until somebody asks for it",
    "kube-controller-manager": "the API server to be ready",
    "kube-scheduler": "the API server to be ready",
    "kubelet": "the API server, and its Node object, which is made first",
    "kube-proxy": "the kubelets to be started",
}
"""What the supervisor waits for before it starts a component (netproof.cluster.supervisor, ``boot``)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a component's process has cost by the time that DNS answers."""

    name: str
    started: float
    cpu_seconds: float


def boot_once(nodes: int, version: str | None, logs: Path, milestones: Milestones) -> list[Cost]:
    """Boot a cluster, enter the seconds from its start to each milestone, and end it; returns what each part cost."""
    start = time.monotonic()

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        yield
        milestones[f"{name} done"].append(time.monotonic() - start)

    booted = bring_up(
        plan_cluster(LocalRequest("benchmark-boot", logs, version, nodes, images=ImagePolicy.STAND_IN)),
        phase=phase,
        progress=SilentProgress(),
        timeouts=Timeouts(),
        on_event=lambda what: milestones[what].append(time.monotonic() - start),
    )
    found = costs(booted.cluster, start)
    before_end = time.monotonic()
    booted.cluster.stop()
    milestones["(ending it)"].append(time.monotonic() - before_end)
    return found


def costs(cluster: LocalCluster, start: float) -> list[Cost]:
    """What the processes of the cluster's components have cost, in the order in which they were started."""
    inside = {one["pid"]: name for name, one in cluster.status()["running"].items()}
    ticks = os.sysconf("SC_CLK_TCK")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if cluster.spec.cgroup not in (process / "cgroup").read_text():
                continue
            pid = (process / "status").read_text().partition("NSpid:")[2].splitlines()[0].split()[-1]
            # What follows the name in brackets; the fields are numbered from 3 there (proc_pid_stat(5)).
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if name := inside.get(int(pid)):
                cpu = sum(map(int, fields[11:15])) / ticks
                found.append(Cost(name, int(fields[19]) / ticks - boot_offset() - start, cpu))
    return sorted(found, key=lambda cost: cost.started)


def boot_offset() -> float:
    """What the clock that processes are dated by is ahead of time.monotonic, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--kubernetes-version", default=None)
    parser.add_argument("--profile", action="store_true", help="say what each component waits for and costs")
    arguments = parser.parse_args()
    milestones: Milestones = defaultdict(list)
    of_last: list[Cost] = []
    with tempfile.TemporaryDirectory() as logs:
        for _ in range(arguments.runs):
            of_last = boot_once(arguments.nodes, arguments.kubernetes_version, Path(logs), milestones)
    print(f"seconds from start, {arguments.runs} boots of {arguments.nodes} nodes    min  median     max")
    for name, seconds in milestones.items():
        print(f"{name:<44} {min(seconds):7.2f} {statistics.median(seconds):7.2f} {max(seconds):7.2f}")
    if arguments.profile:
        print(f"\n{'component':<28} started     CPU   it waited for")
        for cost in of_last:
            kind = max((name for name in WAITED_FOR if cost.name.startswith(name)), key=len, default="")
            print(f"{cost.name:<28} {cost.started:7.2f} {cost.cpu_seconds:7.2f}   {WAITED_FOR.get(kind, '')}")
        print(f"{'all':<28} {'':7} {sum(cost.cpu_seconds for cost in of_last):7.2f}")


if __name__ == "__main__":
    main()
