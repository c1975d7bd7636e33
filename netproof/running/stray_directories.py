"""A directory that belongs to an option, and that pytest took for a place of tests.

pytest looks for its configuration before it knows the options of plugins. In ``--submission DIR`` it then sees an
option without a value and a directory of tests, looks for its configuration there, and so may miss the one of the
working directory, with all that this says of where the checks are.
"""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from netproof.errors import NetproofError

_HEADINGS = {
    **dict.fromkeys(("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"), ("",)),
    "pyproject.toml": ("[tool.pytest]", "[tool.pytest."),
    "tox.ini": ("[pytest]",),
    "setup.cfg": ("[tool:pytest]",),
}
"""The files that may configure pytest, each with what it must hold, one or the other, in order to do so.

See "Configuration file formats" in https://docs.pytest.org/en/stable/reference/customize.html.
"""


def refuse_stray_directories(config: pytest.Config) -> None:
    """Refuse options whose values have led pytest away from its configuration.

    Raises:
        NetproofError: the run would have another configuration if these options were written with ``=``.
    """
    if config.getoption("inifilename", None) or config.getoption("rootdir", None):
        return  # who names these leaves nothing for pytest to look for; ``netproof run`` does
    tests: list[str] | None = config.getoption("file_or_dir", None)
    if tests is None:
        return  # ``--help`` ends the reading of the command line before that
    home = config.invocation_params.dir
    meant = next(_configurations(_files_of(home, tests) or [home]), None)
    if meant is None or (config.inipath and meant.parent == config.inipath.parent.resolve()):
        return
    inside = meant.parent
    words = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *map(str, config.invocation_params.args)]
    stray = {
        option: value
        for option, value in itertools.pairwise(words)
        if option.startswith("--") and "=" not in option and not value.startswith("-") and value not in tests
        if (path := home / value).exists() and not path.resolve().is_relative_to(inside)
    }
    if stray:
        raise NetproofError(
            f"pytest takes {' and '.join(stray.values())} for a place of tests, and so does not read {meant}",
            "write " + " ".join(f"{option}={value}" for option, value in stray.items()),
        )


def _files_of(home: Path, tests: Iterable[str]) -> list[Path]:
    """The files and directories that node ids speak of, as far as they exist."""
    return [path for test in tests if (path := home / test.partition("::")[0]).exists()]


def _configurations(places: Iterable[Path]) -> Iterator[Path]:
    """The files that configure pytest at or above each place, the nearest first."""
    for place in map(Path.resolve, places):
        for directory, (name, headings) in itertools.product((place, *place.parents), _HEADINGS.items()):
            path = directory / name
            if path.is_file() and any(one in path.read_text(encoding="utf-8", errors="replace") for one in headings):
                yield path
