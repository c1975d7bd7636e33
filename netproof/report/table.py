"""The results as text for a terminal: a table by section, what went wrong, and one line of counts."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

STYLES: Final = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.BLOCKED: "yellow",
    Verdict.UNSUPPORTED: "cyan",
    Verdict.ERROR: "bold magenta",
}

_LEAST_OF_A_TITLE = 20
"""With fewer columns left, the table says no more than id, verdict and time."""

_LONGEST_FIELD_LINES = 12
"""What is longer is in results.json."""


def render(parts: Iterable[RenderableType], *, width: int, colour: bool) -> str:
    """The parts as text of at most ``width`` columns, plain or with terminal colours."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(width, 20),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def sections(results: Results, *, width: int) -> Iterator[RenderableType]:
    """One table a section, in the order in which the sections first ran."""
    names = list(dict.fromkeys(check.section for check in results.checks))
    of_verdict, of_seconds, between = len(Verdict.UNSUPPORTED), 8, 2
    longest = max((len(check.key) for check in results.checks), default=0)
    of_id = max(10, min(longest, width - of_verdict - of_seconds - 3 * between))
    of_rest = width - of_id - of_verdict - of_seconds - 4 * between
    for name in names:
        yield Text(name, style="bold")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, between, 0, 0), expand=False)
        table.add_column(overflow="fold", width=of_id)
        table.add_column(no_wrap=True, width=of_verdict)
        table.add_column(no_wrap=True, justify="right", width=of_seconds)
        if of_rest >= _LEAST_OF_A_TITLE:
            table.add_column(no_wrap=True, overflow="ellipsis", style="dim", width=of_rest)
        for check in results.checks:
            if check.section == name:
                cells = [Text(check.key), Text(check.verdict, style=STYLES[check.verdict])]
                cells += [Text(f"{check.duration_seconds:.1f} s"), Text(check.reason or _measured(check) + check.title)]
                table.add_row(*cells[: len(table.columns)])
        yield Padding(table, (0, 0, 0, between))


def adaptations(results: Results) -> Iterator[RenderableType]:
    """What was changed in the manifests so that they run on this cluster, a line for each change."""
    if results.run.adaptation:
        yield Text("\nadapted (--adapt none leaves it as it is):", style="dim")
        for change in results.run.adaptation:
            yield Padding(Text(change, style="dim"), (0, 0, 0, 2))


def troubles(results: Results) -> Iterator[RenderableType]:
    """What failed, each by itself; then the errors, those of one message together; then news, and what was not run."""
    for check in results.checks:
        if check.verdict is Verdict.FAILED:
            yield Text()
            yield from _headed([check], [("expected", check.expected), ("observed", check.observed or check.message)])
    errors = sorted((check for check in results.checks if check.verdict is Verdict.ERROR), key=_message)
    for message, group in groupby(errors, key=_message):
        checks = list(group)
        yield Text()
        yield from _headed(checks, [("error", message[0]), ("remedy", message[1])])
    for line in results.run.news:
        yield Text(f"\nnews: {line}", style="bold cyan")
    for problem in results.run.problems:
        yield Text(f"\nproblem: {problem}", style=STYLES[Verdict.ERROR])
    if results.not_run:
        yield Text(f"\nnot run: {', '.join(results.not_run)}", style="yellow")


def counts(results: Results) -> Text:
    """All checks and how many have each verdict, in one line."""
    parts = [f"{number} {verdict}" for verdict, number in results.counts().items() if number]
    if results.not_run:
        parts.append(f"{len(results.not_run)} not run")
    number = len(results.checks) + len(results.not_run)
    return Text(f"{number} {'check' if number == 1 else 'checks'}: {', '.join(parts)}")


def _measured(check: CheckResult) -> str:
    return "".join(f"{name} {value:g}; " for name, value in check.measured.items())


def _message(check: CheckResult) -> tuple[str, str]:
    return check.message, check.remedy


def _headed(checks: list[CheckResult], fields: list[tuple[str, str]]) -> Iterator[RenderableType]:
    verdict = checks[0].verdict
    yield Text.assemble((f"{verdict}: ", STYLES[verdict]), (", ".join(check.key for check in checks), "bold"))
    if len(checks) == 1:
        check = checks[0]
        fields = [
            *fields,
            ("attempts", str(check.attempts) if check.attempts is not None else ""),
            ("after", f"{check.duration_seconds:.1f} s"),
            ("objects", ", ".join(check.objects)),
        ]
    fields.append(("evidence", "\n".join(dict.fromkeys(file for check in checks for file in check.evidence))))
    fields.append(("test", checks[0].test if len(checks) == 1 else ""))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=8)
    table.add_column(overflow="fold")
    for name, text in fields:
        if text:
            table.add_row(Text(name, style="dim"), Text(_shortened(text)))
    yield Padding(table, (0, 0, 0, 2))


def _shortened(text: str) -> str:
    lines = text.splitlines()
    left = len(lines) - _LONGEST_FIELD_LINES
    return "\n".join([*lines[:_LONGEST_FIELD_LINES], f"... ({left} more lines in results.json)"]) if left > 0 else text
