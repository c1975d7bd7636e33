"""Getting a machine ready: the system packages that a cluster calls, and those of single checks."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netproof.cluster.preflight import missing_debian_packages
from netproof.errors import NetproofError
from netproof.observe.browser import BROWSER_PROGRAMS

_TAIL_LINES = 10


@dataclass(frozen=True, slots=True)
class OptionalPackage:
    """A Debian package that a run can do without.

    Attributes:
        name: the package.
        programs: any of these programs will do.
        without: what a run loses without it, in words.
    """

    name: str
    programs: tuple[str, ...]
    without: str

    @property
    def is_missing(self) -> bool:
        """Whether this machine has none of its programs."""
        return not any(shutil.which(program) for program in self.programs)


OPTIONAL_PACKAGES = (
    OptionalPackage("chromium", BROWSER_PROGRAMS, "checks that open pages in a browser are unsupported"),
)
"""What set-up installs where it can, and names where it cannot."""


def install_system_packages(say: Callable[[str], None]) -> None:
    """Install what is missing, on a Debian machine as root; elsewhere say what to install.

    Args:
        say: told what happens, a line at a time.

    Raises:
        NetproofError: packages that an embedded cluster cannot do without cannot be installed from here.
    """
    missing = missing_debian_packages()
    if missing:
        _install(missing, say)
    for package in OPTIONAL_PACKAGES:
        if package.is_missing:
            _try_to_install(package, say)


def _try_to_install(package: OptionalPackage, say: Callable[[str], None]) -> None:
    try:
        _install([package.name], say)
    except NetproofError as problem:
        say(f"going on without {package.name}: {package.without}. {problem}")


def _install(packages: Sequence[str], say: Callable[[str], None]) -> None:
    names = " ".join(packages)
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").exists():
        raise NetproofError(
            f"programs of these packages are missing: {names}", "install them with this system's package manager"
        )
    if os.geteuid() != 0:
        raise NetproofError(f"these system packages are missing: {names}", f"sudo apt-get install -y {names}")
    say(f"installing system packages: {names}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            tail = "\n".join(done.stdout.splitlines()[-_TAIL_LINES:])
            raise NetproofError(
                f"{' '.join(command)} failed:\n{tail}", "mend the package manager, or install the packages by hand"
            )
