"""What components.toml says: every component, its versions, and where its programs come from."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from netproof.errors import NetproofError
from netproof.resources import data_directory

Source = Literal["release", "module", "system"]
SOURCES: tuple[Source, ...] = ("release", "module", "system")

# with CGO_ENABLED=0, -trimpath makes the same sources give the same static binary on any machine; -buildvcs=false: the
# commit of the repository that happens to lie around is no part of it
GO_BUILD_FLAGS = ("-trimpath", "-buildvcs=false")

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def _known_digits(version: str) -> str:
    if not version or not all(part.isdigit() for part in version.split(".")):
        raise ValueError(f"{version!r} is not numbers between dots")
    return version


Version = Annotated[str, AfterValidator(_known_digits)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DiskSpace(_Table):
    """Space wanted, in MiB.

    Attributes:
        installed: in netproof's cache, downloads included.
        build_cache: in Go's build and module caches.
    """

    installed: int = Field(gt=0)
    build_cache: int = Field(default=0, ge=0)


class Release(_Table):
    """The binaries a project publishes.

    Attributes:
        url: template of the address: of each program, or of the one archive that holds all ``members``.
        sha256_url: template of the address of the published checksum.
        sha256: pinned checksums by file name; they win over the published one.
        members: for an archive, the path inside of each program; empty where the address is the program itself.
        disk_mib: space wanted.
    """

    url: str
    sha256_url: str = ""
    sha256: Mapping[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = {}
    members: Mapping[str, str] = {}
    disk_mib: DiskSpace

    @model_validator(mode="after")
    def _has_a_checksum(self) -> Release:
        if not self.sha256_url and not self.sha256:
            raise ValueError("a release needs sha256 or sha256_url")
        return self


class Module(_Table):
    """A Go module that pins the sources.

    Attributes:
        directory: template of its directory under ``toolchain/``.
        requires: the Go module whose version in go.mod is the component's; empty for a program of netproof's own, whose
            sources lie there and need nothing else.
        packages: the main package of each program.
        tests: of a program that is the compiled tests of a package, that package.
        ldflags: template of what the linker is told.
        patched: files of required modules that files of ours take the place of: by module, then by path inside of it,
            the path of ours in ``directory``.
        generated: further files, each with the tool of the module that writes it to its standard output and the tool's
            arguments.
        taken: further files, each with the required module that it comes from, and a pattern of the files in there that
            it is made of.
        disk_mib: space wanted.
    """

    directory: str
    requires: str = ""
    packages: Mapping[str, str] = {}
    tests: Mapping[str, str] = {}
    ldflags: str = "-s -w"
    patched: Mapping[str, Mapping[str, str]] = {}
    generated: Mapping[str, tuple[str, ...]] = {}
    taken: Mapping[str, tuple[str, str]] = {}
    disk_mib: DiskSpace


class System(_Table):
    """A program of the machine.

    Attributes:
        program: its name, looked for on PATH and in the sbin directories, or its absolute path.
        package: the Debian package that brings it.
        static: whether it must be linked statically.
        version_arguments: arguments after which the first line it prints holds its version.
    """

    program: str
    package: str
    static: bool = False
    version_arguments: tuple[str, ...]


class Component(_Table):
    """Programs of one project that are versioned, fetched and cached together.

    Attributes:
        name: its key in components.toml.
        summary: what it is for.
        versions: the versions known, the oldest first; empty where the machine decides.
        follows: the component whose versions it has.
        architectures: those its sources exist for, as Go names them.
        programs: the programs it provides; none where it provides files alone.
    """

    name: str
    summary: str
    versions: tuple[Version, ...] = ()
    follows: str = ""
    architectures: tuple[str, ...]
    programs: tuple[str, ...] = ()
    release: Release | None = None
    module: Module | None = None
    system: System | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Component:
        if self.versions != tuple(sorted(self.versions, key=version_order)):
            raise ValueError(f"the versions of {self.name} are not in order")
        if not (self.release or self.module or self.system):
            raise ValueError(f"{self.name} has no source")
        if self.system is None and not self.versions:
            raise ValueError(f"{self.name} has no versions")
        for what, programs in (
            ("release.members", self.release.members if self.release else {}),
            ("module.packages", {**self.module.packages, **self.module.tests} if self.module else {}),
        ):
            if programs and set(programs) != set(self.programs):
                raise ValueError(f"{what} of {self.name} does not name exactly its programs")
        if not self.programs and not self.files:
            raise ValueError(f"{self.name} provides nothing")
        if self.files and self.sources != ("module",):
            raise ValueError(f"{self.name}: only its module has its files, so it can have no other source")
        if self.system is not None and len(self.programs) != 1:
            raise ValueError(f"{self.name}: a program of the system is the only one of its component")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The files it provides beside its programs."""
        return (*self.module.generated, *self.module.taken) if self.module else ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that exist for it, in the order they are tried."""
        return tuple(source for source in SOURCES if getattr(self, source) is not None)

    def expand(self, template: str, version: str, **more: str) -> str:
        """The template with the version, its parts and the machine's architecture filled in."""
        major, minor_number, *_ = [*version.split("."), "", ""]
        return template.format(
            version=version,
            major=major,
            minor=f"{major}.{minor_number}",
            minor_number=minor_number,
            architecture=self.require_architecture(),
            **more,
        )

    def require_architecture(self) -> str:
        """The architecture of this machine as Go names it.

        Raises:
            NetproofError: the component has no source for it.
        """
        here = _machine_architecture()
        if here not in self.architectures:
            raise NetproofError(
                f"{self.name} is not available for this machine's architecture {here}, only for "
                f"{', '.join(self.architectures)}",
                f"run netproof on {' or '.join(self.architectures)}",
            )
        return here

    def module_directory(self, version: str) -> Path | None:
        """The directory of the pinned Go module of this version, or None where there is none."""
        if self.module is None:
            return None
        directory = data_directory("toolchain") / self.expand(self.module.directory, version)
        return directory if (directory / "go.mod").is_file() else None


class Catalog(_Table):
    """All components by name."""

    components: Mapping[str, Component]

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: dict[str, dict[str, dict[str, object]]]) -> object:
        components = data.get("components", {})
        for name, component in components.items():
            component["name"] = name
            leader = components.get(str(component.get("follows", "")))
            if leader is not None:
                component["versions"] = leader.get("versions", [])
        return data

    def component(self, name: str) -> Component:
        """The component of this name.

        Raises:
            NetproofError: there is none.
        """
        try:
            return self.components[name]
        except KeyError:
            known = ", ".join(self.components)
            raise NetproofError(f"there is no component {name!r}", f"the components are: {known}") from None

    def provider_of(self, program: str) -> Component:
        """The component that provides this program.

        Raises:
            NetproofError: none does.
        """
        for component in self.components.values():
            if program in component.programs:
                return component
        known = ", ".join(program for component in self.components.values() for program in component.programs)
        raise NetproofError(f"no component provides the program {program!r}", f"the programs are: {known}")

    def version_of(self, component: Component, kubernetes_version: str | None = None) -> str:
        """The version of the component that goes with this Kubernetes version; empty where the machine decides.

        Raises:
            NetproofError: there is no such Kubernetes version.
        """
        if "kubernetes" in (component.name, component.follows):
            return self.resolve_kubernetes_version(kubernetes_version)
        return component.versions[-1] if component.versions else ""

    def resolve_kubernetes_version(self, wanted: str | None = None) -> str:
        """The full version, such as ``1.36.3``, for ``1.36``, ``1.36.3``, ``v1.36.3``; the newest for None.

        Raises:
            NetproofError: no version of the catalogue fits.
        """
        versions = self.component("kubernetes").versions
        if wanted is None:
            return versions[-1]
        parts = wanted.strip().removeprefix("v").split(".")
        fitting = [version for version in versions if version.split(".")[: len(parts)] == parts]
        if len(parts) not in (2, 3) or not fitting:
            raise NetproofError(
                f"there is no Kubernetes {wanted!r} in netproof's catalogue",
                f"choose one of: {', '.join(versions)} (or by minor version: "
                f"{', '.join(version.rsplit('.', 1)[0] for version in versions)})",
            )
        return fitting[-1]


@cache
def load_catalog() -> Catalog:
    """The catalogue that ships with netproof."""
    text = resources.files("netproof.toolchain").joinpath("components.toml").read_text(encoding="utf-8")
    return read_catalog(text)


def read_catalog(text: str) -> Catalog:
    """The catalogue in this TOML text.

    Raises:
        NetproofError: the text is no TOML, or no catalogue; the message names the places.
    """
    try:
        return Catalog.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as problem:
        raise NetproofError(f"the catalogue of components cannot be read: {problem}") from problem


def resolve_kubernetes_version(wanted: str | None = None) -> str:
    """The full version of netproof's catalogue for ``1.36``, ``1.36.3``, ``v1.36.3``; the newest for None.

    Raises:
        NetproofError: no version of the catalogue fits; the remedy lists those that exist.
    """
    return load_catalog().resolve_kubernetes_version(wanted)


def _machine_architecture() -> str:
    """The architecture of this machine as Go names it (``amd64``), or as the kernel does where Go's is unknown."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def version_order(version: str) -> tuple[int, ...]:
    """A key that sorts versions by their numbers."""
    return tuple(int(part) for part in version.split("."))
