"""The cache of programs: ``<cache>/bin/<component>/<version>-<source>-<key>/<program>``, installed whole or not at all.

The key is a short digest of everything that decides what the programs are: for a release its addresses and pinned sums,
for a module go.mod, go.sum, the packages and the flags. So a change of any of them is simply another directory, and
:func:`netproof.toolchain.prune.prune` removes what no catalogue entry leads to any more.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from pydantic import BaseModel, ConfigDict, ValidationError

from netproof.errors import NetproofError
from netproof.toolchain.catalog import GO_BUILD_FLAGS, Component, Source
from netproof.toolchain.oci import BlobStore
from netproof.toolchain.progress import Progress

_RECEIPT = "receipt.json"
INCOMING_PREFIX = ".incoming-"
_MIB = 1024 * 1024
MAKE_SPACE = "free some space (netproof toolchain prune removes old versions), or point NETPROOF_CACHE elsewhere"
"""The remedy of a disk that is full."""


class InstalledFile(BaseModel):
    """One program or other file of an installed component.

    Attributes:
        path: where it lies; absolute.
        size: in bytes.
        mtime_ns: when it was last changed, in nanoseconds since 1970, for a program that netproof did not install.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    size: int
    mtime_ns: int | None = None

    @property
    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was installed."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        same_time = self.mtime_ns is None or self.mtime_ns == status.st_mtime_ns
        return same_time and status.st_size == self.size

    @property
    def is_runnable(self) -> bool:
        """Whether it is unchanged and executable."""
        return self.is_unchanged and os.access(self.path, os.X_OK)


class Installation(BaseModel):
    """A component as it lies in the cache, or on the machine.

    Attributes:
        component: its name.
        version: its version; for a program of the machine the line in which it tells its own.
        source: where it came from.
        origin: the address, the Go version or the path, for reports.
        programs: the programs by name.
        files: the files beside them by name.
    """

    model_config = ConfigDict(frozen=True)

    component: str
    version: str
    source: Source
    origin: str
    programs: Mapping[str, InstalledFile]
    files: Mapping[str, InstalledFile] = {}


@dataclass(frozen=True, slots=True)
class Cache:
    """The directories netproof keeps between runs, all under one root."""

    root: Path

    @property
    def programs(self) -> Path:
        """Installed components."""
        return self.root / "bin"

    @property
    def downloads(self) -> Path:
        """Downloads that are not finished, in a directory for each component."""
        return self.root / "downloads"

    @property
    def machines(self) -> Path:
        """Kernels and root images of virtual machines; one that is used is touched."""
        return self.root / "vm"

    @property
    def manifests(self) -> Path:
        """Manifests that projects publish, as they were fetched."""
        return self.root / "manifests"

    @property
    def unpacked(self) -> Path:
        """Images as a container runtime unpacks them; what is used is touched."""
        return self.root / "unpacked"

    @property
    def logs(self) -> Path:
        """Output of builds that failed."""
        return self.root / "logs"

    @property
    def images(self) -> BlobStore:
        """Blobs of images."""
        return BlobStore(self.root / "images")

    def entry(self, component: Component, version: str, source: Source) -> Path:
        """The directory of this component in this version from this source, whether or not it is there."""
        name = "-".join(part for part in (version, source, _key(component, version, source)) if part)
        return self.programs / component.name / name

    def find(self, component: Component, version: str, source: Source) -> Installation | None:
        """What is installed from this source, or None where nothing whole is."""
        entry = self.entry(component, version, source)
        try:
            receipt = Installation.model_validate_json((entry / _RECEIPT).read_bytes())
        except (OSError, ValidationError):
            return None
        if source != "system":
            receipt = receipt.model_copy(
                update={"programs": _in(entry, receipt.programs), "files": _in(entry, receipt.files)}
            )
        complete = set(component.programs) == set(receipt.programs) and set(component.files) == set(receipt.files)
        runnable = all(program.is_runnable for program in receipt.programs.values())
        unchanged = all(file.is_unchanged for file in receipt.files.values())
        return receipt if complete and runnable and unchanged else None

    @contextmanager
    def installing(self, component: Component, version: str, source: Source) -> Iterator[Path]:
        """A fresh directory to put the programs into; it becomes the entry when the block ends without an exception.

        Whatever lay at the entry (a broken installation) is replaced.

        Raises:
            NetproofError: the disk has become full meanwhile; nothing half is left.
        """
        entry = self.entry(component, version, source)
        entry.parent.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=entry.parent))
        try:
            yield incoming
            incoming.chmod(0o755)
            if entry.exists():
                shutil.rmtree(entry)
            incoming.rename(entry)
        except OSError as problem:
            if problem.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            said = f"the disk of {self.root} became full while {component.name} was installed"
            raise NetproofError(said, MAKE_SPACE) from problem
        finally:
            shutil.rmtree(incoming, ignore_errors=True)

    @contextmanager
    def lock(self, component: Component, progress: Progress) -> Iterator[None]:
        """Held by the one process that installs this component; others say that they wait, and wait.

        The lock is the kernel's: it is free again when its holder dies, however it dies.
        """
        lock = self._lock_file(component.name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            with progress.working(f"waiting for another run of netproof that installs {component.name}"):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def lock_if_free(self, component_name: str) -> Iterator[bool]:
        """The same lock without waiting; gives whether it is held."""
        lock = self._lock_file(component_name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock_file(self, component_name: str) -> FileLock:
        directory = self.root / "locks"
        directory.mkdir(parents=True, exist_ok=True)
        return FileLock(directory / f"{component_name}.lock")


def cache_directory() -> Path:
    """Where the cache lies, or will: ``NETPROOF_CACHE``, else ``netproof`` in ``XDG_CACHE_HOME``."""
    chosen = os.environ.get("NETPROOF_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("netproof")


def open_cache() -> Cache:
    """The cache of this user, which is made where it is missing.

    Raises:
        NetproofError: the directory cannot be made or written.
    """
    root = cache_directory()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise NetproofError(f"the cache {root} cannot be made: {problem}", _ANOTHER_CACHE) from problem
    if not os.access(root, os.W_OK):
        raise NetproofError(f"the cache {root} cannot be written", _ANOTHER_CACHE)
    return Cache(root)


def receipt_of(component: Component, version: str, source: Source, origin: str, directory: Path) -> Installation:
    """The receipt of the programs and files that lie in a directory.

    Raises:
        NetproofError: one of the component is missing there.
    """
    found = {}
    for name in (*component.programs, *component.files):
        path = directory / name
        if not path.is_file():
            raise NetproofError(f"{component.name} {version} came from {origin} without {name}")
        found[name] = InstalledFile(path=Path(name), size=path.stat().st_size)
    return Installation(
        component=component.name,
        version=version,
        source=source,
        origin=origin,
        programs={name: found[name] for name in component.programs},
        files={name: found[name] for name in component.files},
    )


def write_receipt(receipt: Installation, directory: Path) -> None:
    """Puts the receipt beside the programs."""
    (directory / _RECEIPT).write_text(receipt.model_dump_json(indent=2) + "\n", encoding="utf-8")


def require_free_space(directory: Path, wanted_mib: int, what: str, remedy: str) -> None:
    """Stops before work for which the file system of the directory has not the space.

    Raises:
        NetproofError: less is free than wanted.
    """
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free // _MIB
    if free_mib < wanted_mib:
        raise NetproofError(f"{what} wants {wanted_mib} MiB in {directory}, where {free_mib} MiB are free", remedy)


def _in(directory: Path, files: Mapping[str, InstalledFile]) -> dict[str, InstalledFile]:
    return {name: file.model_copy(update={"path": directory / name}) for name, file in files.items()}


_ANOTHER_CACHE = "point NETPROOF_CACHE at a directory you can write"


def _key(component: Component, version: str, source: Source) -> str:
    inputs: list[object]
    if source == "release" and component.release:
        release = component.release
        inputs = [release.model_dump(mode="json", exclude={"disk_mib"}), component.programs]
    elif source == "module" and component.module:
        module = component.module
        directory = component.module_directory(version)
        sources = sorted(path for path in directory.rglob("*") if path.is_file()) if directory else []
        inputs = [[path.read_text() for path in sources], dict(module.packages)]
        inputs += [component.expand(module.ldflags, version), GO_BUILD_FLAGS]
        inputs += filter(None, [module.model_dump(include={"patched", "generated", "tests"}, exclude_defaults=True)])
    else:
        inputs = [component.system.model_dump(mode="json") if component.system else None]
    inputs.append(component.require_architecture())
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:10]
