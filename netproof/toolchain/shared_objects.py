"""Programs of the machine with the shared objects that they load, so that they run in an image of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from netproof.errors import NetproofError

_SEARCHED = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_ANSWER_SECONDS = 10.0

# "libc.so.6 => /lib/libc.so.6 (0x00007f...)", and the loader itself: "/lib64/ld-linux-x86-64.so.2 (0x00007f...)"
_OBJECT = re.compile(r"(?:^|=>)\s*(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)


def find_programs(packages: Mapping[str, str]) -> dict[str, Path]:
    """The programs of the machine by name, each as the file behind all links.

    Args:
        packages: by the name of each program, the Debian package that brings it.

    Raises:
        NetproofError: one is not on this machine; the remedy installs all that are missing.
    """
    found = {name: shutil.which(name, path=_SEARCHED) for name in packages}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        wanted = " ".join(sorted({packages[name] for name in missing}))
        raise NetproofError(
            f"programs of this machine are missing: {', '.join(missing)}",
            f"apt-get install -y --no-install-recommends {wanted}",
        )
    return {name: Path(path).resolve() for name, path in found.items() if path is not None}


def shared_objects(programs: Iterable[Path]) -> dict[str, Path]:
    """The shared objects that these programs load, the loader among them, by the path they are looked for at.

    Each is the file behind all links. What a program opens by name while it runs is not known here.

    Raises:
        NetproofError: ``ldd`` cannot tell, or a program lacks an object.
    """
    found: dict[str, Path] = {}
    for program in programs:
        found |= {name: Path(name).resolve() for name in _OBJECT.findall(_ldd(program))}
    return dict(sorted(found.items()))


def _ldd(program: Path) -> str:
    told = subprocess.run(
        ["ldd", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=_ANSWER_SECONDS,
        env={"PATH": _SEARCHED, "LC_ALL": "C"},
    )
    if missing := _MISSING.findall(told.stdout):
        raise NetproofError(f"{program} lacks shared objects: {', '.join(missing)}", "install its package anew")
    if told.returncode and "not a dynamic executable" not in told.stdout + told.stderr:
        raise NetproofError(f"ldd cannot tell what {program} loads: {told.stderr.strip()}")
    return told.stdout
