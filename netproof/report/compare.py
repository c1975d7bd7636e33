"""Runs side by side: the verdicts of the same checks in several results, such as those of three proxy modes."""

from __future__ import annotations

from collections.abc import Sequence

from netproof.report.results import Results

_ABSENT = "-"


def compare(runs: Sequence[Results]) -> str:
    """A Markdown table with a line for each check and a column for each run; where the verdicts differ it says so.

    A check that one run did not have, or that a mode or another feature makes unsupported there, is no difference.
    """
    heads = [_head(run) for run in runs]
    lines = [f"| check | {' | '.join(heads)} | |", f"| --- |{' --- |' * (len(runs) + 1)}"]
    verdicts = [{check.id: str(check.verdict) for check in run.checks} for run in runs]
    for check_id in sorted({one for run in verdicts for one in run}):
        found = [run.get(check_id, _ABSENT) for run in verdicts]
        judged = {one for one in found if one not in {_ABSENT, "unsupported"}}
        lines.append(f"| {check_id} | {' | '.join(found)} | {'differs' if len(judged) > 1 else ''} |")
    return "\n".join(lines)


def _head(results: Results) -> str:
    run = results.run
    return " ".join(filter(None, (run.kubernetes_version, run.proxy_mode, run.node_kind)))
