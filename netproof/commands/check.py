"""``netproof check``: what can be said of a submission without a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from netproof.commands.options import AsJson, KubernetesVersion
from netproof.hygiene import Examination, Finding, Severity, examine
from netproof.hygiene.versions import version_to_examine
from netproof.submission import LocatedPart, Withheld, guard, load

SCHEMA_VERSION = 1
FINDINGS = 1
"""The exit code where something is to be mended."""

_COLOURS = {Severity.ERROR: typer.colors.RED, Severity.WARNING: typer.colors.YELLOW, Severity.NOTE: typer.colors.BLUE}


def check(
    directory: Annotated[Path, typer.Argument(help="The manifests.", metavar="DIR")],
    kubernetes_version: KubernetesVersion = None,
    as_json: AsJson = False,
) -> None:
    """Look a submission over without a cluster; exit code 1 where something is to be mended."""
    found = examine(load(directory), version_to_examine(kubernetes_version))
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if found.to_be_mended:
        raise typer.Exit(FINDINGS)


def _print(found: Examination) -> None:
    for one in found.findings:
        severity = typer.style(one.severity, fg=_COLOURS[one.severity], bold=True)
        about = f"{one.subject}: " if one.subject else ""
        typer.echo(f"{one.position}: {severity}: {about}{one.message} [{one.rule}]")
        if one.is_to_be_mended:
            typer.echo(f"  why: {one.why}")
            typer.echo(f"  remedy: {one.remedy}")
    for withheld in guard(found.submission).withheld:
        typer.echo(f"{withheld.position}: not applied by netproof grade: {_about(withheld)}: {withheld.message}")
    version = ".".join(map(str, found.kubernetes))
    typer.echo(f"written for Kubernetes {found.era}; looked over for {version}")
    counts = [f"{number} {severity}{'s' * (number != 1)}" for severity in Severity if (number := found.count(severity))]
    typer.echo(", ".join(counts) or "nothing to mend")


def _about(withheld: Withheld) -> str:
    return f"{withheld.object.kind}/{withheld.object.name}"


def _plain(found: Examination) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "submission": str(found.submission.directory),
        "kubernetes_version": ".".join(map(str, found.kubernetes)),
        "written_for": str(found.era),
        "counts": {severity.value: found.count(severity) for severity in Severity},
        "layout": [_plain_part(one) for one in found.submission.layout],
        "withheld": [_plain_withheld(one) for one in guard(found.submission).withheld],
        "findings": [_plain_finding(one) for one in found.findings],
    }


def _plain_withheld(one: Withheld) -> dict[str, Any]:
    return {
        "danger": one.danger.value,
        "file": one.position.file,
        "line": one.position.line,
        "object": _about(one),
        "message": one.message,
    }


def _plain_part(one: LocatedPart) -> dict[str, Any]:
    return {"part": one.part.value, "expected": one.expected, "found": one.found.value, "files": list(one.files)}


def _plain_finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "severity": one.severity.value,
        "file": one.position.file,
        "line": one.position.line,
        "column": one.position.column,
        "object": one.subject,
        "message": one.message,
        "why": one.why,
        "remedy": one.remedy,
    }
