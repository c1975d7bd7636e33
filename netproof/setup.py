"""Getting a machine ready: the system packages that an embedded cluster's components call."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from netproof.cluster.preflight import missing_debian_packages
from netproof.errors import NetproofError

_TAIL_LINES = 10


def install_system_packages(say: Callable[[str], None]) -> None:
    """Install what is missing, on a Debian machine as root; elsewhere say what to install.

    Args:
        say: told what happens, a line at a time.

    Raises:
        NetproofError: the packages cannot be installed from here.
    """
    missing = missing_debian_packages()
    if not missing:
        return
    names = " ".join(missing)
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
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
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
