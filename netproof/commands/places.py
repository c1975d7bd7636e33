"""Being in a place of an embedded cluster: ``exec`` and ``shell``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from netproof.cluster.components import LAN
from netproof.cluster.local import LocalCluster
from netproof.cluster.places import command_in
from netproof.cluster.shell import shell_command
from netproof.commands.options import DEFAULT_NAME, ClusterName
from netproof.errors import NetproofError

_PLACES = "lan, control-plane, or a node such as n1."


def execute(
    place: Annotated[str, typer.Argument(help=_PLACES)],
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after a --.")],
    cluster_name: ClusterName = DEFAULT_NAME,
) -> None:
    """Run a command on a node, or on the LAN; its exit code is this command's."""
    argv = command_in(LocalCluster.attach(cluster_name), place, command, directory=Path.cwd())
    os.execvp(argv[0], argv)


def shell(
    place: Annotated[str, typer.Argument(help=_PLACES)] = LAN,
    cluster_name: ClusterName = DEFAULT_NAME,
) -> None:
    """Open a shell on the cluster's LAN, or on a node: with kubectl, and its completion where bash is."""
    cluster = LocalCluster.attach(cluster_name)
    if not sys.stdin.isatty():
        raise NetproofError("a shell wants a terminal", f"for a command: netproof exec {place} -- COMMAND")
    argv = command_in(cluster, place, shell_command(cluster, place), directory=Path.cwd())
    os.execvp(argv[0], argv)
