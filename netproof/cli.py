"""The command ``netproof``: thin over pytest, the toolchain and the embedded cluster."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from netproof.addons.known import prepare_addons
from netproof.cluster.bringup import LocalRequest, bring_up, plan_cluster
from netproof.cluster.local import LocalCluster
from netproof.cluster.preflight import lacks
from netproof.cluster.provision import assemble_images, get_tools
from netproof.cluster.state import cluster_names, is_alive
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy
from netproof.listing import all_checks, to_json, to_markdown
from netproof.resources import data_directory
from netproof.setup import install_system_packages
from netproof.timing import PrintedPhases
from netproof.toolchain import ConsoleProgress, resolve_kubernetes_version
from netproof.toolchain.commands import app as toolchain_app
from netproof.waiting import timeouts_from_environment

EXIT_INTERRUPTED = 2
EXIT_USAGE = 4
"""The exit code for a user's mistake, as pytest has it."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Proves that a Kubernetes network does what its manifests say."
)
app.add_typer(toolchain_app, name="toolchain")

ClusterName = Annotated[str, typer.Option("--cluster-name", metavar="NAME", help="The cluster's name.")]
KubernetesVersion = Annotated[
    str | None,
    typer.Option("--kubernetes-version", metavar="VERSION", help="Such as 1.36 or 1.36.3; the newest by default."),
]


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def run(context: typer.Context) -> None:
    """Run the checks: pytest on netproof's own suites, with pytest's arguments (such as -m networking, -k surge)."""
    arguments = ["--import-mode=importlib", f"--rootdir={Path.cwd()}", "-p", "no:cacheprovider"]
    # A process of its own, for pytest rewrites assertions only in modules that are not loaded yet.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments, str(data_directory("suites")), *context.args])


@app.command()
def up(
    cluster_name: ClusterName = "netproof",
    kubernetes_version: KubernetesVersion = None,
    nodes: Annotated[int, typer.Option(help="How many nodes.")] = 2,
    proxy_mode: Annotated[str, typer.Option(help="kube-proxy's mode: iptables or nftables.")] = "iptables",
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
        images=images,
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
    typer.echo(f"Kubernetes {booted.spec.kubernetes_version} is up: {nodes} nodes")
    typer.echo(f"images: {booted.spec.image_policy}, {booted.image_reason}")
    typer.echo(f"export KUBECONFIG={booted.cluster.kubeconfig} PATH={kubectl.parent}:$PATH")
    if detach:
        typer.echo(f"end it with: netproof down --cluster-name {cluster_name}")
        return
    typer.echo("Ctrl-C ends it")
    try:
        signal.pause()
    except KeyboardInterrupt:
        booted.cluster.stop()


@app.command()
def down(cluster_name: ClusterName = "netproof") -> None:
    """End an embedded cluster."""
    LocalCluster.attach(cluster_name).stop()
    typer.echo(f"the cluster {cluster_name!r} is gone")


@app.command()
def status() -> None:
    """List the embedded clusters with their versions, nodes and components that died."""
    alive = [LocalCluster.attach(name) for name in cluster_names() if is_alive(name)]
    for cluster in alive:
        spec = cluster.spec
        what = f"Kubernetes {spec.kubernetes_version}, {spec.node_count} nodes"
        typer.echo(f"{cluster.name}: {what}, KUBECONFIG={cluster.kubeconfig}")
        for death in cluster.deaths():
            typer.echo(f"  {death}")
    if not alive:
        typer.echo("no embedded cluster is running")


@app.command()
def checks(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the Markdown of docs/checks.md.")] = False,
) -> None:
    """List all checks: level, subject, what each needs, its control and its mutants."""
    found = all_checks(data_directory("suites"))
    if as_json:
        typer.echo(to_json(found))
    elif as_markdown:
        typer.echo(to_markdown(found), nl=False)
    else:
        width = max(len(one.id) for one in found)
        for one in found:
            typer.echo(f"{one.id:<{width}}  {one.level:<9} {one.title}")


@app.command()
def doctor() -> None:
    """Say whether this host can run an embedded cluster, and what mends each lack."""
    found = lacks()
    for lack in found:
        typer.echo(f"missing: {lack.what}\n  remedy: {lack.remedy}")
    if found:
        raise typer.Exit(1)
    typer.echo("this host can run an embedded cluster")


@app.command()
def setup(kubernetes_version: KubernetesVersion = None) -> None:
    """Get everything an embedded cluster needs: on Debian, as root, system packages; then the programs."""
    install_system_packages(typer.echo)
    tools = get_tools(resolve_kubernetes_version(kubernetes_version), ConsoleProgress())
    assemble_images(tools)
    prepare_addons(ConsoleProgress())
    typer.echo(f"ready: Kubernetes {tools.describe()['kubernetes']['version']}")


def main() -> None:
    """Run the command; a user's mistake is one message, never a traceback."""
    try:
        app(standalone_mode=True)
    except NetproofError as problem:
        sys.stderr.write(f"netproof: {problem}\n")
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
