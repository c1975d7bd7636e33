"""What was lost while something was switched is counted, and drawn between the moments of the switch."""

from netproof.observe.protocol import Failure, HttpReply
from netproof.observe.replies import Replies
from netproof.observe.switch_timeline import Moment, SwitchTimeline

URL = "http://10.96.0.7/"


def ok(start):
    return HttpReply(URL, start, 0.1, status=200)


def lost(start, failure=Failure.REFUSED):
    return HttpReply(URL, start, 0.1, failure=failure)


def timeline(*replies, pod=()):
    moments = [Moment(100.0, "ended"), Moment(102.4, "started"), Moment(102.6, "answers")]
    return SwitchTimeline("iptables to ipvs", moments, Replies(replies), Replies(pod))


def test_each_request_is_a_letter_in_the_row_of_its_second():
    drawn = timeline(ok(99.5), ok(100.5), lost(101.0), lost(101.5, Failure.TIMEOUT), ok(102.5), pod=[ok(101.2)])

    assert drawn.render().splitlines()[2:] == [
        " seconds  Service  pod      what happened",
        "      -1  .",
        "       0  .                 0.0: ended",
        "       1  rt       .",
        "       2  .                 2.4: started; 2.6: answers",
        "",
        ". answered, r refused, t timeout",
    ]


def test_losses_are_counted_beside_the_control():
    drawn = timeline(lost(100.0), lost(102.5), ok(103.0), pod=[ok(100.0)])

    assert drawn.summary() == "iptables to ipvs: 2 of 3 requests to the Service lost within 2.5 s, 0 of 1 to its pod"


def test_a_switch_that_lost_nothing_says_so():
    assert timeline(ok(100.5)).summary().startswith("iptables to ipvs: 0 of 1 requests to the Service lost, ")


def test_a_server_error_is_a_loss():
    drawn = timeline(HttpReply(URL, 100.5, 0.1, status=503))

    assert "1 of 1" in drawn.summary()
    assert drawn.render().endswith(". answered, 5 503\n")


def test_nothing_at_all_is_one_line():
    assert SwitchTimeline("to ipvs").render().count("\n") == 1
