"""One run of Kubernetes' own tests, from the cluster to the report."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from netproof.addons.addon import store_images
from netproof.cluster.bringup import LocalRequest, bring_up, plan_cluster
from netproof.cluster.components import LAN
from netproof.cluster.local import LocalCluster
from netproof.cluster.phases import PrintedPhases
from netproof.cluster.places import command_in
from netproof.cluster.provision import get_tools
from netproof.images.added import add_images
from netproof.images.policy import ImagePolicy
from netproof.toolchain import Progress, Tools
from netproof.toolchain.oci import Image
from netproof.upstream import report
from netproof.upstream.ginkgo import (
    LOG,
    REPORT,
    Selection,
    cluster_flags,
    ginkgo_command,
    last_lines,
    run_to_its_end,
    wanted_images,
)
from netproof.upstream.images import STAND_INS, short_name, stand_ins
from netproof.upstream.specs import UpstreamRun, absorb, keep_what_ran
from netproof.waiting import timeouts_from_environment

_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")
"""Told to end when its parent has. On the way into the cluster's PID namespace a process is between, hence twice."""

_UNBROKEN_WIDTH = 200  # where no terminal sets a width, lines stay whole for grep and the like


class Session:
    """One run.

    Args:
        run: what is known of it so far: its id, the version, the specs that are selected.
        directory: the run's directory.
        selection: what selected these specs.
        tests: the tests.
        progress: told of builds, and of how far it is.
    """

    def __init__(
        self, run: UpstreamRun, directory: Path, selection: Selection, tests: Tools, progress: Progress
    ) -> None:
        self._run = run
        self._directory = directory
        self._selection = selection
        self._tests = tests
        self._progress = progress
        self._print_phase = PrintedPhases(Console(stderr=True))

    def on_new_cluster(self, request: LocalRequest) -> None:
        """Boot a cluster, run the tests there, end it, write the report and print it.

        Raises:
            NetproofError: the cluster does not come up, or the tests cannot be started.
        """
        tools = get_tools(self._run.kubernetes_version, self._progress)
        planned = plan_cluster(request)
        wanted = self._stand_ins(tools) if planned.spec.image_policy == ImagePolicy.STAND_IN else {}
        booted = bring_up(
            planned,
            phase=self._phase,
            progress=self._progress,
            timeouts=timeouts_from_environment(),
            on_event=lambda _what: None,
        )
        try:
            self._run.images = f"{booted.spec.image_policy}, {booted.image_reason}"
            self._run_on(booted.cluster, tools, wanted)
        finally:
            booted.cluster.stop()

    def on_running_cluster(self, cluster: LocalCluster) -> None:
        """Run the tests on a cluster that is left running, write the report and print it.

        Raises:
            NetproofError: the tests cannot be started.
        """
        tools = get_tools(self._run.kubernetes_version, self._progress)
        wanted = self._stand_ins(tools) if cluster.spec.image_policy == ImagePolicy.STAND_IN else {}
        self._run.images = f"{cluster.spec.image_policy}, as the cluster was started"
        self._run_on(cluster, tools, wanted)

    def _run_on(self, cluster: LocalCluster, tools: Tools, images: Mapping[str, Image]) -> None:
        self._run.nodes, self._run.proxy_mode = cluster.spec.node_count, cluster.spec.proxy_mode
        with self._phase("images of the tests"):
            add_images(cluster.added_images, store_images(images))
        report.write(self._run, self._directory)
        with self._phase("specs"):
            self._run_specs(cluster, tools)
        self._run.problems += [str(death) for death in cluster.deaths()]
        self._run.finished = datetime.now(UTC)
        report.write(self._run, self._directory)
        console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _UNBROKEN_WIDTH)
        for part in report.table(self._run):
            console.print(part)
        console.print(f"results: {self._directory / report.RESULTS}", soft_wrap=True)

    def _stand_ins(self, tools: Tools) -> dict[str, Image]:
        made = stand_ins(wanted_images(self._tests), tools)
        self._run.stand_ins = {name: STAND_INS[short_name(name)].what for name in made}
        return made

    def _run_specs(self, cluster: LocalCluster, tools: Tools) -> None:
        spec, log = cluster.spec, self._directory / LOG
        command = ginkgo_command(self._tests, self._selection, processes=self._run.processes, directory=self._directory)
        flags = cluster_flags(
            tools,
            kubeconfig=cluster.kubeconfig_inside,
            nodes=spec.node_count,
            dns_domain=spec.dns_domain,
            scratch=self._directory.absolute(),
        )
        argv = [*_WITH_ITS_PARENT, *command, "--", *flags]
        inside = command_in(cluster, LAN, argv, directory=self._directory.absolute())
        with self._progress.working(f"{len(self._run.specs)} specs, {self._run.processes} at a time") as tell:
            code, self._run.interrupted = run_to_its_end(
                [*_WITH_ITS_PARENT, *inside], log, len(self._run.specs), tell, scratch=cluster.directory
            )
        if not (self._directory / REPORT).is_file():
            self._run.problems.append(
                f"ginkgo ended with exit code {code} and left no report; the end of {log}:\n{last_lines(log)}"
            )
            return
        absorb(self._run, self._directory / REPORT)
        keep_what_ran(self._directory / REPORT)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        with self._print_phase(name):
            yield
        self._run.phases[name] = round(time.monotonic() - start, 3)
