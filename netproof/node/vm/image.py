"""The root file system of virtual machines: what a node needs of this host, as one read-only image.

It has the programs of the cluster, the tools of the system with the libraries they load, Python and the modules of the
kernel, each at the path that it has here, so that a command line means the same inside and outside. The image is a
squashfs without compression, since to unpack in an emulated machine costs more than to read. It is kept in the cache
under a name that follows from all that went into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import IO

from netproof.errors import NetproofError
from netproof.feeding import feed
from netproof.long_unused import long_unused
from netproof.node.vm.kernel import Kernel

FORM = 2
"""Part of the image's name; to be counted up when the way in which images are made changes."""

SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_SYSTEM_PROGRAMS = (
    *(
        "sh",
        "bash",
        "busybox",
        "env",
        "mount",
        "umount",
        "nsenter",
        "unshare",
        "setpriv",
        "hostname",
        "sysctl",
        "ip",
        "ss",
        "tc",
    ),
    *("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore", "nft"),
    *("ipset", "ipvsadm", "conntrack", "modprobe", "lsmod", "runc", "curl", "ping", "tcpdump"),
)
"""What components and checks call on a node; what of it this host does not have is left out."""

_PLUGINS = ("xtables", "iptables")
"""Directories beside the libraries from which programs load more: the matches and targets of iptables."""

_CONFIGURATION = (
    *("/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/protocols", "/etc/services", "/etc/ld.so.cache"),
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/iproute2"),
)
_MOUNT_POINTS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/lib", "/var/log", "/mnt", "/etc")
_TOP_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_AGENT_DISTRIBUTIONS = ("pyroute2", "dnspython", "urllib3")
"""What the agents import, with what that needs."""
_LEFT_OUT_OF_PYTHON = {"test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages"}
_MKSQUASHFS_OPTIONS = ("-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress")
_NAME = re.compile(r"[\w.-]*\w")
_LIBRARY = re.compile(r"^\s+(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)


@dataclass(slots=True)
class Tree:
    """The files of an image: for each path its source on this host, or the target of a link."""

    files: dict[str, Path] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Add a file at its own path, with the links on the way to it."""
        current = Path("/")
        for position, part in enumerate(path.parts[1:], start=2):
            current /= part
            if current.is_symlink():
                target = current.readlink()
                self.links[str(current)] = str(target)
                rest = path.parts[position:]
                self.add(Path(os.path.normpath(current.parent / target).replace("//", "/"), *rest))
                return
        self.files[str(path)] = path

    def add_all_below(self, directory: Path, left_out: Iterable[str] = (), suffixes: Iterable[str] = ()) -> None:
        """Add all files of a directory, or those with these suffixes; directories of the names left out are skipped."""
        wanted = tuple(suffixes) or ("",)
        for top, directories, names in os.walk(directory):
            directories[:] = [one for one in directories if one not in set(left_out)]
            for name in names:
                if name.endswith(wanted):
                    self.add(Path(top, name))
            for name in directories:
                if Path(top, name).is_symlink():
                    self.links[str(Path(top, name))] = str(Path(top, name).readlink())

    def add_programs(self, paths: Iterable[Path]) -> None:
        """Add programs with the libraries that they load."""
        wanted = list(paths)
        for path in (*wanted, *libraries_of(wanted)):
            self.add(path)

    def key(self) -> str:
        """A digest of all that decides what the image is."""
        lines = [f"{path} -> {target}" for path, target in sorted(self.links.items())]
        for path, source in sorted(self.files.items()):
            status = source.stat()
            lines.append(f"{path} {stat.S_IMODE(status.st_mode):o} {status.st_size} {status.st_mtime_ns}")
        return hashlib.sha256(json.dumps([FORM, lines]).encode()).hexdigest()[:16]

    def write_tar(self, stream: IO[bytes]) -> None:
        """Write everything as a tar archive, with the directories that it is in."""
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as archive:
            for directory in sorted(self._directories()):
                entry = tarfile.TarInfo(directory.lstrip("/"))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "/tmp" else 0o755
                archive.addfile(entry)
            for path, target in sorted(self.links.items()):
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                archive.addfile(entry)
            for path, source in sorted(self.files.items()):
                with source.open("rb") as content:
                    status = os.fstat(content.fileno())
                    entry = tarfile.TarInfo(path.lstrip("/"))
                    entry.size, entry.mtime = status.st_size, int(status.st_mtime)
                    entry.mode = stat.S_IMODE(status.st_mode)
                    archive.addfile(entry, content)

    def _directories(self) -> Iterator[str]:
        seen: set[str] = set()
        for path in (*(f"{point}/x" for point in _MOUNT_POINTS), *self.files, *self.links):
            for parent in Path(path).parents:
                if str(parent) != "/" and str(parent) not in self.links:
                    seen.add(str(parent))
        yield from seen


def contents(programs: Iterable[Path], kernel: Kernel) -> Tree:
    """What an image has.

    Args:
        programs: those of the cluster that run on a node.
        kernel: the kernel whose modules it has.
    """
    tree = Tree()
    for path in map(Path, _TOP_LINKS):
        if path.is_symlink():
            tree.links[str(path)] = str(path.readlink())
    found = [shutil.which(name, path=SEARCH_PATH) for name in _SYSTEM_PROGRAMS]
    tree.add_programs([Path(one) for one in found if one])
    tree.add_programs(programs)
    _add_applets(tree)
    for plugins in _plugin_directories(tree):
        tree.add_programs(sorted(plugins.glob("*.so")))
    _add_python(tree)
    _add_modules(tree, kernel)
    for name in _CONFIGURATION:
        path = Path(name)
        if path.is_dir():
            tree.add_all_below(path)
        elif path.exists():
            tree.add(path)
    return tree


def build_image(tree: Tree, directory: Path) -> Path:
    """The image of a tree in the cache directory; made where it is not there yet. Old ones that nothing uses go.

    Raises:
        NetproofError: it cannot be made.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return _made_once(
        directory / f"root-{tree.key()}.sqfs",
        lambda image: feed(["mksquashfs", "-", str(image), "-tar", *_MKSQUASHFS_OPTIONS], tree.write_tar),
    )


def build_image_of_directory(source: Path, directory: Path) -> Path:
    """The image of all that lies in a directory, which never changes under its name; made as :func:`build_image` does.

    Raises:
        NetproofError: it cannot be made.
    """

    def make(image: Path) -> subprocess.CompletedProcess[str]:
        command = ["mksquashfs", str(source), str(image), *_MKSQUASHFS_OPTIONS]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return _made_once(directory / f"{source.name}.sqfs", make)


def _made_once(image: Path, make: Callable[[Path], subprocess.CompletedProcess[str]]) -> Path:
    if image.exists():
        os.utime(image)
        return image
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=image.parent) as incoming:
        unfinished = Path(incoming) / image.name
        done = make(unfinished)
        if done.returncode:
            said = f"the image of virtual machines cannot be made: {done.stderr.strip()}"
            raise NetproofError(said, "see mksquashfs(1)")
        unfinished.rename(image)
    for old in long_unused(image.parent.glob("*.sqfs")):
        old.unlink()
    return image


def libraries_of(paths: Iterable[Path]) -> list[Path]:
    """The shared libraries that programs and libraries load, with the loader, as ldd(1) finds them."""
    names = [str(path) for path in paths]
    if not names:
        return []
    done = subprocess.run(["ldd", *names], capture_output=True, text=True, check=False, timeout=120)
    return sorted({Path(one) for one in _LIBRARY.findall(done.stdout)})


def _add_applets(tree: Tree) -> None:
    """What busybox can be, under its names, where the real program is not there."""
    there = {Path(path).name for path in (*tree.files, *tree.links)}
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True, timeout=30)
    for applet in listed.stdout.split():
        if applet not in there:
            tree.links[f"/usr/bin/{applet}"] = "busybox"


def _plugin_directories(tree: Tree) -> set[Path]:
    parents = {Path(path).parent for path in tree.files if ".so" in path}
    return {parent / name for parent in parents for name in _PLUGINS if (parent / name).is_dir()}


def _add_python(tree: Tree) -> None:
    """Python as it runs here, with what the agents import; netproof itself comes with each machine."""
    tree.add_programs(sorted({Path(sys.executable), *(Path(sys.prefix) / "bin").glob("python*")}))
    configuration = Path(sys.prefix) / "pyvenv.cfg"
    if configuration.exists():
        tree.add(configuration)
    for name in {sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}), *_stdlib_of_base()}:
        tree.add_all_below(Path(name), _LEFT_OUT_OF_PYTHON, (".py", ".pyc", ".so"))
    extensions = [Path(path) for path in tree.files if ".so" in path]
    for found in _with_needed(_AGENT_DISTRIBUTIONS):
        for one in found.files or ():
            path = Path(os.path.normpath(str(one.locate())))
            if path.is_file() and path.suffix in {".py", ".so", ".pem"}:
                tree.add(path)
                compiled = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
                if compiled.is_file():
                    tree.add(compiled)
    for path in Path(sysconfig.get_path("purelib")).glob("*netproof*.pth"):
        tree.add(path)
    tree.add_programs(extensions)


def _with_needed(names: Iterable[str]) -> list[Distribution]:
    """Packages with all that they need, but for what is optional."""
    wanted, found = list(names), dict[str, Distribution]()
    while wanted:
        name = wanted.pop()
        if name.lower() not in found:
            try:
                found[name.lower()] = distribution(name)
            except PackageNotFoundError:
                raise NetproofError(f"the package {name} is missing", "install netproof again") from None
            required = [one for one in found[name.lower()].requires or () if ";" not in one]
            wanted += [match[0] for one in required if (match := _NAME.match(one))]
    return list(found.values())


def _stdlib_of_base() -> Iterator[str]:
    yield str(Path(os.__file__).parent)


def _add_modules(tree: Tree, kernel: Kernel) -> None:
    inside = Path("/lib/modules") / kernel.release
    for source in kernel.modules.rglob("*"):
        if source.is_file() and not source.is_symlink():
            tree.files[str(_beyond_links(tree, inside) / source.relative_to(kernel.modules))] = source


def _beyond_links(tree: Tree, path: Path) -> Path:
    """Where a path lies in a tree whose ``/lib`` may be a link."""
    target = tree.links.get("/lib")
    return Path("/", target, path.relative_to("/lib")) if target else path
