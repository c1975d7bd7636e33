"""``netproof doctor``: what this host can do, and what mends each lack."""

from __future__ import annotations

import json
from collections.abc import Mapping

import typer

from netproof.cluster.host import Host, look
from netproof.commands.options import AsJson

_WIDTH = 14


def doctor(as_json: AsJson = False) -> None:
    """Say what this host can do, and what mends each lack; exit code 1 where no embedded cluster can run here."""
    host = look()
    if as_json:
        typer.echo(json.dumps(host.as_json(), indent=2))
    else:
        _print(host)
    if host.offer("provider", "local").lacks:
        raise typer.Exit(1)


def _print(host: Host) -> None:
    facts = {
        "system": f"{host.system['operating_system']} {host.system['kernel']}, {host.system['processor']}",
        "process": f"{host.system['user']}, Python {host.system['python']}, {_marks(host.capabilities)}",
        "kernel": f"cgroups {host.system['cgroups']}, {_marks(host.kernel)}",
        "programs": ", ".join(f"{name}: {found or 'none'}" for name, found in host.programs.items()),
        "free": ", ".join(f"{_words(name)} {mib} MiB" for name, mib in host.resources.items()),
    }
    for name, text in facts.items():
        typer.echo(f"{name:<{_WIDTH}}{text}")
    told = set()
    for offer in host.offers:
        note = f"  ({offer.note})" if offer.note else ""
        typer.echo(f"{offer.kind:<{_WIDTH}}{offer.name:<10}{'no' if offer.lacks else 'yes'}{note}")
        for lack in offer.lacks:
            if lack not in told:
                typer.echo(f"{'':<{_WIDTH}}  missing: {lack.what}\n{'':<{_WIDTH}}  remedy: {lack.remedy}")
            told.add(lack)


def _marks(found: Mapping[str, bool]) -> str:
    return ", ".join(name if there else f"no {name}" for name, there in found.items())


def _words(name: str) -> str:
    return name.removesuffix("_mib").replace("_", " ")
