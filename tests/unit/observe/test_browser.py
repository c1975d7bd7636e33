"""Pages as the browser sees them. What needs the browser is skipped where there is none."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from netproof.errors import NetproofError
from netproof.fixtures.browser import missing_browser
from netproof.observe.browser import Browser, Fetched, Visit, Visiting, find_browser
from netproof.observe.commands import perform
from netproof.observe.protocol import ExecRequest

MISSING = missing_browser() or ("a mount needs root" if os.geteuid() else None)
with_browser = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

PAGE = """
<!doctype html><title>A page</title><link rel=stylesheet href=a.css><p id=p>As served</p><script src=a.js></script>
"""
SCRIPT = """
const show = (text) => { document.getElementById("p").textContent = text; };
fetch("api/answer").then((answer) => answer.text()).then(show);
console.error("a complaint");
throw new Error("a mistake");
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Here:
    """This process's own place."""

    name = "here"

    def run(self, argv, *, stdin="", timeout_seconds=30.0, environment=None):
        return perform(ExecRequest(list(argv), stdin, timeout_seconds, dict(environment or {})))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    files = tmp_path / "site"
    (files / "api").mkdir(parents=True)
    (files / "index.html").write_text(PAGE)
    (files / "a.css").write_text("p { color: rgb(1, 2, 3) }")
    (files / "a.js").write_text(SCRIPT)
    (files / "api" / "answer").write_text("As the script has it")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(files)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def a_visit(**fields) -> Visit:
    values = {
        "url": "u",
        "title": "",
        "text": "",
        "delivered": "",
        "fetched": (),
        "errors": (),
        "browser": "",
        "seconds": 0,
    }
    return Visit(**(values | fields))


def test_what_scripts_wrote_is_what_was_not_served():
    visit = a_visit(delivered="<h1>A\n  title</h1><p>waiting</p>", text="A title\n\n ready:  3 pods \n")

    assert visit.written_by_scripts == ("ready: 3 pods",)


def test_what_got_an_error_or_nothing_has_failed():
    page, gone = Fetched("/", "document", 200, "text/html"), Fetched("/a.css", "stylesheet", 404, "text/plain")
    refused = Fetched("/api", "fetch", failure="net::ERR_CONNECTION_REFUSED")

    visit = a_visit(fetched=(page, gone, refused))

    assert visit.failed == (gone, refused)
    assert visit.of_kind("fetch", "xhr") == (refused,)
    assert [str(one) for one in visit.failed] == [
        "stylesheet /a.css: 404 text/plain",
        "fetch /api: net::ERR_CONNECTION_REFUSED",
    ]


@with_browser
def test_a_browser_that_does_not_work_is_told_with_its_last_words(tmp_path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\necho cannot open display >&2\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(NetproofError, match="ended with exit code 1") as problem:
        Browser(_Here(), program).visit(Visiting("http://127.0.0.1/", timeout_seconds=10))

    assert str(program) in problem.value.remedy


@with_browser
def test_a_page_is_seen_as_a_person_sees_it(site):
    scripted, plain = Browser(_Here(), find_browser()).visit(
        Visiting(site, screenshot=True), Visiting(site, scripts=False)
    )

    assert (scripted.title, scripted.text) == ("A page", "As the script has it")
    assert scripted.written_by_scripts == ("As the script has it",)
    assert {one.kind for one in scripted.fetched if one.ok} >= {"document", "stylesheet", "script", "fetch"}
    assert {"a complaint", "uncaught: a mistake"} <= {error.removeprefix("Error: ") for error in scripted.errors}
    assert scripted.screenshot.startswith(b"\x89PNG")
    assert plain.screenshot == b""
    assert (plain.text, plain.written_by_scripts) == ("As served", ())
    assert not plain.of_kind("fetch", "xhr")


@with_browser
def test_a_page_that_nobody_serves_is_an_answer_too():
    (visit,) = Browser(_Here(), find_browser()).visit(Visiting("http://127.0.0.1:1/", timeout_seconds=10))

    assert visit.errors
    assert "document" in {one.kind for one in visit.failed}
