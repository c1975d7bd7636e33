"""A run of Kubernetes' own tests as files and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netproof.atomic_writes import write_atomically
from netproof.report.xml_text import printable
from netproof.upstream.specs import Outcome, Spec, UpstreamRun

RESULTS = "upstream.json"
_JUNIT = "junit.xml"

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "cyan",
    Outcome.NOT_RUN: "yellow",
}
_LONGEST_MESSAGE_LINES = 12


def write(run: UpstreamRun, directory: Path) -> None:
    """Write ``upstream.json`` and ``junit.xml`` into the run's directory."""
    write_atomically(directory / RESULTS, run.model_dump_json(indent=1) + "\n")
    write_atomically(directory / _JUNIT, junit(run))


def junit(run: UpstreamRun) -> str:
    """The run as JUnit XML: one suite, a case for each spec that was selected."""
    counts = run.counts()
    suite = ET.Element(
        "testsuite",
        name=f"Kubernetes {run.kubernetes_version} e2e",
        tests=str(len(run.specs)),
        failures=str(counts[Outcome.FAILED]),
        errors=str(len(run.problems)),
        skipped=str(counts[Outcome.SKIPPED] + counts[Outcome.NOT_RUN]),
        timestamp=run.started.isoformat(),
    )
    for spec in run.specs:
        case = ET.SubElement(suite, "testcase", name=spec.name, file=spec.file, time=f"{spec.seconds:.3f}")
        if spec.outcome is Outcome.FAILED:
            ET.SubElement(case, "failure", message=_first_line(spec.message)).text = printable(spec.message)
        elif spec.outcome is not Outcome.PASSED:
            ET.SubElement(case, "skipped", message=_first_line(spec.message) or spec.outcome)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def table(run: UpstreamRun) -> Iterator[RenderableType]:
    """Each spec that ran with outcome and time, then what failed, then the counts."""
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True, justify="right")
    shown.add_column(overflow="fold")
    for spec in run.specs:
        if spec.outcome is Outcome.NOT_RUN:
            continue
        shown.add_row(Text(spec.outcome, style=_STYLES[spec.outcome]), f"{spec.seconds:.1f} s", Text(spec.name))
    yield shown
    for spec in run.specs:
        if spec.outcome is Outcome.FAILED:
            yield from _failure(spec)
    for problem in run.problems:
        yield Text(f"\nproblem: {problem}", style="bold magenta")
    counted = ", ".join(f"{number} {outcome}" for outcome, number in run.counts().items())
    yield Text(f"\n{len(run.specs)} specs: {counted}")


def _failure(spec: Spec) -> Iterator[RenderableType]:
    yield Text.assemble("\n", ("failed: ", _STYLES[Outcome.FAILED]), (spec.name, "bold"))
    lines = spec.message.splitlines()
    more = [f"... ({len(lines) - _LONGEST_MESSAGE_LINES} more lines in {RESULTS})"]
    shown = [*lines[:_LONGEST_MESSAGE_LINES], *(more if len(lines) > _LONGEST_MESSAGE_LINES else [])]
    yield Padding(Text("\n".join([spec.file, *shown])), (0, 0, 0, 2))


def _first_line(text: str) -> str:
    return printable(text.partition("\n")[0])
