"""Pinning a Kubernetes version: the Go modules under ``toolchain/`` that require it, written by Go, and the catalogue.

Kubernetes' own go.mod replaces the modules of its ``staging`` directory by their paths there. Published, each of them
is v0.X.Y of Kubernetes 1.X.Y, and a module that requires Kubernetes has to say so for all of them.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netproof.errors import NetproofError
from netproof.toolchain.build import find_go
from netproof.toolchain.catalog import Catalog, Module, version_order
from netproof.toolchain.progress import Progress
from netproof.toolchain.sources import run_go

_VERSION = re.compile(r"1\.\d+\.\d+")
_VERSIONS_LINE = re.compile(r"(^\[components\.kubernetes\]\n(?:(?!\[).*\n)*?versions = )\[.*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Upstream:
    """What Kubernetes' own go.mod says: its path, its Go, the modules of its staging directory, what it requires."""

    path: str
    go: str
    staging: tuple[str, ...]
    requires: Mapping[str, str]


def pin_kubernetes(version: str, catalog: Catalog, toolchain: Path, progress: Progress) -> list[Path]:
    """Write the Go modules of a version, in the place of those of its minor version where there are any.

    Args:
        version: the version, such as ``1.38.0``.
        catalog: what is pinned until now.
        toolchain: the directory of the Go modules.
        progress: who is told.

    Returns:
        The directories that were written.

    Raises:
        NetproofError: it is no version of a release, there is no Go, or the Go module proxy does not have all of it.
    """
    if not _VERSION.fullmatch(version):
        raise NetproofError(f"{version!r} is no release of Kubernetes", "name one in full, such as 1.38.0")
    kubernetes = catalog.component("kubernetes")
    newest = kubernetes.module_directory(kubernetes.versions[-1])
    if kubernetes.module is None or newest is None:
        raise NetproofError("no Go module pins Kubernetes here", "work in a full checkout")
    path = kubernetes.module.requires
    by_directory: dict[str, list[Module]] = {}
    for component in catalog.components.values():
        if component.module and component.module.requires == path:
            by_directory.setdefault(component.expand(component.module.directory, version), []).append(component.module)
    go = find_go(newest).program
    with progress.working(f"pinning Kubernetes {version}") as tell:
        upstream = _look_upstream(go, path, version)
        for name, modules in by_directory.items():
            tell(name)
            _write_module(go, toolchain / name, _go_mod(name, version, upstream), _packages(modules, version, upstream))
    return [toolchain / name for name in by_directory]


def with_version(catalog_text: str, pinned: Iterable[str], version: str) -> str:
    """The text of components.toml with a version of Kubernetes, in the place of the one of its minor version.

    Args:
        catalog_text: the text until now.
        pinned: the versions until now.
        version: the version.
    """
    others = [one for one in pinned if _minor(one) != _minor(version)]
    versions = ", ".join(f'"{one}"' for one in sorted([*others, version], key=version_order))
    return _VERSIONS_LINE.sub(rf"\1[{versions}]", catalog_text)


def _minor(version: str) -> str:
    return version.rpartition(".")[0]


def _look_upstream(go: Path, path: str, version: str) -> _Upstream:
    with tempfile.TemporaryDirectory(prefix="netproof-pin-") as scratch:
        got = json.loads(run_go(go, ["mod", "download", "-json", f"{path}@v{version}"], Path(scratch), _environment()))
        said = json.loads(run_go(go, ["mod", "edit", "-json", got["GoMod"]], Path(scratch), _environment()))
    replaced = tuple(sorted(one["Old"]["Path"] for one in said.get("Replace") or ()))
    requires = {one["Path"]: one["Version"] for one in said.get("Require") or ()}
    return _Upstream(path, said["Go"], replaced, requires)


def _go_mod(name: str, version: str, upstream: _Upstream) -> str:
    """The go.mod that Go completes."""
    staged = f"v0.{version.partition('.')[2]}"
    replaced = "".join(f"\t{path} => {path} {staged}\n" for path in upstream.staging)
    return f"module netproof/toolchain/{name}\n\ngo {upstream.go}\n\nreplace (\n{replaced})\n"


def _packages(modules: Sequence[Module], version: str, upstream: _Upstream) -> list[list[str]]:
    """The commands of Go that add what the programs are built of: as tools, or with what their tests import."""
    tests = [package for module in modules for package in module.tests.values()]
    programs = [package for module in modules for package in module.packages.values()]
    versioned = [f"{package}@{_version_of(package, version, upstream)}" for package in (*tests, *programs)]
    return [["get", "-t", *versioned]] if tests else [["get", "-tool", *versioned], ["mod", "tidy"]]


def _version_of(package: str, version: str, upstream: _Upstream) -> str:
    """The version of the module that a package is in: of one that Kubernetes requires, the one that it requires."""
    fitting = [path for path in upstream.requires if package == path or package.startswith(f"{path}/")]
    if package.startswith(f"{upstream.path}/") or not fitting:
        return f"v{version}"
    return upstream.requires[max(fitting, key=len)]


def _write_module(go: Path, directory: Path, go_mod: str, commands: Sequence[list[str]]) -> None:
    """Write a module beside the one that is there, and put it in its place once it is whole."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as scratch:
        (Path(scratch) / "go.mod").write_text(go_mod, encoding="utf-8")
        for command in commands:
            run_go(go, command, Path(scratch), _environment())
        directory.mkdir(exist_ok=True)
        for name in ("go.mod", "go.sum"):
            (Path(scratch) / name).replace(directory / name)


def _environment() -> dict[str, str]:
    return {**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off"}
