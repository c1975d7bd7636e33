"""Set-up installs what it can; what a run can do without does not stop it."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace

import pytest

from netproof.commands import system_packages
from netproof.commands.system_packages import OptionalPackage, install_system_packages
from netproof.errors import NetproofError

BROWSER = OptionalPackage("chromium", ("no-such-browser",), "some checks are unsupported")


@pytest.fixture
def machine(monkeypatch):
    """A Debian machine as root; returns what apt-get was called with, and fails for packages in its ``broken``."""

    found = SimpleNamespace(broken=(), missing=(), calls=[])

    def run(command, **_):
        found.calls.append(command)
        failed = any(package in command for package in found.broken)
        return subprocess.CompletedProcess(command, 100 if failed else 0, "E: Unable to locate package\n")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name, **_: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(system_packages, "Path", lambda _: SimpleNamespace(exists=lambda: True))
    monkeypatch.setattr(system_packages, "OPTIONAL_PACKAGES", (BROWSER,))
    monkeypatch.setattr(system_packages, "missing_debian_packages", lambda: list(found.missing))
    return found


def installed(machine):
    return [command[-1] for command in machine.calls if "install" in command]


def test_both_kinds_are_installed(machine):
    machine.missing = ("nftables",)
    said = []

    install_system_packages(said.append)

    assert installed(machine) == ["nftables", "chromium"]
    assert said == ["installing system packages: nftables", "installing system packages: chromium"]


def test_what_a_cluster_needs_stops_the_set_up(machine):
    machine.missing = machine.broken = ("nftables",)

    with pytest.raises(NetproofError, match=r"nftables failed:\nE: Unable to locate package"):
        install_system_packages(lambda _: None)


def test_what_it_can_do_without_is_told_and_left_out(machine):
    machine.broken = ("chromium",)
    said = []

    install_system_packages(said.append)

    assert said[-1].startswith("going on without chromium: some checks are unsupported. apt-get install")


def test_who_is_not_root_is_told_what_to_install(machine, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = []

    install_system_packages(said.append)

    assert "remedy: sudo apt-get install -y chromium" in said[-1]
    assert not machine.calls
