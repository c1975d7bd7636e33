"""``netproof upstream``: Kubernetes' own tests on an embedded cluster."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from netproof.cluster.bringup import LocalRequest
from netproof.cluster.local import LocalCluster
from netproof.commands.options import KubernetesVersion
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy
from netproof.report.record import new_run_id
from netproof.toolchain import ConsoleProgress, ensure, resolve_kubernetes_version
from netproof.upstream.ginkgo import DEFAULT_FOCUS, Selection, list_specs
from netproof.upstream.session import Session
from netproof.upstream.specs import UpstreamRun

E2E_COMPONENT = "kubernetes-e2e"
"""The component of the toolchain that the tests are."""

EXIT_NOTHING_SELECTED = 5
"""The exit code where no spec is selected, as pytest has it."""

PROCESSES_PER_CPU = 3
"""Specs mostly wait, so more of them run at a time than there are CPUs."""


def upstream(
    focus: Annotated[
        list[str] | None,
        typer.Option(metavar="REGEX", help="Specs whose name matches; may be given again. SIG Network's conformance."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="REGEX", help="But not those whose name matches; may be given again.")
    ] = None,
    kubernetes_version: KubernetesVersion = None,
    nodes: Annotated[int | None, typer.Option(metavar="N", help="How many nodes; two by default.")] = None,
    proxy_mode: Annotated[
        str | None, typer.Option(metavar="MODE", help="kube-proxy's mode; iptables by default.")
    ] = None,
    procs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many specs at a time; three for each CPU by default.")
    ] = None,
    images: Annotated[ImagePolicy | None, typer.Option(help="Where images come from; auto by default.")] = None,
    cluster_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run on this cluster, which runs already; a new one by default.")
    ] = None,
    report_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where the run's directory is made.")] = Path(
        "reports"
    ),
    only_list: Annotated[bool, typer.Option("--list", help="Print the selected specs, and run nothing.")] = False,
) -> None:
    """Run Kubernetes' own end-to-end tests on an embedded cluster, and report by spec."""
    running = None
    if cluster_name is not None:
        of_a_new_one = {"--nodes": nodes, "--proxy-mode": proxy_mode, "--images": images}
        running = _running_cluster(
            cluster_name, kubernetes_version, [option for option, value in of_a_new_one.items() if value is not None]
        )
        kubernetes_version = running.spec.kubernetes_version
    version = resolve_kubernetes_version(kubernetes_version)
    selection = Selection(tuple(focus or [DEFAULT_FOCUS]), tuple(skip or ()))
    progress = ConsoleProgress()
    tests = ensure([E2E_COMPONENT], version, progress)
    specs = list_specs(tests, selection)
    if not specs:
        typer.echo(f"no spec of Kubernetes {version} is selected by {' '.join(selection.flags())}", err=True)
        raise typer.Exit(EXIT_NOTHING_SELECTED)
    if only_list:
        typer.echo("\n".join(spec.name for spec in specs))
        return
    run = UpstreamRun(
        id=f"upstream-{new_run_id()}",
        started=datetime.now(UTC),
        kubernetes_version=version,
        processes=procs or PROCESSES_PER_CPU * (os.cpu_count() or 1),
        focus=list(selection.focus),
        skip=list(selection.skip),
        components=tests.describe(),
        specs=specs,
    )
    session = Session(run, report_dir / run.id, selection, tests, progress)
    if running is not None:
        session.on_running_cluster(running)
    else:
        session.on_new_cluster(
            LocalRequest(
                name=f"upstream-{run.id.rpartition('-')[2]}",
                log_directory=report_dir / run.id / "cluster",
                kubernetes_version=version,
                node_count=nodes,
                proxy_mode=proxy_mode or "iptables",
                images=images or ImagePolicy.AUTO,
            )
        )
    raise typer.Exit(run.exit_code())


def _running_cluster(name: str, kubernetes_version: str | None, more: list[str]) -> LocalCluster:
    """The running cluster of this name, whose properties cannot be chosen any more.

    Raises:
        NetproofError: there is none, or something else is asked of it than what it is.
    """
    cluster = LocalCluster.attach(name)
    if more:
        raise NetproofError(f"{more[0]} means nothing to the cluster {name!r}, which runs already", "leave one out")
    is_one = cluster.spec.kubernetes_version
    if kubernetes_version and resolve_kubernetes_version(kubernetes_version) != is_one:
        raise NetproofError(
            f"the cluster {name!r} runs Kubernetes {is_one}, not {kubernetes_version}",
            "leave out --kubernetes-version or --cluster-name",
        )
    return cluster
