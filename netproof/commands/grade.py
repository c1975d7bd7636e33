"""``netproof grade``: the works of one student, or of a thousand."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from netproof.addons.known import prepare_addons
from netproof.atomic_writes import write_atomically
from netproof.classroom.classroom import PROCESSORS_A_WORK, Classroom, Order, slowness
from netproof.classroom.repository import directories_to_grade
from netproof.cluster.preflight import require_local
from netproof.cluster.provision import assemble_images, get_tools
from netproof.commands.hold import hold
from netproof.commands.options import KubernetesVersion
from netproof.commands.signals import obey_signals
from netproof.grading.grade import Grade, State
from netproof.grading.language import Language
from netproof.grading.rubric import STANDARD, read_rubric
from netproof.grading.tables import to_csv, to_html, to_markdown
from netproof.hygiene.versions import version_to_examine
from netproof.report.markdown import number
from netproof.resources import data_directory
from netproof.running.listing import all_checks
from netproof.toolchain import ConsoleProgress, resolve_kubernetes_version

INTERRUPTED, NOT_ALL_GRADED = 2, 3
"""Exit codes: it was broken off; netproof could not grade a work."""
_NODES = 2


def grade(
    directories: Annotated[
        list[Path] | None, typer.Argument(help="The repository of a student, or of several.", metavar="[DIR]...")
    ] = None,
    of_class: Annotated[
        Path | None, typer.Option("--all", metavar="DIR", help="Grade every directory in this one.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where grades and feedback go.")] = Path(
        "reports/grades"
    ),
    language: Annotated[Language, typer.Option(help="The language of feedback and tables.")] = Language.RUSSIAN,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, metavar="N", help="How many works are run at once.")] = 1,
    rubric: Annotated[
        Path, typer.Option("--rubric", metavar="FILE", help="What each check gives.", show_default="netproof's own")
    ] = STANDARD,
    kubernetes_version: KubernetesVersion = None,
    seconds: Annotated[
        float, typer.Option("--time-limit", min=1, metavar="SECONDS", help="How long one work may take.")
    ] = 600,
    again: Annotated[bool, typer.Option("--again", help="Run also what has not changed since it was graded.")] = False,
) -> None:
    """Grade students' works: points, feedback that teaches, and tables; exit code 3 where a work was not graded."""
    wanted = directories_to_grade(directories or [], of_class)
    known = {check.id for check in all_checks(data_directory("suites"))}
    version = resolve_kubernetes_version(kubernetes_version)
    version_to_examine(version)
    order = Order(out, read_rubric(rubric, known), language, version, jobs, seconds, again)
    require_local(_NODES * jobs)
    assemble_images(get_tools(version, ConsoleProgress()))
    prepare_addons(ConsoleProgress())
    if slowness(jobs) > 1:
        wanted_processors = jobs * PROCESSORS_A_WORK
        typer.echo(
            f"{jobs} works at once want {wanted_processors} processors; with fewer, all waits are longer", err=True
        )
    obey_signals()
    with hold(out, command="grade", content="grades"):
        raise typer.Exit(_grade(order, wanted))


def _grade(order: Order, wanted: list[Path]) -> int:
    """Grade, and return the exit code."""
    index = count(1)
    classroom = Classroom(order, lambda graded, was_run: _tell(graded, was_run, f"{next(index)}/{len(wanted)}"))
    try:
        classroom.grade(wanted)
    except KeyboardInterrupt:
        typer.echo("interrupted; what was graded is kept", err=True)
        return INTERRUPTED
    finally:
        grades = classroom.grades()
        _write_tables(order, grades)
    left = [one.work.name for one in grades if one.state is State.NOT_GRADED]
    if left:
        typer.echo(f"not graded: {', '.join(left)}; run netproof grade again", err=True)
    return NOT_ALL_GRADED if left else 0


def _write_tables(order: Order, grades: list[Grade]) -> None:
    tables = {
        "grades.csv": to_csv(order.rubric, grades),
        "summary.md": to_markdown(order.rubric, grades, order.language),
        "index.html": to_html(order.rubric, grades, order.language),
    }
    for name, text in tables.items():
        write_atomically(order.out / name, text)
    typer.echo(f"{order.out / 'index.html'}, grades.csv and summary.md have {len(grades)} works")


def _tell(graded: Grade, was_run: bool, place: str) -> None:
    if graded.score:
        said = f"{number(graded.score.earned)} of {number(graded.score.possible)}"
        said += f" and {number(graded.score.stars)} of {number(graded.score.possible_stars)} for stars"
    else:
        said = graded.state.value.replace("-", " ") + (f": {graded.said.splitlines()[0]}" if graded.said else "")
    took = f"{graded.seconds:.0f} s" if was_run else "as before"
    line = f"[{place}] {graded.work.name}: {said} ({took})"
    typer.echo("".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line))
