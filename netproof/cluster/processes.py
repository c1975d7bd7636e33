"""Starting components, noticing the end of each, reaping: the work of a PID namespace's first process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netproof.cluster.components import Component
from netproof.node import cgroups
from netproof.node.machine import Machine

_GRACE_SECONDS = 5.0
"""How long a component may take to end in good order; kube-apiserver would wait a minute for its watchers to go."""


@dataclass(slots=True)
class Running:
    """A component's process.

    Attributes:
        component: what was started.
        process: its process; its pid is that of this PID namespace.
        log: where its output goes.
        pass_fds: the descriptors that it inherited.
        expected_to_end: set before it is ended on purpose.
    """

    component: Component
    process: subprocess.Popen[bytes]
    log: Path
    pass_fds: tuple[int, ...] = ()
    expected_to_end: bool = False


class Processes:
    """All components of a cluster.

    Args:
        cgroup: the cgroup they are put into.
        logs: the directory of the components' logs.
        on_death: called, from the reaping thread, with each component that ended without being asked to.
    """

    def __init__(self, cgroup: str, logs: Path, on_death: Callable[[Running, int], None]) -> None:
        self._cgroup = cgroup
        self._logs = logs
        self._on_death = on_death
        self._running: dict[str, Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)

    def start(
        self, component: Component, machine: Machine | None, *, stdout: int | None = None, pass_fds: Sequence[int] = ()
    ) -> Running:
        """Start a component on a machine; None is the host's own network.

        Args:
            component: what to start.
            machine: where.
            stdout: ``subprocess.PIPE`` to read its output, else that goes to the log with its errors.
            pass_fds: descriptors that it inherits.
        """
        log_path = self._logs / f"{component.name}.log"
        argv = list(component.argv)
        if machine:
            argv = machine.enter(component.argv, component.environment, component.after)
        with log_path.open("ab") as log, self._lock:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                env=os.environ | component.environment,
                pass_fds=pass_fds,
            )
            running = Running(component, process, log_path, tuple(pass_fds))
            self._running[component.name] = running
        cgroups.enter(self._cgroup, process.pid)
        return running

    def run(self, argv: Sequence[str]) -> None:
        """Run a short command to its end; the reaper is kept from taking its exit code.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        with self._lock:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            message = f"{' '.join(argv)}: {done.stderr.strip() or f'exit code {done.returncode}'}"
            raise RuntimeError(message)

    def get(self, name: str) -> Running | None:
        """The component called ``name``, or None."""
        with self._lock:
            return self._running.get(name)

    def names(self) -> list[str]:
        """The names of all components that were started."""
        with self._lock:
            return list(self._running)

    def end(self, name: str) -> None:
        """End a component on purpose, in good order where that does not take long, and wait until it is gone."""
        running = self.get(name)
        if running is None or running.process.returncode is not None:
            return
        running.expected_to_end = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            running.process.send_signal(number)
            with self._ended:
                if self._ended.wait_for(lambda: running.process.returncode is not None, _GRACE_SECONDS):
                    return

    def reap_forever(self) -> None:
        """Collect every child that ends: components, and orphans of theirs that fell to this process.

        The holders of the machines are children too and never end, so there is always one to wait for.
        """
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended is not None:
                self._collect(ended.si_pid)

    def _collect(self, pid: int) -> None:
        with self._lock:
            running = next((one for one in self._running.values() if one.process.pid == pid), None)
            if running is None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
                return
            code = running.process.poll()
            self._ended.notify_all()
        if not running.expected_to_end:
            self._on_death(running, -1 if code is None else code)
