"""Gets components: from the cache, the official release, the pinned Go module or the machine itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from netproof.errors import NetproofError
from netproof.toolchain.build import build
from netproof.toolchain.cache import (
    MAKE_SPACE,
    Cache,
    Installation,
    InstalledFile,
    open_cache,
    receipt_of,
    require_free_space,
    write_receipt,
)
from netproof.toolchain.catalog import SOURCES, Catalog, Component, Release, Source, load_catalog
from netproof.toolchain.elf import is_static
from netproof.toolchain.fetch import Downloader, UnavailableError, extract_members, mirrored, published_sum
from netproof.toolchain.progress import Progress, SilentProgress

SOURCES_VARIABLE = "NETPROOF_SOURCES"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Tools:
    """Programs ready to run.

    Attributes:
        installations: the components they belong to, by name.
    """

    installations: Mapping[str, Installation]

    def path(self, program: str) -> Path:
        """The absolute path of the program.

        Raises:
            NetproofError: none of the components provides it.
        """
        for installation in self.installations.values():
            if program in installation.programs:
                return installation.programs[program].path
        raise NetproofError(f"the program {program!r} was not asked for; at hand: {', '.join(sorted(self.programs()))}")

    def file(self, name: str) -> Path:
        """The absolute path of a file that came with the programs.

        Raises:
            NetproofError: none of the components has it.
        """
        for installation in self.installations.values():
            if name in installation.files:
                return installation.files[name].path
        raise NetproofError(f"the file {name!r} was not asked for; at hand: {', '.join(sorted(self.installations))}")

    def programs(self) -> dict[str, Path]:
        """All programs by name."""
        return {
            name: file.path
            for installation in self.installations.values()
            for name, file in installation.programs.items()
        }

    def describe(self) -> dict[str, dict[str, str]]:
        """For reports: of each component its ``version``, its ``source`` and the ``origin`` there."""
        return {
            name: {"version": each.version, "source": each.source, "origin": each.origin}
            for name, each in self.installations.items()
        }


def ensure(
    component_names: Iterable[str],
    kubernetes_version: str | None = None,
    progress: Progress | None = None,
    sources: Sequence[Source] | None = None,
) -> Tools:
    """The programs of these components; what the cache lacks is downloaded or built now.

    Args:
        component_names: such as ``kubernetes``, ``etcd``; names of components.toml.
        kubernetes_version: ``1.36``, ``1.36.3``, ``v1.36.3``, or None for the newest.
        progress: who is told what happens.
        sources: the only sources to use; None for ``NETPROOF_SOURCES``, else all.

    Raises:
        NetproofError: an unknown name or version, another architecture, a full disk, a wrong checksum, a failing build,
            or no source that has the component.
    """
    acquisition = Acquisition(
        open_cache(), load_catalog(), progress or SilentProgress(), allowed_sources() if sources is None else sources
    )
    return acquisition.ensure(component_names, kubernetes_version)


def cached(component_names: Iterable[str], kubernetes_version: str | None = None) -> Tools | None:
    """As :func:`ensure`, where the cache has all of these components; else None, and nothing is done."""
    acquisition = Acquisition(open_cache(), load_catalog(), SilentProgress(), allowed_sources())
    found = {}
    for component in map(acquisition.catalog.component, component_names):
        installed = acquisition.cached(component, acquisition.catalog.version_of(component, kubernetes_version))
        if installed is None:
            return None
        found[component.name] = installed
    return Tools(found)


def allowed_sources() -> tuple[Source, ...]:
    """The sources of ``NETPROOF_SOURCES`` (such as ``release,module``), in the order they are tried; all if unset.

    Raises:
        NetproofError: the variable names a source that does not exist.
    """
    return parse_sources(os.environ.get(SOURCES_VARIABLE, ""), SOURCES_VARIABLE)


def parse_sources(text: str, where: str) -> tuple[Source, ...]:
    """The sources in a text such as ``release,module``, in the order they are tried; all of them for an empty text.

    Raises:
        NetproofError: the text names a source that does not exist; ``where`` tells whose text it is.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise NetproofError(f"{where} names the unknown source {unknown[0]!r}", f"use some of {','.join(SOURCES)}")
    return tuple(source for source in SOURCES if source in names or not names)


@dataclass(slots=True)
class Acquisition:
    """Gets components into one cache, from the allowed sources."""

    cache: Cache
    catalog: Catalog
    progress: Progress
    sources: Sequence[Source] = SOURCES
    downloader: Downloader = field(init=False)

    def __post_init__(self) -> None:
        self.downloader = Downloader(self.progress)

    def ensure(self, component_names: Iterable[str], kubernetes_version: str | None = None) -> Tools:
        """As :func:`ensure`."""
        components = [self.catalog.component(name) for name in dict.fromkeys(component_names)]
        return Tools(
            {
                component.name: self.install(component, self.catalog.version_of(component, kubernetes_version))
                for component in components
            }
        )

    def cached(self, component: Component, version: str) -> Installation | None:
        """What the cache has of the component from an allowed source, or None."""
        found = (self.cache.find(component, version, source) for source in self._sources_of(component))
        return next((installation for installation in found if installation), None)

    def install(self, component: Component, version: str) -> Installation:
        """The component from the cache, else from the first source that has it.

        Raises:
            NetproofError: as :func:`ensure`.
        """
        component.require_architecture()
        installed = self.cached(component, version)
        if installed:
            return installed
        with self.cache.lock(component, self.progress):
            # another run may have installed it while this one waited for the lock
            return self.cached(component, version) or self._install_from_first_source(component, version)

    def _sources_of(self, component: Component) -> list[Source]:
        return [source for source in component.sources if source in self.sources]

    def _install_from_first_source(self, component: Component, version: str) -> Installation:
        reasons = []
        for source in self._sources_of(component):
            try:
                if source == "release":
                    return self._from_release(component, version)
                if source == "module":
                    return self._from_module(component, version)
                return self._from_system(component, version)
            except UnavailableError as problem:
                reasons.append(f"{source}: {problem}")
                if source != self._sources_of(component)[-1]:
                    self.progress.note(f"{component.name} {version}: no {source}: {problem}")
        named = f"{component.name} {version}".rstrip()
        unused = [source for source in component.sources if source not in self.sources]
        raise NetproofError(
            f"no source has {named}: " + ("; ".join(reasons) or f"it has only {' and '.join(component.sources)}"),
            _remedy(component, unused),
        )

    def _from_release(self, component: Component, version: str) -> Installation:
        release = component.release
        if release is None:
            raise UnavailableError("the project publishes no binaries")
        require_free_space(self.cache.root, release.disk_mib.installed, f"downloading {component.name}", MAKE_SPACE)
        with self.cache.installing(component, version, "release") as directory:
            if release.members:
                url = component.expand(release.url, version)
                archive = self._download(component, release, version, url, "")
                members = {name: component.expand(path, version) for name, path in release.members.items()}
                extract_members(archive, members, directory)
                archive.unlink()
            else:
                for program in component.programs:
                    url = component.expand(release.url, version, program=program)
                    self._download(component, release, version, url, program).rename(directory / program)
            self._seal(component, version, "release", _server(url), directory)
        return self._installed(component, version, "release")

    def _download(self, component: Component, release: Release, version: str, url: str, program: str) -> Path:
        file_name = PurePosixPath(urlsplit(url).path).name
        expected = release.sha256.get(file_name)
        if expected is None:
            sum_url = component.expand(release.sha256_url, version, url=url, file=file_name, program=program)
            expected = published_sum(self.downloader.text(sum_url), file_name)
        title = f"downloading {program or component.name} {version}"
        return self.downloader.file(url, expected, title, self.cache.downloads / component.name)

    def _from_module(self, component: Component, version: str) -> Installation:
        directory = component.module_directory(version)
        if component.module is None or directory is None:
            raise UnavailableError(f"no Go module pins version {version}")
        installed_mib = component.module.disk_mib.installed
        require_free_space(self.cache.root, installed_mib, f"building {component.name}", MAKE_SPACE)
        with self.cache.installing(component, version, "module") as incoming:
            log = self.cache.logs / f"build-{component.name}-{version}.log"
            origin = build(component, version, directory, incoming, log, self.progress)
            self._seal(component, version, "module", origin, incoming)
        return self._installed(component, version, "module")

    def _from_system(self, component: Component, version: str) -> Installation:
        system = component.system
        if system is None:
            raise UnavailableError("it is no program of the machine")
        found = shutil.which(system.program, path=f"{os.environ.get('PATH', '')}:{_SBIN}")
        if found is None:
            raise UnavailableError(f"there is no {system.program} on this machine")
        path = Path(found).resolve()
        if system.static and not is_static(path):
            raise UnavailableError(f"{path} is linked dynamically, so it cannot run in an image of its own")
        status = path.stat()
        file = InstalledFile(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns)
        receipt = Installation(
            component=component.name,
            version=_told_version(path, system.version_arguments),
            source="system",
            origin=str(path),
            programs={component.programs[0]: file},
        )
        # remembered, so that the next run does not try to reach a release that is out of reach before it looks here
        with self.cache.installing(component, version, "system") as directory:
            write_receipt(receipt, directory)
        return receipt

    def _seal(self, component: Component, version: str, source: Source, origin: str, directory: Path) -> None:
        for program in component.programs:
            if (directory / program).is_file():
                (directory / program).chmod(0o755)
        write_receipt(receipt_of(component, version, source, origin, directory), directory)

    def _installed(self, component: Component, version: str, source: Source) -> Installation:
        installed = self.cache.find(component, version, source)
        if installed is None:
            raise NetproofError(
                f"{component.name} {version} vanished from the cache {self.cache.root} while in use",
                "run it again, and not beside what empties the cache: it is then got anew",
            )
        return installed


def _server(url: str) -> str:
    parts = urlsplit(mirrored(url))
    return f"{parts.scheme}://{parts.netloc}"


def _told_version(program: Path, arguments: Sequence[str]) -> str:
    answer = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=10)
    lines = (answer.stdout or answer.stderr).splitlines()
    words = lines[0].split() if lines else []
    numbered = [word for word in words if word.lstrip("v")[:1].isdigit()]
    return numbered[0].removeprefix("v") if numbered else "unknown"


def _remedy(component: Component, unused: Sequence[Source]) -> str:
    remedies = []
    if component.system:
        remedies.append(f"apt-get install {component.system.package}")
    if "release" in component.sources:
        remedies.append("give the machine a way to the release, or NETPROOF_MIRROR the address of a mirror")
    if unused:
        remedies.append(f"allow {' or '.join(unused)} in {SOURCES_VARIABLE}")
    return "; or ".join(remedies)
