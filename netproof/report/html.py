"""A run as one page of HTML, with a timeline of its checks."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from urllib.parse import quote

from netproof.report import digest, timeline
from netproof.report.page import render_page
from netproof.report.results import Results

REPORT_FILE = "report.html"
"""The page's name in the directory of the run."""


def to_html(results: Results, *, run_directory: str = "") -> str:
    """The page; links to evidence lead from where it lies.

    Args:
        results: the run.
        run_directory: the way from the page's directory to the run's; empty where that is the same.
    """
    told = digest.Digest(results)
    return render_page(
        "run.html",
        title=told.title,
        digest=told,
        run=results.run,
        checks=results.checks,
        not_run=results.not_run,
        timeline=timeline.timeline_of(told),
        lane_height=timeline.LANE_HEIGHT,
        width=timeline.WIDTH,
        margin=timeline.MARGIN,
        whole_seconds=digest.whole_seconds,
        link=lambda path: link_to(path, run_directory),
    )


def link_to(path: str, directory: str = "") -> str:
    """The address of a file of a run: relative where the file lies in the run's directory, else absolute.

    Args:
        path: as results.json has it.
        directory: the way from the page's directory to the run's.
    """
    if PurePath(path).is_absolute():
        return PurePath(path).as_uri()
    return quote(f"./{PurePosixPath(directory, path)}" if directory else f"./{path}")
