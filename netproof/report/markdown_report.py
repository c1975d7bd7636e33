"""A run as Markdown: what a person has to know of it, as for the summary page of a CI job."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.report.digest import Digest, Told
from netproof.report.markdown import block, cell, code, table, words
from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

_FACTS = ("Kubernetes", "kube-proxy's mode", "cluster", "images", "submission", "started", "took", "netproof", "run")


def to_markdown(results: Results) -> str:
    """The document. Texts of others, such as a page that a server sent, are shown and never read as markup."""
    told = Digest(results)
    state = f"; {told.state}" if told.state else ""
    facts = told.facts
    parts = [
        f"# {words(told.title)}",
        f"**{told.counts}**{state}",
        table(["", ""], ((name, cell(code(facts[name]))) for name in _FACTS if name in facts), of_numbers=False),
        *_of_lines("News", results.run.news),
        *_of_failures(told),
        *_of_what_broke(told),
        *_of_what_was_not_judged(told),
        "## Sections",
        _sections(told),
    ]
    if told.measured:
        rows = ((cell(code(one.check)), one.name, f"{one.value:g}") for one in told.measured)
        parts += ["## What was measured", table(["check", "what", "value"], rows)]
    return "\n\n".join(parts) + "\n"


def _of_failures(told: Digest) -> Iterator[str]:
    if told.failed:
        yield "## What failed"
    for check in told.failed:
        yield f"### {words(check.key)}"
        yield words(check.title)
        yield f"Expected:\n\n{block(check.expected)}" if check.expected else ""
        yield f"Observed:\n\n{block(check.observed or check.message)}"
        if check.remedy:
            yield f"Remedy: {words(check.remedy)}"
        if check.evidence:
            yield f"Evidence: {_codes(check.evidence)}"


def _of_what_broke(told: Digest) -> Iterator[str]:
    problems = told.results.run.problems
    if problems or told.errors:
        yield "## What broke"
    yield from (block(problem) for problem in problems)
    for one in told.errors:
        yield f"{_keys(one.checks)}:\n\n{block(one.text)}"
        if one.remedy:
            yield f"Remedy: {words(one.remedy)}"


def _of_what_was_not_judged(told: Digest) -> Iterator[str]:
    if told.not_judged or told.results.not_run:
        yield "## What was not judged"
        lines = [_not_judged(one) for one in told.not_judged]
        if told.results.not_run:
            lines.append(f"- not run: {_codes(told.results.not_run)}")
        yield "\n".join(lines)


def _not_judged(one: Told) -> str:
    remedy = f" Remedy: {words(one.remedy)}." if one.remedy else ""
    return f"- {one.verdict}: {words(one.text)}.{remedy} ({_keys(one.checks)})"


def _sections(told: Digest) -> str:
    rows = (
        (name, *(str(sum(check.verdict is verdict for check in checks) or "") for verdict in Verdict))
        for name, checks in told.sections.items()
    )
    return table(["section", *Verdict], rows)


def _of_lines(heading: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"## {heading}"
        yield "\n".join(f"- {words(line)}" for line in lines)


def _keys(checks: tuple[CheckResult, ...]) -> str:
    return _codes([check.key for check in checks])


def _codes(texts: list[str]) -> str:
    return ", ".join(code(text) for text in texts)
