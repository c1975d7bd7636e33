"""What is expected of replies reads as a sentence and fails with all that a reader needs."""

import pytest

from netproof.observe.expectations import expect, require
from netproof.observe.protocol import Failure, HttpReply
from netproof.observe.replies import UNNAMED_SERVER, Replies
from netproof.verdict import UnmetError

URL = "http://10.96.7.7/"


def ok(body: str, status: int = 200) -> HttpReply:
    return HttpReply(URL, start=1.0, duration_seconds=0.5, status=status, body=body)


REFUSED = HttpReply(URL, start=2.0, duration_seconds=0.5, failure=Failure.REFUSED, detail="connection refused")
PAGE = "<pre>\nexport HOME='/root'\nexport HOSTNAME='web-1'\n</pre>"


def test_the_server_is_named_by_the_page_or_by_the_whole_body():
    replies = Replies((ok(PAGE), ok("web-2\n"), ok("web-2"), ok("<h1>Not Found</h1>")))

    assert replies.served_by() == {"web-1": 1, "web-2": 2, UNNAMED_SERVER: 1}
    assert replies.served_by(r"<h1>(.*)</h1>") == {UNNAMED_SERVER: 3, "Not Found": 1}


def test_replies_answer_questions():
    replies = Replies((ok(PAGE), ok(PAGE, 503), REFUSED))

    assert not replies.all_ok
    assert replies.statuses == {200: 1, 503: 1}
    assert list(replies.failures) == [REFUSED]
    assert len(replies.lost) == 2
    assert replies[:1].only_from(["web-1", "web-2"])
    assert not replies[:1].from_each_of(["web-1", "web-2"])
    assert replies.duration_seconds == 1.5


def test_no_replies_are_not_ok():
    assert not Replies(()).all_ok
    assert not Replies(()).all_failed


def test_met_expectations_go_on():
    replies = Replies((ok("web-1"), ok("web-2")))

    expect(replies).to_be(200).served_by(["web-1", "web-2"]).served_only_by(
        ["web-1", "web-2", "web-3"]
    ).to_lose_nothing()
    expect(Replies((REFUSED,))).to_fail_by(Failure.REFUSED).to_fail_by()


def test_an_unmet_expectation_says_everything():
    with pytest.raises(UnmetError) as raised:
        expect(Replies((ok("web-1"), REFUSED)), "Service default/web").to_be(200)

    assert raised.value.expected == "status 200 every time"
    assert raised.value.observed == "1 x 200, 1 x refused (connection refused) in 1.50 s"
    assert raised.value.attempts == 2
    assert raised.value.objects == ("Service default/web", "http://10.96.7.7/")


@pytest.mark.parametrize(
    "unmet",
    [
        lambda: expect(Replies((ok("web-1"),))).served_by(["web-1", "web-2"]),
        lambda: expect(Replies((ok("web-1"), ok("web-3")))).served_by(["web-1"]),
        lambda: expect(Replies((ok("web-3"),))).served_only_by(["web-1"]),
        lambda: expect(Replies((ok("web-1"),))).to_fail_by(Failure.TIMEOUT),
        lambda: expect(Replies((REFUSED,))).to_fail_by(Failure.TIMEOUT, Failure.UNREACHABLE),
        lambda: expect(Replies((REFUSED,))).to_lose_nothing(),
        lambda: expect(Replies(())).to_be(200),
        lambda: expect(Replies(())).to_lose_nothing(),
        lambda: require([], "a rule for 10.96.7.7", "none", objects=["node n1"]),
    ],
)
def test_expectations_that_are_not_met(unmet):
    with pytest.raises(UnmetError):
        unmet()
