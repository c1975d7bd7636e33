"""``netproof toolchain``: what there is, getting it, where it lies, and removing what is old."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from netproof.atomic_writes import write_atomically
from netproof.commands.options import KubernetesVersion
from netproof.errors import NetproofError
from netproof.resources import data_directory
from netproof.toolchain.acquire import SOURCES_VARIABLE, Acquisition, allowed_sources, parse_sources
from netproof.toolchain.cache import Installation, open_cache
from netproof.toolchain.catalog import Component, load_catalog
from netproof.toolchain.fetch import UnavailableError
from netproof.toolchain.newer import Newer, newer_versions, published_versions
from netproof.toolchain.pin import pin_kubernetes, with_version
from netproof.toolchain.progress import ConsoleProgress
from netproof.toolchain.prune import prune as prune_cache

app = typer.Typer(no_args_is_help=True, help="The programs netproof runs: list, get, find and remove them.")

Sources = Annotated[
    str,
    typer.Option("--sources", metavar="LIST", help="Only these of release,module,system.", envvar=SOURCES_VARIABLE),
]

_HAS_NEWER, _SILENT = 1, 3
"""Exit codes of ``outdated``."""

_UNBROKEN_WIDTH = 160  # where no terminal sets a width, lines stay whole for grep and the like


@app.command("list")
def list_components() -> None:
    """List all components: versions, programs, where they come from, and what the cache has of them."""
    acquisition = _acquisition("")
    table = Table(box=None, pad_edge=False)
    for heading in ("component", "version", "programs", "sources"):
        table.add_column(heading, no_wrap=True)
    table.add_column("cached", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    total = 0
    for component in acquisition.catalog.components.values():
        for row, version in enumerate(component.versions or ("",)):
            installed = acquisition.cached(component, version)
            size = _size(installed)
            total += size
            table.add_row(
                component.name,
                version or (installed.version if installed else "-"),
                "\n".join(component.programs) if row == 0 else "",
                ", ".join(component.sources),
                f"{installed.source}: {installed.origin}" if installed else "no",
                decimal(size) if size else "",
            )
    console = Console(width=None if sys.stdout.isatty() else _UNBROKEN_WIDTH)
    console.print(table)
    console.print(f"\n{decimal(total)} in {acquisition.cache.root}", highlight=False, soft_wrap=True)


@app.command()
def build(
    components: Annotated[list[str] | None, typer.Argument(help="Components to get; all by default.")] = None,
    kubernetes_version: KubernetesVersion = None,
    sources: Sources = "",
) -> None:
    """Get components into the cache: downloaded from their release, or built from their pinned Go module."""
    acquisition = _acquisition(sources)
    names = components or list(acquisition.catalog.components)
    tools = acquisition.ensure(names, kubernetes_version)
    for name, facts in tools.describe().items():
        typer.echo(f"{name} {facts['version']}: {facts['source']} ({facts['origin']})")


@app.command()
def path(
    program: Annotated[str, typer.Argument(help="Such as kubectl.")], kubernetes_version: KubernetesVersion = None
) -> None:
    """Print the absolute path of a program that the cache has."""
    acquisition = _acquisition("")
    component = acquisition.catalog.provider_of(program)
    version = acquisition.catalog.version_of(component, kubernetes_version)
    installed = acquisition.cached(component, version)
    if installed is None:
        named = f"{component.name} {version}".rstrip()
        raise NetproofError(f"the cache has no {program} ({named})", _build_command(component, version))
    typer.echo(str(installed.programs[program].path))


@app.command()
def prune(
    everything: Annotated[bool, typer.Option("--all", help="Also remove what is still wanted.")] = False,
) -> None:
    """Remove old versions, leftovers of interrupted runs and unused images from the cache."""
    acquisition = _acquisition("")
    pruned = prune_cache(acquisition.cache, acquisition.catalog, everything=everything)
    for entry in pruned.removed:
        typer.echo(f"removed {entry}")
    for entry in pruned.kept_in_use:
        typer.echo(f"kept {entry}: another run of netproof is installing it")
    typer.echo(f"{decimal(pruned.freed_bytes)} freed in {acquisition.cache.root}")


@app.command()
def outdated(
    components: Annotated[list[str] | None, typer.Argument(help="Components to ask about; all by default.")] = None,
    pre: Annotated[bool, typer.Option("--pre", help="Versions before a release count, too.")] = False,
) -> None:
    """Ask the Go module proxy for newer versions; exit code 1 where there are, 3 where it cannot be asked."""
    catalog = load_catalog()
    every = [one for one in catalog.components.values() if one.module and one.module.requires and not one.follows]
    found: list[Newer] = []
    silent = []
    for component in map(catalog.component, components) if components else every:
        try:
            published = published_versions(component)
        except UnavailableError as problem:
            silent.append(component.name)
            typer.echo(f"{component.name}: the Go module proxy cannot be asked: {problem}", err=True)
            continue
        newer = newer_versions(component.versions, published, by_minor=component.name == "kubernetes", pre=pre)
        for one in newer:
            typer.echo(f"{component.name} {one.version} is {f'newer than {one.pinned}' if one.pinned else 'new'}")
        if not newer:
            typer.echo(f"{component.name}: nothing newer than {', '.join(component.versions)}")
        found += newer
    if silent:
        typer.echo("give the machine a way to the Go module proxy, or set GOPROXY", err=True)
    if found or silent:
        raise typer.Exit(_HAS_NEWER if found else _SILENT)


@app.command()
def pin(version: Annotated[str, typer.Argument(help="A release of Kubernetes in full, such as 1.38.0.")]) -> None:
    """Pin a Kubernetes version in this checkout, in the place of the one of the same minor version."""
    catalog, toolchain = load_catalog(), data_directory("toolchain")
    file = toolchain.parent / "netproof" / "toolchain" / "components.toml"
    if not file.is_file():
        raise NetproofError("an installed netproof has its versions pinned already", "pin it in a checkout")
    for directory in pin_kubernetes(version, catalog, toolchain, ConsoleProgress()):
        typer.echo(directory.relative_to(toolchain.parent))
    pinned = catalog.component("kubernetes").versions
    write_atomically(file, with_version(file.read_text(encoding="utf-8"), pinned, version))
    typer.echo(file.relative_to(toolchain.parent))


def _acquisition(sources: str) -> Acquisition:
    chosen = parse_sources(sources, f"--sources (or {SOURCES_VARIABLE})") if sources else allowed_sources()
    return Acquisition(open_cache(), load_catalog(), ConsoleProgress(), chosen)


def _build_command(component: Component, version: str) -> str:
    of_kubernetes = "kubernetes" in (component.name, component.follows)
    return f"netproof toolchain build {f'--kubernetes-version {version} ' if of_kubernetes else ''}{component.name}"


def _size(installed: Installation | None) -> int:
    if installed is None or installed.source == "system":
        return 0
    return sum(file.size for file in installed.programs.values())
