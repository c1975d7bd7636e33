"""``netproof addon``: what a homework asks its reader to install, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from netproof.addons.known import ADDON_OF_NAME
from netproof.cluster.local import LocalCluster
from netproof.commands.options import DEFAULT_NAME, ClusterName
from netproof.errors import NetproofError
from netproof.toolchain import ConsoleProgress, ensure
from netproof.waiting import timeouts_from_environment

app = typer.Typer(no_args_is_help=True, help="What netproof can install into an embedded cluster.")


@app.command("list")
def list_addons() -> None:
    """List the add-ons, each with its namespace."""
    width = max(map(len, ADDON_OF_NAME))
    for name, addon in ADDON_OF_NAME.items():
        typer.echo(f"{name:<{width}}  {addon.name}, in the namespace {addon.namespace}")


@app.command()
def install(
    names: Annotated[list[str], typer.Argument(help=f"Any of {', '.join(ADDON_OF_NAME)}.", metavar="NAME...")],
    cluster_name: ClusterName = DEFAULT_NAME,
) -> None:
    """Install add-ons into a cluster; returns when they serve."""
    if unknown := [name for name in names if name not in ADDON_OF_NAME]:
        raise NetproofError(f"there is no add-on {', '.join(unknown)}", f"choose from {', '.join(ADDON_OF_NAME)}")
    cluster = LocalCluster.attach(cluster_name)
    api = cluster.open_api()
    for name in dict.fromkeys(names):
        addon = ADDON_OF_NAME[name]
        tools = ensure(addon.components, progress=ConsoleProgress())
        addon.install(api, tools, cluster.added_images, {}, timeouts_from_environment())
        typer.echo(f"{addon.name} serves in the namespace {addon.namespace}")
