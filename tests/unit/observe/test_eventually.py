import pytest

from netproof.observe.eventually import eventually, until_failing, until_reply, until_served_by
from netproof.observe.expectations import require
from netproof.observe.protocol import Failure, HttpReply
from netproof.observe.replies import Replies
from netproof.verdict import UnmetError

URL = "http://10.96.0.7/"


class Place:
    """Stands somewhere and gets these statuses, one a request; None is silence."""

    name = "n1"

    def __init__(self, *statuses):
        self.left = list(statuses)

    def get(self, url, **_):
        status = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        failure = Failure.TIMEOUT if status is None else None
        return Replies((HttpReply(url, start=0.0, duration_seconds=0.0, status=status, failure=failure),))


def counting(*met):
    """Looks whose outcomes are these, one after the other; the last one stays."""
    seen = []

    def look():
        seen.append(met[min(len(seen), len(met) - 1)])
        require(seen[-1], "it holds", f"not at look {len(seen)}", objects=["Service default/web"])
        return len(seen)

    return look


def test_it_returns_what_the_look_returned_once_it_held_so_often_in_a_row():
    assert eventually(counting(False, True, False, True, True), within_seconds=5, in_a_row=2) == 5


def test_it_fails_with_the_last_look_and_says_how_long_it_tried():
    with pytest.raises(UnmetError) as raised:
        eventually(counting(False), within_seconds=0.2)

    assert raised.value.expected == "it holds (within 0.2 s)"
    assert raised.value.observed == f"not at look {raised.value.attempts}"
    assert raised.value.objects == ("Service default/web",)


def test_any_reply_is_a_reply():
    until_reply(Place(None, 503), URL, within_seconds=5)


def test_silence_is_none():
    with pytest.raises(UnmetError, match="a reply to n1"):
        until_reply(Place(None), URL, within_seconds=0.1)


class Served:
    """Stands somewhere and is answered by these servers in turn, the first ones so often; None is a refusal."""

    name = "n1"

    def __init__(self, *rounds):
        self.rounds = list(rounds)

    def get(self, url, *, times=1, **_):
        servers = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        return Replies(tuple(reply(url, servers[number % len(servers)]) for number in range(times)))


def reply(url, server):
    """The reply of a server; of None a refusal."""
    if server is None:
        return HttpReply(url, start=0.0, duration_seconds=0.0, failure=Failure.REFUSED)
    return HttpReply(url, start=0.0, duration_seconds=0.0, status=200, body=server)


def test_servers_are_waited_for_until_all_of_them_and_nobody_else_answer():
    until_served_by(
        Served([None], ["one"], ["one", "two", "three"], ["one", "two"]), URL, ["one", "two"], within_seconds=5
    )

    with pytest.raises(UnmetError, match="replies from each of one, two and nobody else"):
        until_served_by(Served(["one"]), URL, ["one", "two"], within_seconds=0.1)


def test_a_failure_is_waited_for_and_may_have_to_be_of_a_kind():
    until_failing(Served(["one"], [None]), URL, Failure.REFUSED, within_seconds=5)

    with pytest.raises(UnmetError, match="timeout"):
        until_failing(Served([None]), URL, Failure.TIMEOUT, within_seconds=0.1)
