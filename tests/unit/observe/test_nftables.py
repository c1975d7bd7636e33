"""nft's JSON is read into tables, and a Service is found in it in each form that kube-proxy has written."""

import json

import pytest

from netproof.errors import NetproofError
from netproof.observe.nftables import Ruleset, ServiceEndpoints, Verdict, refused

TABLE = {"family": "ip", "table": "kube-proxy"}


def chain(name, **more):
    return {"chain": {**TABLE, "name": name, "handle": 1, **more}}


def rule(name, *expressions):
    return {"rule": {**TABLE, "chain": name, "handle": 1, "expr": list(expressions)}}


def goto(name):
    return {"goto": {"target": name}}


def numgen(modulus):
    return {"numgen": {"mode": "random", "mod": modulus, "offset": 0}}


def payload(field, value, op="=="):
    return {"match": {"op": op, "left": {"payload": {"protocol": "ip", "field": field}}, "right": value}}


MARK = rule(
    "service-W-default/web/tcp/",
    payload("daddr", "10.96.7.7"),
    payload("saddr", {"prefix": {"addr": "10.244.0.0", "len": 16}}, "!="),
    {"jump": {"target": "mark-for-masquerade"}},
)
BY_CHAINS = [
    chain("endpoint-A__10.244.0.5/8000"),
    rule("endpoint-A__10.244.0.5/8000", payload("saddr", "10.244.0.5"), {"jump": {"target": "mark-for-masquerade"}}),
    rule("endpoint-A__10.244.0.5/8000", {"dnat": {"addr": "10.244.0.5", "port": 8000}}),
    chain("endpoint-B__10.244.1.6/8000"),
    rule("endpoint-B__10.244.1.6/8000", {"dnat": {"addr": "10.244.1.6", "port": 8000}}),
    rule(
        "service-W-default/web/tcp/",
        {
            "vmap": {
                "key": numgen(2),
                "data": {"set": [[0, goto("endpoint-A__10.244.0.5/8000")], [1, goto("endpoint-B__10.244.1.6/8000")]]},
            }
        },
    ),
]
BY_MAP = [
    rule(
        "service-W-default/web/tcp/",
        {
            "dnat": {
                "family": "ip",
                "addr": {
                    "map": {
                        "key": numgen(2),
                        "data": {"set": [[0, {"concat": ["10.244.0.5", 8000]}], [1, {"concat": ["10.244.1.6", 8000]}]]},
                    }
                },
            }
        },
    )
]
BY_ONE = [rule("service-W-default/web/tcp/", {"dnat": {"addr": "10.244.0.5", "port": 8000}})]


def parsed(*items):
    element = {"elem": {"val": {"concat": ["10.96.7.7", "tcp", 80]}, "comment": "default/web"}}
    empty = {"concat": ["10.96.7.8", "tcp", 80]}
    verdict_map = {**TABLE, "type": ["ipv4_addr", "inet_proto", "inet_service"], "map": "verdict"}
    return Ruleset.parse(
        json.dumps(
            {
                "nftables": [
                    {"metainfo": {"version": "1.0.6"}},
                    {"table": {"family": "ip", "name": "kube-proxy", "handle": 1}},
                    {"set": {**TABLE, "name": "cluster-ips", "type": "ipv4_addr", "elem": ["10.96.7.7"]}},
                    {
                        "map": {
                            **verdict_map,
                            "name": "service-ips",
                            "elem": [[element, goto("service-W-default/web/tcp/")]],
                        }
                    },
                    {"map": {**verdict_map, "name": "no-endpoint-services", "elem": [[empty, {"drop": None}]]}},
                    chain("nat-output", hook="output", policy="accept"),
                    chain("service-W-default/web/tcp/"),
                    MARK,
                    *items,
                ]
            }
        )
    )


def test_tables_sets_maps_and_chains():
    table = parsed().tables["ip", "kube-proxy"]

    assert table.sets["cluster-ips"] == {("10.96.7.7",)}
    assert table.verdict_maps["service-ips"] == {
        ("10.96.7.7", "tcp", 80): Verdict("goto", "service-W-default/web/tcp/")
    }
    assert table.verdict_maps["no-endpoint-services"][("10.96.7.8", "tcp", 80)] == Verdict("drop")
    assert table.chains["nat-output"].hook == "output"


@pytest.mark.parametrize(
    ("written", "targets"),
    [
        (BY_CHAINS, ("10.244.0.5:8000", "10.244.1.6:8000")),
        (BY_MAP, ("10.244.0.5:8000", "10.244.1.6:8000")),
        (BY_ONE, ("10.244.0.5:8000",)),
    ],
    ids=["endpoint chains", "map of endpoints", "one endpoint"],
)
def test_a_service_is_found_in_each_form(written, targets):
    service = ServiceEndpoints.of(parsed(*written), "10.96.7.7", 80)

    assert service == ServiceEndpoints("service-W-default/web/tcp/", targets, balanced=True)


def test_an_endpoint_that_is_chosen_twice_is_not_balanced():
    text = json.dumps(BY_MAP).replace("10.244.1.6", "10.244.0.5")

    assert not ServiceEndpoints.of(parsed(*json.loads(text)), "10.96.7.7", 80).balanced


def test_what_is_not_programmed():
    ruleset = parsed(*BY_MAP)

    assert ServiceEndpoints.of(ruleset, "10.96.7.7", 81) is None
    assert ServiceEndpoints.of(ruleset, "10.96.7.7", 80, "udp") is None
    assert ServiceEndpoints.of(Ruleset.parse('{"nftables": []}'), "10.96.7.7", 80) is None
    assert refused(ruleset, "10.96.7.8", 80)
    assert not refused(ruleset, "10.96.7.7", 80)


@pytest.mark.parametrize("text", ["", "{}", '{"nftables": [{}]}', '{"nftables": [{"rule": {"family": "ip"}}]}'])
def test_other_text_is_refused(text):
    with pytest.raises(NetproofError, match="nft -j list ruleset"):
        Ruleset.parse(text)
