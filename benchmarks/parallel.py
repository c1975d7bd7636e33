"""How clusters side by side grow: boot time, memory and idle load with N of them, started at the same moment.

Run as root: ``python benchmarks/parallel.py [--most 8] [--nodes 2] [--idle-seconds 15]``. Programs are taken from the
cache; run ``netproof setup`` first. Eight clusters of two nodes want 224 inotify instances, more than a kernel's usual
limit of 128: ``sysctl -w fs.inotify.max_user_instances=1024``.

Memory is the proportional share (PSS) of all processes below the cluster's cgroup, with what the nodes keep on their
tmpfs; the programs' pages, which all clusters share, are counted once in all. Load is the processor time that these
processes take while nothing is asked of the clusters, in percent of all processors.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from netproof.cluster.bringup import Booted, LocalRequest, bring_up, plan_cluster
from netproof.images.policy import ImagePolicy
from netproof.node import cgroups
from netproof.toolchain import SilentProgress
from netproof.waiting import Timeouts

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024**2


def boot(name: str, nodes: int, logs: Path) -> tuple[Booted, float]:
    """Boot a cluster until its DNS answers; returns it, and how many seconds that took."""

    @contextmanager
    def phase(_name: str) -> Iterator[None]:
        yield

    start = time.monotonic()
    booted = bring_up(
        plan_cluster(LocalRequest(name, logs / name, node_count=nodes, images=ImagePolicy.STAND_IN)),
        phase=phase,
        progress=SilentProgress(),
        timeouts=Timeouts().scaled(4),
        on_event=lambda _what: None,
    )
    return booted, time.monotonic() - start


def processes_of(clusters: list[Booted]) -> list[int]:
    """All processes of these clusters, but for the two that keep each."""
    return [number for one in clusters for number in cgroups.processes(one.spec.cgroup)]


def memory_bytes(numbers: list[int]) -> int:
    """The proportional share of these processes in the memory that they use, their tmpfs with it."""
    total = 0
    for number in numbers:
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0]) * 1024
    return total


def tmpfs_bytes(clusters: list[Booted]) -> int:
    """What these clusters keep on their tmpfs: seen through the root of the first process of each."""
    total = 0
    for one in clusters:
        volatile = Path(one.cluster.kubeconfig.parent) / "volatile"
        seen = os.statvfs(f"/proc/{one.cluster.first_process()}/root{volatile}")
        total += (seen.f_blocks - seen.f_bfree) * seen.f_frsize
    return total


def processor_seconds(numbers: list[int]) -> float:
    """The processor time that these processes have taken so far."""
    ticks = 0
    for number in numbers:
        try:
            fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def measure(count: int, nodes: int, idle_seconds: float, logs: Path) -> str:
    """A row of the table: ``count`` clusters started at the same moment."""
    with ThreadPoolExecutor(count) as pool:
        made = list(pool.map(lambda number: boot(f"parallel-{number}", nodes, logs), range(count)))
    clusters, seconds = [one for one, _ in made], [taken for _, taken in made]
    try:
        threading.Event().wait(idle_seconds)  # what they do right after the boot is not their idle load
        numbers = processes_of(clusters)
        before, began = processor_seconds(numbers), time.monotonic()
        threading.Event().wait(idle_seconds)
        share = (processor_seconds(numbers) - before) / (time.monotonic() - began) / (os.cpu_count() or 1)
        memory, kept = memory_bytes(numbers), tmpfs_bytes(clusters)
    finally:
        for one in clusters:
            one.cluster.stop()
    return (
        f"{count:>8} {min(seconds):>12.1f} {max(seconds):>12.1f} {memory / _MIB:>12.0f} {kept / _MIB:>12.0f}"
        f" {(memory + kept) / _MIB / count:>12.0f} {share:>11.1%}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=8, help="the largest number of clusters; 1, 2, 4 ... up to it")
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--idle-seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    print(
        f"clusters of {arguments.nodes} nodes, {os.cpu_count()} processors; seconds until DNS answers, MiB, idle load"
    )
    headings = ("first up", "last up", "processes", "tmpfs", "a cluster")
    print(f"{'clusters':>8} {' '.join(f'{heading:>12}' for heading in headings)} {'load':>11}")
    count = 1
    with tempfile.TemporaryDirectory() as logs:
        while count <= arguments.most:
            print(measure(count, arguments.nodes, arguments.idle_seconds, Path(logs)), flush=True)
            count *= 2


if __name__ == "__main__":
    main()
