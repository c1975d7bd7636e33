"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_NAME = "netproof"
"""The name of a cluster whose user gives none."""

ClusterName = Annotated[str, typer.Option("--cluster-name", metavar="NAME", help="The cluster's name.")]
KubernetesVersion = Annotated[
    str | None,
    typer.Option("--kubernetes-version", metavar="VERSION", help="Such as 1.36 or 1.36.3; the newest by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
