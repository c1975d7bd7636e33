"""Manifests that projects publish: fetched once, checked each time, refused where they are something else."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from netproof.addons.addon import Addon
from netproof.addons.chosen import EMBEDDED, INGRESS_NGINX, choose_addons, manifests_wanted
from netproof.addons.dashboard import DASHBOARD
from netproof.addons.metallb import METALLB
from netproof.addons.published import PublishedManifest, fetch, published_manifests
from netproof.addons.traefik import TRAEFIK
from netproof.addons.upstream import UPSTREAM, require_pulling, upstream_addon
from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy, PolicyDecision
from netproof.toolchain import SilentProgress, Tools
from netproof.toolchain.fetch import Downloader

pytestmark = pytest.mark.usefixtures("cache")

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "thing", "namespace": "things"},
    "spec": {"template": {"spec": {"containers": [{"name": "thing", "image": "example.test/thing:1"}]}}},
}
THING = yaml.safe_dump_all([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "things"}}, DEPLOYMENT])


class Site:
    """A server of files on loopback; counts what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                body = site.files.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site():
    found = Site()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def downloader():
    return Downloader(SilentProgress(), connect_timeout_seconds=2, unreachable={})


@pytest.fixture
def thing(site):
    site.files["/v1.2/thing.yaml"] = THING.encode()
    return PublishedManifest(
        title="Thing", version="1.2", url=f"{site.address}/v{{version}}/thing.yaml", objects=("Deployment/thing",)
    )


def sum_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_manifest_is_fetched_once_and_says_where_it_came_from(site, thing, downloader):
    first, second = fetch(thing, downloader), fetch(thing, downloader)

    assert first == second
    assert [one["kind"] for one in second.objects()] == ["Namespace", "Deployment"]
    assert site.asked == ["/v1.2/thing.yaml"]
    where, pinned = f"{site.address}/v1.2/thing.yaml", "not pinned: the first fetch is believed"
    assert str(second) == f"Thing 1.2 from {where} (sha256 {sum_of(THING)}, {pinned})"


def test_a_file_of_the_cache_that_was_changed_is_refused(thing, downloader, tmp_path):
    fetch(thing, downloader)
    (file,) = (tmp_path / "cache/manifests").glob("*.yaml")
    file.write_text(THING + "# changed\n")

    with pytest.raises(NetproofError, match=f"wrong checksum for Thing 1.2: expected sha256 {sum_of(THING)}, found"):
        fetch(thing, downloader)


def test_a_pinned_sum_is_held_against_what_is_fetched(thing, downloader, tmp_path):
    pinned = thing.model_copy(update={"sha256": "0" * 64})

    with pytest.raises(NetproofError, match=f"expected sha256 {'0' * 64}, found {sum_of(THING)}"):
        fetch(pinned, downloader)

    assert not (tmp_path / "cache/manifests").exists()
    good = fetch(thing.model_copy(update={"sha256": sum_of(THING)}), downloader)
    assert str(good).endswith(f"(sha256 {sum_of(THING)}, pinned)")


def test_what_cannot_be_reached_says_what_would_help(downloader):
    nowhere = PublishedManifest(title="Thing", version="1", url="http://127.0.0.1:1/thing.yaml", objects=("Pod/x",))

    with pytest.raises(NetproofError, match=r"the manifest of Thing 1 cannot be had: 127.0.0.1:1 cannot be") as problem:
        fetch(nowhere, downloader)

    assert "give this machine a way to 127.0.0.1:1, or NETPROOF_MIRROR" in problem.value.remedy
    assert "leave out --addons upstream" in problem.value.remedy


def test_what_is_not_there_is_told_with_the_servers_answer(site, thing, downloader):
    site.files.clear()

    with pytest.raises(NetproofError, match="the server answered 404"):
        fetch(thing, downloader)


@pytest.mark.parametrize(
    ("served", "said"),
    [
        ("<html>sign in</html>", "lacks Deployment/thing"),
        ("kind: Deployment\nmetadata: {name: other}\n", "is not the manifest of Thing 1.2: it lacks Deployment/thing"),
        ("a: [", "serves is no manifest"),
        ("", "lacks Deployment/thing"),
    ],
)
def test_another_file_is_refused_and_not_kept(site, thing, downloader, tmp_path, served, said):
    site.files["/v1.2/thing.yaml"] = served.encode()

    with pytest.raises(NetproofError, match=said):
        fetch(thing, downloader)

    assert not (tmp_path / "cache/manifests").exists()


def test_a_mirror_takes_the_place_of_the_host(site, downloader, monkeypatch):
    monkeypatch.setenv("NETPROOF_MIRROR", f"{site.address}/mirror")
    dashboard = published_manifests()["dashboard"]
    served = [{"kind": one.partition("/")[0], "metadata": {"name": one.partition("/")[2]}} for one in dashboard.objects]
    site.files["/mirror/kubernetes/dashboard/v2.7.0/aio/deploy/recommended.yaml"] = yaml.safe_dump_all(served).encode()

    assert fetch(dashboard, downloader).objects() == served


def test_every_pinned_address_names_its_release():
    for manifest in published_manifests().values():
        assert f"v{manifest.version}/" in manifest.address
        assert manifest.address.startswith("https://")


def test_what_a_manifest_pins_is_what_netproof_itself_stands_in_for():
    objects = published_manifests()["dashboard"].objects
    ours = {f"{one['kind']}/{one['metadata']['name']}" for one in DASHBOARD.objects(Tools({}), {})}

    assert set(objects) <= ours


@pytest.mark.parametrize(
    ("addons", "ingress", "fetched"),
    [
        (EMBEDDED, "traefik", ()),
        (EMBEDDED, INGRESS_NGINX, ("ingress-nginx",)),
        (UPSTREAM, "traefik", ("metallb", "dashboard")),
        (UPSTREAM, INGRESS_NGINX, ("metallb", "ingress-nginx", "dashboard")),
    ],
)
def test_the_controller_is_chosen_by_its_own_option(addons, ingress, fetched):
    assert manifests_wanted(addons, ingress) == fetched


def test_without_a_wish_nothing_is_fetched(downloader):
    chosen = choose_addons(EMBEDDED, "traefik", downloader)

    assert [chosen.instead_of(one) for one in (METALLB, TRAEFIK, DASHBOARD)] == [METALLB, TRAEFIK, DASHBOARD]
    assert chosen.published == ()


def test_an_add_on_of_a_project_takes_the_place_of_ours(thing, downloader):
    addon = upstream_addon(DASHBOARD, fetch(thing, downloader))

    assert (addon.name, addon.namespace) == (DASHBOARD.name, DASHBOARD.namespace)
    assert addon.components == ()
    assert [one["kind"] for one in addon.objects(Tools({}), {})] == ["Namespace", "Deployment"]
    assert isinstance(addon, Addon)


def test_where_images_are_replaced_it_is_refused():
    require_pulling(PolicyDecision(ImagePolicy.PULL, "asked for"))

    with pytest.raises(
        NetproofError, match=r"every image is a stand-in \(no image can be pulled: no network\)"
    ) as problem:
        require_pulling(PolicyDecision(ImagePolicy.STAND_IN, "no image can be pulled: no network"))

    assert "--images pull" in problem.value.remedy
