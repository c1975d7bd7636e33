"""A cluster that is broken off at a random moment, by kill -9 of who keeps it, leaves nothing on the machine."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from netproof.cluster import state
from netproof.cluster.local import LocalCluster
from netproof.errors import NetproofError
from netproof.waiting import NotYetError, TimedOutError, Waiter

pytestmark = pytest.mark.cluster

NETPROOF = [sys.executable, "-m", "netproof"]
LATEST_MOMENT_SECONDS = 12.0
"""A boot takes half of it: so every second cluster is killed while it comes up."""
CLEARED_SECONDS = 30.0
FIGURE = Path("reports") / "endurance.json"


def test_nothing_is_left_of_clusters_that_were_killed(name, traces_of, pytestconfig):
    seed = pytestconfig.getoption("seed", None) or random.randrange(10**6)
    chance = random.Random(seed)
    rounds = pytestconfig.getoption("rounds", 10)
    figure = {"seed": seed, "rounds": rounds, "killed": Counter(), "had come up": 0, "left": Counter()}
    clearing = defaultdict(list)
    for number in range(rounds):
        up = subprocess.Popen(
            [*NETPROOF, "up", "--nodes", "1", "--cluster-name", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        victim = chance.choice(["owner", "guardian", "supervisor"])
        wait_at_most(up, chance.uniform(0.2, LATEST_MOMENT_SECONDS))
        assert up.poll() is None, f"round {number}, seed {seed}: it ended by itself: {up.stdout.read()}"
        traces = traces_of(name)
        victim = kill(victim, up, traces, name)
        start = time.monotonic()
        subprocess.run([*NETPROOF, "down", "--cluster-name", name], capture_output=True, timeout=60)
        left = whatever_stays(traces, name)
        clearing[victim].append(time.monotonic() - start)
        figure["killed"][victim] += 1
        figure["left"].update(left)
        up.kill()
        figure["had come up"] += "Ctrl-C ends it" in up.communicate()[0]
        assert not any(left.values()), f"round {number}, seed {seed}, {victim} killed: {left}"
    figure["slowest clearing, seconds"] = {who: round(max(seconds), 1) for who, seconds in clearing.items()}
    FIGURE.parent.mkdir(exist_ok=True)
    FIGURE.write_text(json.dumps(figure, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figure))


def wait_at_most(process, seconds):
    """Return after so long, or when the process has ended by then."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def kill(victim, up, traces, name):
    """Kill one of the processes that keep the cluster; the owner where the other is not there yet. Returns whom."""
    try:
        cluster = LocalCluster.attach(name)
        pid = {"owner": lambda: up.pid, "guardian": cluster.guardian, "supervisor": cluster.first_process}[victim]()
    except (NetproofError, OSError):
        victim, pid = "owner", up.pid
    traces.kill(pid)
    return victim


def whatever_stays(traces, name):
    """What is left when nothing has been for a moment, or when it is too late."""

    def gone():
        left = traces.leftovers(name)
        if any(left.values()) or state.is_alive(name):
            raise NotYetError(str(left))
        return left

    try:
        return Waiter(interval_seconds=0.2).until("nothing is left", gone, timeout_seconds=CLEARED_SECONDS)
    except TimedOutError:
        return traces.leftovers(name)
