"""How long a cluster takes from nothing to API ready, nodes Ready and DNS answering: N boots, minimum, median, maximum.

Run as root: ``python benchmarks/boot.py --runs 5 [--nodes 2] [--kubernetes-version 1.37]``. Programs are taken from the
cache; run ``netproof setup`` first, or the first boot includes their building.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netproof.cluster.bringup import LocalRequest, bring_up, plan_cluster
from netproof.images.policy import ImagePolicy
from netproof.toolchain import SilentProgress
from netproof.waiting import Timeouts

Milestones = dict[str, list[float]]


def boot_once(nodes: int, version: str | None, logs: Path, milestones: Milestones) -> None:
    """Boot a cluster, enter the seconds from its start to each milestone, and end it."""
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
    before_end = time.monotonic()
    booted.cluster.stop()
    milestones["(ending it)"].append(time.monotonic() - before_end)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--kubernetes-version", default=None)
    arguments = parser.parse_args()
    milestones: Milestones = defaultdict(list)
    with tempfile.TemporaryDirectory() as logs:
        for _ in range(arguments.runs):
            boot_once(arguments.nodes, arguments.kubernetes_version, Path(logs), milestones)
    print(f"seconds from start, {arguments.runs} boots of {arguments.nodes} nodes    min  median     max")
    for name, seconds in milestones.items():
        print(f"{name:<44} {min(seconds):7.2f} {statistics.median(seconds):7.2f} {max(seconds):7.2f}")


if __name__ == "__main__":
    main()
