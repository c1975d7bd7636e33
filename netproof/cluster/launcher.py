"""The guardian of one embedded cluster: outlives the process that asked for it just long enough to clear up.

It stands outside the cluster's PID namespace and holds the cluster's name (a locked file). It ends the cluster when
the process that owns it goes away, however that happens: then the other end of ``--lifeline`` is closed. Should the
guardian itself be killed, the parent-death signal ends the namespace's first process, and with it all others; cgroups
and files are then removed by the next start.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from netproof.cluster import state

_NO_LIFELINE = -1


def main() -> None:
    """Run as the guardian: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="the cluster's name")
    parser.add_argument("--lock", type=int, required=True, help="descriptor that holds the cluster's name")
    parser.add_argument("--events", type=int, required=True, help="descriptor for what happens in the cluster")
    parser.add_argument("--listener", type=int, required=True, help="descriptor of the socket on the host's loopback")
    parser.add_argument(
        "--lifeline", type=int, default=_NO_LIFELINE, help="descriptor whose end of file ends the cluster"
    )
    arguments = parser.parse_args()

    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    supervisor = subprocess.Popen(
        [
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(
                "unshare",
                "--pid",
                "--fork",
                "--kill-child=KILL",
                "--mount",
                "--mount-proc",
                "--propagation",
                "slave",
                "--",
            ),
            *(sys.executable, "-m", "netproof.cluster.supervisor", "--name", arguments.name),
            *("--events", str(arguments.events), "--listener", str(arguments.listener)),
        ],
        stdin=subprocess.DEVNULL,
        pass_fds=(arguments.events, arguments.listener),
        cwd="/",
    )
    os.close(arguments.events)
    os.close(arguments.listener)
    over = os.pidfd_open(supervisor.pid)
    waiting = [over, wake_read] + ([arguments.lifeline] if arguments.lifeline != _NO_LIFELINE else [])
    select.select(waiting, [], [])
    _end(supervisor)
    state.remove(arguments.name)


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    """Kill the namespace's first process; ``unshare`` returns when the kernel has ended all others."""
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
    try:
        first = [int(pid) for pid in children.read_text(encoding="ascii").split()]
    except FileNotFoundError:
        first = []
    for pid in first or [supervisor.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    supervisor.wait()


if __name__ == "__main__":
    main()
