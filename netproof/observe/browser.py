"""A real browser that stands where a user's would: Chromium, driven by Playwright, in a place of the network.

It is a process of that place (:mod:`netproof.observe.browser_visit`), so it sees the network that the place sees and
ends with the cluster. Its profile is new and empty each time, and lies in memory that is gone when the browser is.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from netproof.errors import NetproofError
from netproof.observe.standpoint import Standpoint

BROWSER_PROGRAMS = ("chromium", "chromium-headless-shell")
"""The names of Debian's Chromium, the whole browser first."""

DRIVER_PACKAGE = "playwright"
"""The Python package that drives the browser."""

API_KINDS = frozenset({"fetch", "xhr"})
"""The kinds of requests that scripts make."""

_LAST_LINES = 12

# Chromium puts a socket into its temporary directory, whose path must be short, and files that would stay behind if it
# were killed: hence a mount of its own, at a place where no program of netproof's lies.
_TEMPORARY = "/run"
_IN_MEMORY = f'mount -t tmpfs -o mode=700 browser {_TEMPORARY} && exec "$0" "$@"'


@dataclass(frozen=True, slots=True)
class Visiting:
    """A page to open.

    Attributes:
        url: its address.
        screenshot: whether to take a picture of it.
        scripts: whether scripts run.
        timeout_seconds: how long it may take to load, and then to fall quiet.
    """

    url: str
    screenshot: bool = False
    scripts: bool = True
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the browser got for one request.

    Attributes:
        url: what it asked for.
        kind: what for: document, stylesheet, script, image, font, fetch, xhr, or other words of Playwright.
        status: the status code; None where no answer came.
        content_type: the header of this name.
        failure: why no answer came, in the browser's words; empty where one came.
    """

    url: str
    kind: str
    status: int | None = None
    content_type: str = ""
    failure: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.url}: {self.failure or f'{self.status} {self.content_type}'}"

    @property
    def ok(self) -> bool:
        """Whether an answer came that is no error."""
        return self.status is not None and self.status < 400


@dataclass(frozen=True, slots=True)
class Visit:
    """A page as the browser saw it.

    Attributes:
        url: where it ended up, after redirects.
        title: the title of the page.
        text: the text that a person sees, scripts having run.
        delivered: the HTML as it was served.
        fetched: everything that was asked for, in the order of the answers.
        errors: what went wrong in the page: uncaught exceptions, and errors on the console.
        browser: name and version of the browser.
        seconds: how long it took until the page was quiet.
        screenshot: a picture of it as PNG; empty where none was asked for.
    """

    url: str
    title: str
    text: str
    delivered: str
    fetched: tuple[Fetched, ...]
    errors: tuple[str, ...]
    browser: str
    seconds: float
    screenshot: bytes = b""

    def of_kind(self, *kinds: str) -> tuple[Fetched, ...]:
        """What was fetched as one of these kinds."""
        return tuple(one for one in self.fetched if one.kind in kinds)

    @property
    def failed(self) -> tuple[Fetched, ...]:
        """What was asked for and not got."""
        return tuple(one for one in self.fetched if not one.ok)

    @property
    def written_by_scripts(self) -> tuple[str, ...]:
        """The lines of the text that are not in the HTML as it was served."""
        served = " ".join(self.delivered.split())
        lines = (" ".join(line.split()) for line in self.text.splitlines())
        return tuple(line for line in lines if line and line not in served)


class Browser:
    """A browser in a place of the network.

    Args:
        place: where it stands; commands there must be root's.
        program: Chromium.
    """

    def __init__(self, place: Standpoint, program: Path) -> None:
        self._place, self._program = place, program

    def visit(self, *pages: Visiting) -> tuple[Visit, ...]:
        """Open pages one after the other, each with a profile of its own; what does not load is a part of the answer.

        Raises:
            NetproofError: the browser itself does not work.
        """
        visit = [sys.executable, "-m", "netproof.observe.browser_visit"]
        done = self._place.run(
            ["unshare", "--mount", "sh", "-c", _IN_MEMORY, *visit],
            stdin=json.dumps({"program": str(self._program), "pages": [asdict(one) for one in pages]}),
            environment={"HOME": _TEMPORARY, "TMPDIR": _TEMPORARY},
            timeout_seconds=_longest_seconds(pages),
        )
        if not done.ok:
            how = "was not done in time" if done.timed_out else f"ended with exit code {done.exit_code}"
            tail = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-_LAST_LINES:])
            raise NetproofError(
                f"the browser {self._program} {how}:\n{tail}",
                f"see whether '{self._program} --headless --no-sandbox --dump-dom about:blank' works",
            )
        return tuple(_visit(**told) for told in json.loads(done.stdout))


def find_browser() -> Path | None:
    """Chromium on this machine; None where it has none."""
    found = (shutil.which(name) for name in BROWSER_PROGRAMS)
    return next((Path(path) for path in found if path), None)


def has_driver() -> bool:
    """Whether the Python package that drives the browser is installed."""
    return importlib.util.find_spec(DRIVER_PACKAGE) is not None


def _visit(**told: Any) -> Visit:
    picture = base64.b64decode(told.pop("screenshot"))
    return TypeAdapter(Visit).validate_python(told | {"screenshot": picture})


def _longest_seconds(pages: Sequence[Visiting]) -> float:
    """For the start of the browser as long as for a page, and twice that for each page: to load, to fall quiet."""
    return sum(2 * page.timeout_seconds for page in pages) + max((page.timeout_seconds for page in pages), default=0.0)
