"""The requests that a path of an Ingress is meant for."""

import pytest

from netproof.ingress.requests import headers_of, prefix_of
from netproof.submission.routes import Backend, Route

WEB = Backend("web-svc", 80, (), is_of_v1=True)


@pytest.mark.parametrize(
    ("path", "prefix"),
    [("/web", "/web"), ("/web/", "/web"), ("/", ""), ("", ""), ("/web(/|$)(.*)", "/web"), ("/v1.2/.*", "/v1.2")],
)
def test_the_literal_beginning_of_a_path(path, prefix):
    assert prefix_of(Route("", path, "Prefix", WEB, ())) == prefix


def test_a_host_is_said_in_a_header():
    assert headers_of(Route("app.local", "/", "", WEB, ())) == {"Host": "app.local"}
    assert headers_of(Route("", "/", "", WEB, ())) == {}
