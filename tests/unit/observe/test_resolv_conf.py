"""What a resolver tries for a name, and in which order."""

import pytest

from netproof.observe.protocol import DnsRecord, DnsReply
from netproof.observe.resolv_conf import ResolvConf, parse_hosts
from netproof.observe.standpoint import DnsAnswer

OF_A_POD = """\
# as kubelet writes it
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5 rotate
"""


class Place:
    """Knows one name."""

    def __init__(self, known):
        self.known, self.asked = known, []

    def resolve(self, name, record_type, *, server, **_):
        self.asked.append(name)
        records = (DnsRecord(name, record_type, 5, "10.96.0.1"),) if name == self.known else ()
        rcode = "NOERROR" if records else "NXDOMAIN"
        return DnsAnswer(DnsReply(name, record_type, server, 0.0, rcode=rcode, answers=records))


def test_the_file_of_a_pod_is_read():
    found = ResolvConf.parse(OF_A_POD)

    assert found.nameservers == ("10.96.0.10",)
    assert found.search == ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")
    assert found.options == (("ndots", "5"), ("rotate", ""))


@pytest.mark.parametrize(
    ("name", "first", "count"),
    [
        ("web", "web.default.svc.cluster.local.", 4),
        ("web.default.svc.cluster.local", "web.default.svc.cluster.local.default.svc.cluster.local.", 4),
        ("a.b.c.d.e.f", "a.b.c.d.e.f.", 4),
        ("web.", "web.", 1),
    ],
)
def test_names_with_few_dots_get_the_endings_first(name, first, count):
    candidates = ResolvConf.parse(OF_A_POD).candidates(name)

    assert candidates[0] == first
    assert len(candidates) == count


def test_without_options_one_dot_makes_a_name_absolute_first():
    found = ResolvConf.parse("nameserver 192.0.2.1\nsearch one.example\nsearch . two.example\n")

    assert found.candidates("web") == ("web.two.example.", "web.")
    assert found.candidates("web.one") == ("web.one.", "web.one.two.example.")


def test_a_look_up_ends_with_the_first_answer_that_has_records():
    place = Place("web.svc.cluster.local.")

    answer = ResolvConf.parse(OF_A_POD).look_up(place, "web")

    assert answer.addresses == ("10.96.0.1",)
    assert place.asked == ["web.default.svc.cluster.local.", "web.svc.cluster.local."]


def test_a_look_up_of_what_nobody_knows_is_the_last_answer():
    place = Place("web.")

    answer = ResolvConf.parse(OF_A_POD).look_up(place, "wbe")

    assert answer.rcode == "NXDOMAIN"
    assert place.asked[-1] == "wbe."


def test_hosts_are_read_with_their_other_names():
    text = "# Kubernetes-managed\n127.0.0.1\tlocalhost\n10.244.0.9\tone.two.example\tone # ours\n\n::1 localhost\n"

    assert parse_hosts(text) == {"localhost": "127.0.0.1", "one.two.example": "10.244.0.9", "one": "10.244.0.9"}
