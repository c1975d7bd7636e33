"""Embedded clusters by hand: ``up``, ``status``, ``kubeconfig``, ``restart``, ``logs``, ``down``."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from netproof.addons.known import cached_addon_images
from netproof.cluster.bringup import LocalRequest, bring_up, plan_cluster
from netproof.cluster.component_logs import tail
from netproof.cluster.local import LocalCluster
from netproof.cluster.phases import PrintedPhases
from netproof.cluster.state import StateDirectory, cluster_names, is_alive, sweep
from netproof.cluster.virtual import AUTO
from netproof.commands.options import DEFAULT_NAME, AsJson, ClusterName, KubernetesVersion
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy
from netproof.toolchain import ConsoleProgress
from netproof.waiting import timeouts_from_environment

_LAST_LINES = 20
_OF_CHECKS = "agent-"
"""How the names of those components begin that act for checks: a run may have dozens."""


def up(
    cluster_name: ClusterName = DEFAULT_NAME,
    kubernetes_version: KubernetesVersion = None,
    nodes: Annotated[int | None, typer.Option(help="How many nodes: 2 by default, or 1 virtual machine.")] = None,
    proxy_mode: Annotated[str, typer.Option(help="kube-proxy's mode: iptables, nftables or ipvs.")] = "iptables",
    node_kind: Annotated[str, typer.Option(help="What a node is: netns, vm or auto.")] = AUTO,
    images: Annotated[ImagePolicy, typer.Option(help="Where images come from.")] = ImagePolicy.AUTO,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it is up; end it with 'netproof down'.")
    ] = False,
) -> None:
    """Boot an embedded cluster for use by hand."""
    phases = PrintedPhases(Console(stderr=True))
    request = LocalRequest(
        name=cluster_name,
        log_directory=Path("/var/log/netproof") / cluster_name,
        kubernetes_version=kubernetes_version,
        node_count=nodes,
        proxy_mode=proxy_mode,
        node_kind=node_kind,
        images=images,
        addon_images=cached_addon_images(),
        detach=detach,
    )
    booted = bring_up(
        plan_cluster(request),
        phase=phases,
        progress=ConsoleProgress(),
        timeouts=timeouts_from_environment(),
        on_event=lambda _what: None,
    )
    kubectl = booted.tools.path("kubectl")
    spec = booted.spec
    typer.echo(f"Kubernetes {spec.kubernetes_version} is up: {spec.node_count} nodes ({spec.node_kind})")
    typer.echo(f"images: {booted.spec.image_policy}, {booted.image_reason}")
    typer.echo(f"export KUBECONFIG={booted.cluster.kubeconfig} PATH={kubectl.parent}:$PATH")
    if detach:
        typer.echo(f"end it with: netproof down --cluster-name {cluster_name}")
        return
    typer.echo("Ctrl-C ends it")
    try:
        booted.cluster.wait()
    except KeyboardInterrupt:
        booted.cluster.stop()
    else:
        typer.echo(f"the cluster {cluster_name!r} has ended; its logs are in {request.log_directory}")


def status(as_json: AsJson = False) -> None:
    """List the embedded clusters: versions, nodes, components, and those that died."""
    alive = list(_alive())
    if as_json:
        typer.echo(json.dumps([facts for _, facts in alive], indent=2))
        return
    for cluster, facts in alive:
        if "problem" in facts:
            typer.echo(f"{cluster.name}: {facts['problem']}")
            continue
        nodes = ", ".join(f"{node['name']} ({node['address']})" for node in facts["nodes"])
        typer.echo(f"{cluster.name}: Kubernetes {facts['kubernetes_version']}, {facts['proxy_mode']}")
        typer.echo(f"  nodes: {nodes}")
        components = [name for name in facts["components"] if not name.startswith(_OF_CHECKS)]
        typer.echo(f"  components: {', '.join(components)}")
        typer.echo(f"  kubeconfig: {facts['kubeconfig']}")
        typer.echo(f"  logs: {facts['logs']}")
        for death in cluster.deaths():
            typer.echo(f"  {death}")
    if not alive:
        typer.echo("no embedded cluster is running")


def _alive() -> Iterator[tuple[LocalCluster, dict[str, Any]]]:
    for name in cluster_names():
        if is_alive(name) and StateDirectory(name).status.exists():
            with contextlib.suppress(FileNotFoundError):  # it ends at this moment
                try:
                    yield LocalCluster(name), _facts(LocalCluster(name))
                except NetproofError as problem:
                    yield LocalCluster(name), {"name": name, "problem": problem.message}


def _facts(cluster: LocalCluster) -> dict[str, Any]:
    spec = cluster.spec
    return {
        "name": cluster.name,
        "kubernetes_version": spec.kubernetes_version,
        "proxy_mode": spec.proxy_mode,
        "image_policy": spec.image_policy,
        "nodes": [{"name": node.name, "address": node.address} for node in spec.nodes],
        "kubeconfig": str(cluster.kubeconfig),
        "logs": str(cluster.logs),
        "components": cluster.running(),
        "died": {death.component: death.exit_code for death in cluster.deaths()},
    }


def kubeconfig(
    cluster_name: ClusterName = DEFAULT_NAME,
    path: Annotated[bool, typer.Option("--path", help="Where it lies instead of what it says.")] = False,
) -> None:
    """Print a cluster's kubeconfig, good for any kubectl on this host."""
    found = LocalCluster.attach(cluster_name).kubeconfig
    typer.echo(str(found) if path else found.read_text(encoding="utf-8"), nl=path)


def restart(
    component: Annotated[str, typer.Argument(help="Such as kube-proxy-n1; 'netproof status' lists them.")],
    cluster_name: ClusterName = DEFAULT_NAME,
) -> None:
    """End a component in good order, or take one that died, and start it again."""
    LocalCluster.attach(cluster_name).restart(component)
    typer.echo(f"{component} of the cluster {cluster_name!r} was restarted")


def logs(
    component: Annotated[str | None, typer.Argument(help="Such as kubelet-n1; all by default.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the cluster ends, or Ctrl-C.")] = False,
    lines: Annotated[
        int | None, typer.Option("--tail", metavar="N", help="Only the last N lines; of all components, the last 20.")
    ] = None,
    cluster_name: ClusterName = DEFAULT_NAME,
) -> None:
    """Print the log of a component, or the ends of all logs."""
    if lines is None and component is None:
        lines = _LAST_LINES
    command = tail(LocalCluster.attach(cluster_name), component, lines=lines, follow=follow)
    os.execvp(command[0], command)


def down(cluster_name: ClusterName = DEFAULT_NAME) -> None:
    """End an embedded cluster; what one that was killed has left is removed."""
    if not is_alive(cluster_name) and cluster_name in sweep():
        typer.echo(f"the cluster {cluster_name!r} was dead; what it had left is removed")
        return
    LocalCluster.attach(cluster_name).stop()
    typer.echo(f"the cluster {cluster_name!r} is gone")
