"""A page that was dropped because the network changed under the browser is opened again."""

import pytest

from netproof.observe.browser import Fetched, Visit, Visiting

browser_visit = pytest.importorskip("netproof.observe.browser_visit", reason="it wants playwright")

WANTED = Visiting("https://page.example/")
DROPPED = "net::ERR_NETWORK_CHANGED"


def visit(failure=""):
    fetched = Fetched(WANTED.url, "document", None if failure else 200, failure=failure)
    return Visit(WANTED.url, "", "", "", (fetched,), (), "Chromium", 0.1)


@pytest.fixture
def opened(monkeypatch):
    """Has these visits come of the next openings; returns which are left."""

    def of(*failures):
        left = [visit(failure) for failure in failures]
        monkeypatch.setattr(browser_visit, "_opened", lambda _browser, _wanted: left.pop(0))
        return left

    return of


def test_a_page_is_opened_again_where_the_network_changed(opened):
    left = opened(DROPPED, "", "")

    assert browser_visit.open_page(None, WANTED) == visit()
    assert len(left) == 1


def test_any_other_failure_is_what_the_browser_saw(opened):
    left = opened("net::ERR_CONNECTION_REFUSED", "")

    assert browser_visit.open_page(None, WANTED) == visit("net::ERR_CONNECTION_REFUSED")
    assert len(left) == 1


def test_a_network_that_never_rests_is_what_the_browser_saw(opened):
    opened(DROPPED, DROPPED, DROPPED)

    assert browser_visit.open_page(None, WANTED) == visit(DROPPED)
