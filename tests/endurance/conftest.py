"""What the tests of endurance share: how often, and what a cluster may have left behind on this machine."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from netproof.cluster import state
from netproof.node import cgroups

NAME = "endurance"
_KINDS_OF_NAMESPACES = ("net", "mnt", "uts", "pid", "ipc")


def pytest_addoption(parser):
    parser.addoption("--rounds", type=int, default=10, help="how often a cluster is booted and broken off")
    parser.addoption(
        "--seed", type=int, default=None, help="of the random moments and victims (default: another each time)"
    )


@dataclass
class Traces:
    """What a living cluster has on this machine, by which it is found again should it stay.

    Attributes:
        processes: its processes, each as its number and the time of its start.
        namespaces: the namespaces they are in that are not this process's own.
        port: the port on loopback that leads to its API server; 0 where it has none yet.
        ended_at: when it was broken off, in ticks since the boot. The kernel gives the number of a namespace that has
            gone to the next one that is made, so who started later and is in one of that number is somebody else.
    """

    processes: frozenset[tuple[str, str]]
    namespaces: frozenset[str]
    port: int
    ended_at: int = 0

    @classmethod
    def of(cls, name: str) -> Traces:
        """Those of the cluster called ``name``, as far as it has come."""
        numbers = {number for number in _processes() if _is_of(number, name)}
        numbers |= {str(number) for number in cgroups.processes(f"/netproof/{name}")}
        kubeconfig = _read(state.StateDirectory(name).kubeconfig)
        port = re.search(r"server: https://127\.0\.0\.1:(\d+)", kubeconfig)
        return cls(
            frozenset((number, _started(number)) for number in numbers if _started(number)),
            frozenset(_namespaces(numbers) - _namespaces({"self"})),
            int(port[1]) if port else 0,
        )

    def end(self, pid: int, how: signal.Signals, *, whole_group: bool = False) -> None:
        """Send one of those that keep the cluster a signal, or all of its process group."""
        (os.killpg if whole_group else os.kill)(pid, how)
        self.ended_at = int(float(_read(Path("/proc/uptime")).split()[0]) * os.sysconf("SC_CLK_TCK"))

    def leftovers(self, name: str) -> dict[str, int]:
        """How many of each kind of thing there still are."""
        older = {number for number in _processes() if int(_started(number) or self.ended_at + 1) <= self.ended_at}
        directory = str(state.StateDirectory(name).path)
        return {
            "processes": sum(_started(number) == started for number, started in self.processes),
            "namespaces": len(self.namespaces & _namespaces(older)),
            "mounts": sum(directory in line for line in _read(Path("/proc/self/mounts")).splitlines()),
            "cgroups": cgroups.children("/netproof").count(name),
            "files": len(list(Path(directory).parent.glob(f"{name}*"))),
            "loopback ports": int(self.port in _listening()),
        }


def _processes():
    return {path.name for path in Path("/proc").iterdir() if path.name.isdigit()} - {str(os.getpid())}


def _is_of(number, name):
    words = _read(Path(f"/proc/{number}/cmdline")).split("\0")
    return name in words or any(f"/clusters/{name}/" in word for word in words)


def _started(number):
    """When a process started, in ticks since the boot: with its number that is who it is; empty where it is gone."""
    fields = _read(Path(f"/proc/{number}/stat")).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _namespaces(numbers):
    found = set()
    for number in numbers:
        for kind in _KINDS_OF_NAMESPACES:
            try:
                found.add(str(Path(f"/proc/{number}/ns/{kind}").readlink()))
            except OSError:
                continue
    return found


def _listening():
    """The ports on 127.0.0.1 where somebody listens: state 0A in ``/proc/net/tcp``, addresses in hexadecimal."""
    rows = [line.split() for line in _read(Path("/proc/net/tcp")).splitlines()[1:]]
    return {int(row[1][9:], 16) for row in rows if row[3] == "0A" and row[1].startswith("0100007F")}


def _read(path):
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@pytest.fixture
def traces_of():
    """Finds what a living cluster has on this machine, by its name."""
    return Traces.of


@pytest.fixture
def name():
    """The name of the cluster that is booted and broken off."""
    return NAME
