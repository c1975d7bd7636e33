"""What was lost while something was switched is counted, and drawn between the moments of the switch."""

from netproof.observe.protocol import Failure, HttpReply
from netproof.observe.replies import Replies
from netproof.observe.switch_timeline import SwitchTimeline

URL = "http://10.96.0.7/"


def timeline(*replies):
    made = SwitchTimeline("to ipvs", iter([100.0, 103.0]).__next__)
    made.mark("restarted")
    made.mark("answers")
    made.replies = Replies(replies)
    return made


def test_losses_stand_between_the_moments_in_which_they_came():
    made = timeline(
        HttpReply(URL, 100.5, 0.1, status=200), HttpReply(URL, 101.0, 0.1, failure=Failure.REFUSED, detail="no")
    )

    _, first, second, third = made.render().splitlines()

    assert "0.000  restarted" in first
    assert "1.000  lost: refused no" in second
    assert "3.000  answers" in third


def test_a_switch_that_lost_nothing_says_so():
    assert timeline(HttpReply(URL, 100.5, 0.1, status=200)).summary() == "to ipvs: none of 1 requests lost"


def test_losses_are_counted():
    lost = [HttpReply(URL, start, 0.1, failure=Failure.TIMEOUT) for start in (100.0, 102.5)]

    assert timeline(*lost).summary().startswith("to ipvs: 2 of 2 requests lost within 2.50 s")
