"""A visit of a browser, as a program: reads what to open from stdin, and writes what was seen to stdout, both as JSON.

See :class:`netproof.observe.browser.Browser`, which runs it in the place where the browser is to stand.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from dataclasses import asdict

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response, sync_playwright

from netproof.observe.browser import Fetched, Visit, Visiting

# What Chromium would otherwise do on the network by itself, or needs hardware for.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)


_NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""What Chromium says when it drops all that is under way, since an address of its host has come or gone. Others act in
the same place, and some have an address there for a while; a person would load the page again."""

_TRIES = 3


class _Watched:
    """Takes down what happens to a page."""

    def __init__(self, page: Page) -> None:
        self.fetched: list[Fetched] = []
        self.errors: list[str] = []
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def _answered(self, response: Response) -> None:
        kind, content_type = response.request.resource_type, response.headers.get("content-type", "")
        self.fetched.append(Fetched(response.url, kind, response.status, content_type))

    def _failed(self, request: Request) -> None:
        self.fetched.append(Fetched(request.url, request.resource_type, failure=request.failure or "failed"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


def open_page(browser: Browser, wanted: Visiting) -> Visit:
    """Open one page in a profile of its own, wait until it is quiet, and tell what it has become.

    Where an address of the place comes or goes meanwhile, it is opened again.
    """
    for _ in range(_TRIES - 1):
        visit = _opened(browser, wanted)
        if not any(_NETWORK_CHANGED in one.failure for one in visit.fetched):
            return visit
    return _opened(browser, wanted)


def _opened(browser: Browser, wanted: Visiting) -> Visit:
    milliseconds = wanted.timeout_seconds * 1000
    # whoever opens the page of an ingress controller by its address must accept the certificate that it made itself
    context = browser.new_context(
        ignore_https_errors=True,
        java_script_enabled=wanted.scripts,
        service_workers="block",
        viewport={"width": 1000, "height": 640},
    )
    context.set_default_timeout(milliseconds)
    page = context.new_page()
    watched = _Watched(page)
    start = time.monotonic()
    delivered = ""
    try:
        answer = page.goto(wanted.url, wait_until="load")
        page.wait_for_load_state("networkidle")
        delivered = answer.text() if answer else ""
    except Error as problem:
        watched.errors.append(problem.message.splitlines()[0])
    seconds = time.monotonic() - start
    visit = Visit(
        url=page.url,
        title=page.title(),
        text=page.inner_text("body"),
        delivered=delivered,
        fetched=tuple(watched.fetched),
        errors=tuple(watched.errors),
        browser=f"Chromium {browser.version}",
        seconds=round(seconds, 3),
        screenshot=page.screenshot() if wanted.screenshot else b"",
    )
    context.close()
    return visit


def visit(program: str, pages: list[Visiting]) -> list[Visit]:
    """Start the browser, open pages one after the other, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=list(_QUIET),
            timeout=max(page.timeout_seconds for page in pages) * 1000,
        )
        visits = [open_page(browser, page) for page in pages]
        browser.close()
    return visits


def main() -> None:
    """Open what stdin says: see the module."""
    asked = json.load(sys.stdin)
    visits = visit(asked["program"], [Visiting(**page) for page in asked["pages"]])
    told = [asdict(one) | {"screenshot": base64.b64encode(one.screenshot).decode("ascii")} for one in visits]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
