"""``netproof nightly``: the suite on each Kubernetes version and proxy mode, and what changed."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from netproof.addons.known import prepare_addons
from netproof.atomic_writes import write_atomically
from netproof.cluster.bringup import require_mode
from netproof.cluster.host import look
from netproof.cluster.provision import assemble_images, get_tools
from netproof.commands.hold import hold
from netproof.commands.signals import obey_signals
from netproof.errors import NetproofError
from netproof.nightly.history import History
from netproof.nightly.job import Job
from netproof.nightly.night import Night, NightRun, Order, State
from netproof.nightly.pages import index_to_html, line_of, to_html, to_markdown, to_text
from netproof.nightly.telling import ToldNight, exit_code
from netproof.toolchain import ConsoleProgress, resolve_kubernetes_version
from netproof.toolchain.catalog import load_catalog

_INTERRUPTED = 2
_OURS = ("--kubernetes-version", "--proxy-mode", "--report-dir", "--rootdir")
"""Options of pytest that each run of a night has of its own."""


def nightly(
    versions: Annotated[
        str,
        typer.Option("--versions", metavar="LIST", help="Kubernetes versions, such as 1.36,1.37.", show_default="all"),
    ] = "",
    modes: Annotated[
        str,
        typer.Option(
            "--modes", metavar="LIST", help="kube-proxy's modes.", show_default="those that this host can run"
        ),
    ] = "",
    pytest_args: Annotated[
        str, typer.Option("--pytest-args", metavar="ARGS", help="What else pytest is told, such as '-m homework'.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where nights are kept.")] = Path("reports/nightly"),
    seconds: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="How long one run may take.")
    ] = 3600,
    anew: Annotated[bool, typer.Option("--anew", help="Do not take up a night that was broken off.")] = False,
) -> None:
    """Run the suite on each Kubernetes version and mode, and say what changed; exit code 1 if something got worse."""
    order = Order(runs=_runs(versions, modes), arguments=_arguments(pytest_args))
    obey_signals()
    with hold(out, command="nightly", content="nights"):
        history = History(out)
        night = history.begin(order, datetime.now(UTC), anew=anew)
        raise typer.Exit(_work(history, night, seconds))


def _work(history: History, night: Night, seconds: float) -> int:
    """Do the work of a night, and return the exit code."""

    def tell(run: NightRun) -> None:
        told = next(one for one in ToldNight.of(history, night).runs if one.run is run)
        typer.echo(f"[{night.runs.index(run) + 1}/{len(night.runs)}] {line_of(told)}")
        _write(history, night)

    ended = sum(run.state in {State.FINISHED, State.BROKEN} for run in night.runs)
    directory = history.directory / night.name
    taken_up = f", of which {ended} have ended already" if directory.exists() else ""
    typer.echo(f"night {night.name}: {len(night.runs)} runs{taken_up}; what they print is in {directory}/*/run.log")
    try:
        Job(history, night, _prepare, tell, seconds).work()
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command takes it up", err=True)
        return _INTERRUPTED
    finally:
        told = _write(history, night)
        typer.echo("\n".join(["", *to_text(told), ""]))
        typer.echo(f"{told.outcome}: {directory / 'index.html'}, summary.md")
    return exit_code(night)


def _write(history: History, night: Night) -> ToldNight:
    night.write(history.directory / night.name)
    told = ToldNight.of(history, night)
    write_atomically(history.directory / night.name / "index.html", to_html(told))
    write_atomically(history.directory / night.name / "summary.md", to_markdown(told))
    write_atomically(history.directory / "index.html", index_to_html(history))
    return told


def _prepare(version: str) -> None:
    """Get the programs and images of a version, so that their time is not that of a run."""
    assemble_images(get_tools(version, ConsoleProgress()))
    prepare_addons(ConsoleProgress())


def _runs(versions: str, modes: str) -> list[tuple[str, str]]:
    """The version and the mode of each run; without those pairs that nobody asked for and that do not exist.

    Raises:
        NetproofError: a version or a mode is unknown, or this host can run none.
    """
    of_versions = list(dict.fromkeys(resolve_kubernetes_version(one) for one in _listed(versions)))
    of_modes = list(dict.fromkeys(_listed(modes))) or _modes_of_this_host()
    pairs = list(product(of_versions or load_catalog().component("kubernetes").versions, of_modes))
    if modes:
        for version, mode in pairs:
            require_mode(mode, version)
        return pairs
    return [(version, mode) for version, mode in pairs if _offers(version, mode)]


def _offers(version: str, mode: str) -> bool:
    try:
        require_mode(mode, version)
    except NetproofError:
        return False
    return True


def _modes_of_this_host() -> list[str]:
    offers = [offer for offer in look().offers if offer.kind == "proxy mode"]
    found = [offer.name for offer in offers if not offer.lacks]
    if not found:
        lack = offers[0].lacks[0]
        raise NetproofError(f"this host can run no cluster: {lack.what}", lack.remedy)
    return found


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _arguments(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as problem:
        raise NetproofError(f"--pytest-args cannot be read: {problem}", "close the quotes in it") from problem
    for word in words:
        if word.partition("=")[0] in _OURS:
            raise NetproofError(
                f"{word.partition('=')[0]} in --pytest-args is chosen by each run of a night",
                "leave it out; --versions, --modes and --out choose versions, modes and the directory",
            )
    return words
