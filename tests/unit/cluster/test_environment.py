import pytest

from netproof.cluster.environment import of_components


@pytest.mark.parametrize(
    "name", ["TMPDIR", "HTTPS_PROXY", "http_proxy", "NO_PROXY", "KUBECONFIG", "GODEBUG", "SSL_CERT_FILE"]
)
def test_what_is_about_the_host_does_not_reach_components(name):
    assert of_components({name: "/somewhere"}) == {}


@pytest.mark.parametrize("name", ["PATH", "HOME", "LC_ALL", "NETPROOF_TIMEOUT_SCALE", "XDG_CACHE_HOME", "PYTHONPATH"])
def test_where_things_are_does(name):
    assert of_components({name: "/somewhere"}) == {name: "/somewhere"}
