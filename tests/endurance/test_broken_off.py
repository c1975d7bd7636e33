"""A cluster that is broken off at a random moment leaves nothing on the machine, whoever is ended, and how."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from netproof.cluster import state
from netproof.cluster.local import LocalCluster
from netproof.errors import NetproofError
from netproof.waiting import NotYetError, TimedOutError, Waiter

pytestmark = pytest.mark.cluster

NETPROOF = [sys.executable, "-m", "netproof"]
MOMENTS_SECONDS = ((0.3, 2.0), (0.3, 12.0))
"""Of each two rounds one breaks off a start, where the name is taken and the guardian not there yet for a moment; the
other any time until a while after the cluster has come up."""
WAYS = (
    *(("owner", signal.SIGKILL), ("guardian", signal.SIGKILL), ("supervisor", signal.SIGKILL)),
    *(("owner", signal.SIGTERM), ("terminal", signal.SIGINT), ("terminal", signal.SIGHUP)),
)
"""Who gets which signal. A terminal sends its own to all processes in its foreground."""
FIRST_PHASE = "programs and images"
"""Before it ``up`` is still being loaded, and says of Ctrl-C what Python says."""
CLEARED_SECONDS = 30.0
FIGURE = Path("reports") / "endurance.json"


def test_nothing_is_left_of_clusters_that_were_broken_off(name, traces_of, pytestconfig):
    seed = pytestconfig.getoption("seed", None) or random.randrange(10**6)
    chance = random.Random(seed)
    rounds = pytestconfig.getoption("rounds", 10)
    figure = {"seed": seed, "rounds": rounds, "ended": Counter(), "had come up": 0, "left": Counter()}
    clearing = defaultdict(list)
    for number in range(rounds):
        up = subprocess.Popen(
            [*NETPROOF, "up", "--nodes", "1", "--cluster-name", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        victim, how = WAYS[number % len(WAYS)]
        moment = chance.uniform(*MOMENTS_SECONDS[number // len(WAYS) % 2])
        wait_at_most(up, moment)
        assert up.poll() is None, f"round {number}, seed {seed}: it ended by itself: {up.stdout.read()}"
        traces = traces_of(name)
        victim, pid = who(victim, up, name)
        traces.end(pid, how, whole_group=victim == "terminal")
        start = time.monotonic()
        if victim == "guardian" or (how == signal.SIGKILL and not started(traces)):
            # Nobody is left to clear up files; the next command does.
            subprocess.run([*NETPROOF, "down", "--cluster-name", name], capture_output=True, timeout=60)
        left = whatever_stays(traces, name)
        clearing[f"{victim}, {how.name}"].append(time.monotonic() - start)
        figure["ended"][f"{victim}, {how.name}"] += 1
        figure["left"].update(left)
        with suppress(ProcessLookupError):
            os.killpg(up.pid, signal.SIGKILL)
        said = up.communicate()[0]
        figure["had come up"] += "Ctrl-C ends it" in said
        assert not any(left.values()), f"round {number}, seed {seed}, {victim} {how.name} after {moment:.2f} s: {left}"
        assert "Traceback" not in said.partition(FIRST_PHASE)[2], f"round {number}, seed {seed}: {said}"
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


def who(victim, up, name):
    """The process that is to get the signal; the owner where the other is not there yet."""
    if victim not in {"guardian", "supervisor"}:
        return victim, up.pid
    try:
        cluster = LocalCluster.attach(name)
        return victim, {"guardian": cluster.guardian, "supervisor": cluster.first_process}[victim]()
    except (NetproofError, OSError):
        return "owner", up.pid


def started(traces):
    """Whether the cluster had a process besides that of its owner."""
    return len(traces.processes) > 1


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
