"""``netproof sweep``: removes from an existing cluster what runs of netproof have left there."""

from __future__ import annotations

from typing import Annotated

import typer

from netproof.cluster.api import KubernetesApi
from netproof.cluster.existing import sweep as sweep_cluster
from netproof.cluster.kubeconfig import kubeconfig_of, require_context
from netproof.waiting import timeouts_from_environment


def sweep(
    context: Annotated[str, typer.Option("--context", metavar="NAME", help="The context of the cluster.")] = "",
    kubeconfig: Annotated[
        str, typer.Option("--kubeconfig", metavar="FILE", help="By default as kubectl finds it.")
    ] = "",
    run: Annotated[str, typer.Option("--run", metavar="ID", help="Only what this run has made.")] = "",
) -> None:
    """Remove what runs of netproof that were broken off have left in an existing cluster: their namespaces.

    A run that is under way loses its own, too; --run spares it.
    """
    path = kubeconfig_of(kubeconfig)
    named = require_context(path, context, "netproof sweep")
    removed = sweep_cluster(
        KubernetesApi(path, named), run=run.lower(), timeout_seconds=timeouts_from_environment().deletion
    )
    for name in removed:
        typer.echo(f"removed the namespace {name}")
    if not removed:
        typer.echo("nothing of netproof is there")
