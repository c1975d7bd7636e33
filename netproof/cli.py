"""The command ``netproof``: thin over pytest, the toolchain and the embedded cluster."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from netproof.addons.known import cached_addon_images, prepare_addons
from netproof.cluster.provision import assemble_images, get_tools, unpack
from netproof.commands import addon, check, clusters, compare, doctor, places, report, sweep, toolchain
from netproof.commands.features import features
from netproof.commands.grade import grade
from netproof.commands.nightly import nightly
from netproof.commands.options import AsJson, KubernetesVersion
from netproof.commands.system_packages import install_system_packages
from netproof.commands.upstream import upstream
from netproof.errors import NetproofError
from netproof.resources import data_directory
from netproof.running.listing import all_checks, to_json, to_markdown
from netproof.toolchain import ConsoleProgress, resolve_kubernetes_version

_EXIT_INTERRUPTED = 2
_EXIT_USAGE = 4
"""The exit code for a user's mistake, as pytest has it."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Proves that a Kubernetes network does what its manifests say."
)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def run(context: typer.Context) -> None:
    """Run the checks: pytest on netproof's own suites, with pytest's arguments (such as -m networking, -k surge)."""
    arguments = ["--import-mode=importlib", f"--rootdir={Path.cwd()}", "-p", "no:cacheprovider"]
    # A process of its own, for pytest rewrites assertions only in modules that are not loaded yet.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments, str(data_directory("suites")), *context.args])


app.command()(check.check)
app.command()(grade)
app.command()(nightly)
app.command()(clusters.up)
app.command()(clusters.status)
app.command()(clusters.kubeconfig)
app.command("exec")(places.execute)
app.command()(places.shell)
app.command()(clusters.logs)
app.command()(clusters.restart)
app.command()(clusters.down)
app.add_typer(addon.app, name="addon")


app.command()(sweep.sweep)
app.command()(report.report)
app.command()(compare.compare)


@app.command()
def checks(
    as_json: AsJson = False,
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


app.command()(features)
app.command()(upstream)
app.command()(doctor.doctor)


@app.command()
def setup(kubernetes_version: KubernetesVersion = None) -> None:
    """Get everything an embedded cluster needs: on Debian, as root, system packages; then the programs."""
    install_system_packages(typer.echo)
    tools = get_tools(resolve_kubernetes_version(kubernetes_version), ConsoleProgress())
    images = assemble_images(tools)
    prepare_addons(ConsoleProgress())
    if os.geteuid() == 0:  # containerd mounts what it unpacks; without root the first cluster is told what is missing
        unpack(tools, images, cached_addon_images(), ConsoleProgress())
    typer.echo(f"ready: Kubernetes {tools.describe()['kubernetes']['version']}")


app.add_typer(toolchain.app, name="toolchain")


def main() -> None:
    """Run the command; a user's mistake is one message, never a traceback."""
    try:
        app(standalone_mode=True)
    except NetproofError as problem:
        sys.stderr.write(f"netproof: {problem}\n")
        sys.exit(_EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(_EXIT_INTERRUPTED)
