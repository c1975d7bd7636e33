"""The kernel of a virtual machine: Debian's for clouds, which is small and has what hosts may lack.

One that is installed on the host is taken as it is. Else its package is got with apt and unpacked into the cache, never
installed: the host's own way to boot is left alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from netproof.errors import NetproofError

META_PACKAGE = "linux-image-cloud-amd64"
_FLAVOUR = "cloud-amd64"
_DOWNLOAD_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel with its modules.

    Attributes:
        release: its release, such as ``6.1.0-56-cloud-amd64``.
        image: the file that boots.
        modules: the directory of its modules.
    """

    release: str
    image: Path
    modules: Path


def find_kernel(cache: Path) -> Kernel | None:
    """The newest kernel for clouds that is installed, else the newest in the cache directory, or None."""
    for root in (Path("/"), *sorted(cache.glob(f"linux-image-*-{_FLAVOUR}"), key=_by_number, reverse=True)):
        images = sorted((root / "boot").glob(f"vmlinuz-*-{_FLAVOUR}"), key=_by_number, reverse=True)
        for image in images:
            release = image.name.removeprefix("vmlinuz-")
            for modules in (root / "lib/modules" / release, root / "usr/lib/modules" / release):
                if modules.is_dir():
                    return Kernel(release, image, modules)
    return None


def package_name() -> str:
    """The package of the newest kernel for clouds that apt knows; empty where it knows none."""
    if shutil.which("apt-cache") is None:
        return ""
    done = subprocess.run(
        ["apt-cache", "depends", META_PACKAGE], capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(rf"Depends: (linux-image-\S+-{_FLAVOUR})", done.stdout)
    return found[1] if found else ""


def get_kernel(cache: Path) -> Kernel:
    """The kernel to boot; where none is there its package is downloaded and unpacked into the cache directory.

    Raises:
        NetproofError: it can be had from nowhere.
    """
    if found := find_kernel(cache):
        if found.image.is_relative_to(cache):
            os.utime(cache / found.image.relative_to(cache).parts[0])
        return found
    package = package_name()
    if not package:
        raise NetproofError(f"no kernel for virtual machines: apt knows no package {META_PACKAGE}", REMEDY)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=cache) as directory:
        _run(["apt-get", "download", "-q", package], Path(directory))
        (archive,) = Path(directory).glob("*.deb")
        _run(["dpkg-deb", "--extract", archive.name, "unpacked"], Path(directory))
        # What the package does when it is installed: without it no module finds those that it needs.
        for modules in Path(directory).glob("unpacked/**/lib/modules/*"):
            root = modules.parents[2].relative_to(directory)
            _run(["depmod", "--basedir", str(root), modules.name], Path(directory))
        (Path(directory) / "unpacked").rename(cache / package)
    found = find_kernel(cache)
    if found is None:
        raise NetproofError(f"the package {package} has no kernel with modules", REMEDY)
    return found


REMEDY = f"apt-get update, or apt-get install {META_PACKAGE}"


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS
    )
    if done.returncode:
        raise NetproofError(f"{' '.join(command)} failed: {done.stderr.strip()}", REMEDY)


def _by_number(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path.name)]
