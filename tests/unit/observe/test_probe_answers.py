"""What a container answers to the probes that it declares."""

from __future__ import annotations

from netproof.workloads.probe_answers import ask_probe


def container(**probes):
    return {"name": "web", "ports": [{"name": "page", "containerPort": 1}]} | probes


def test_an_http_probe_passes_on_a_status_below_400(agent, site):
    answer = ask_probe(
        agent,
        "127.0.0.1",
        container(readinessProbe={"httpGet": {"path": "index.html", "port": site.port}}),
        "readinessProbe",
    )

    assert (answer.reached, answer.passed, answer.said) == (True, True, "status 200")
    assert answer.asked == f"a status from 200 to 399 for /index.html on port {site.port}, the readinessProbe"


def test_an_http_probe_fails_on_a_servers_error_but_has_reached_the_server(agent, site):
    probe = {"httpGet": {"path": "/broken", "port": site.port}}

    answer = ask_probe(agent, "127.0.0.1", container(readinessProbe=probe), "readinessProbe")

    assert (answer.reached, answer.passed, answer.said) == (True, False, "status 503")


def test_a_tcp_probe_passes_when_the_port_is_open_and_fails_when_not(agent, site, closed_port):
    open_one, closed_one = ({"tcpSocket": {"port": port}} for port in (site.port, closed_port))

    assert ask_probe(agent, "127.0.0.1", container(livenessProbe=open_one), "livenessProbe").passed
    refused = ask_probe(agent, "127.0.0.1", container(livenessProbe=closed_one), "livenessProbe")
    assert not refused.passed
    assert refused.said.startswith("refused")


def test_a_probe_by_a_name_that_no_port_has_is_not_passed(agent):
    answer = ask_probe(agent, "127.0.0.1", container(livenessProbe={"tcpSocket": {"port": "wrong"}}), "livenessProbe")

    assert (answer.reached, answer.passed) == (False, False)
