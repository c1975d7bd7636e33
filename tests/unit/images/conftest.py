from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from netproof.cluster.pki import CertificateAuthority
from netproof.images.server import ImageServer, ImageServerConfig
from netproof.images.shortlinks import SHORT_LINK_HOSTS
from netproof.toolchain.oci import BlobStore, Image, ImageConfig, ImageManifest, Layer


@dataclass(frozen=True)
class TinyImages:
    """Images of a few bytes, in a blob store."""

    blobs: BlobStore
    pause: ImageManifest
    agnhost: ImageManifest
    web: ImageManifest
    busybox: ImageManifest


@pytest.fixture
def tiny(tmp_path: Path) -> TinyImages:
    blobs = BlobStore(tmp_path / "store")

    def image(name: str, **config: Any) -> ImageManifest:
        layer = Layer.from_files({f"bin/{name}": name.encode() * 1000})
        return Image(ImageConfig(entrypoint=[f"/bin/{name}"], **config), [layer]).store(blobs)

    web = image(
        "web", env={"PATH": "/bin", "NETPROOF_PORTS": "8000"}, exposed_ports=["8000/tcp"], labels={"kept": "yes"}
    )
    return TinyImages(blobs, image("pause"), image("agnhost"), web, image("busybox"))


@pytest.fixture
def config(tmp_path: Path, tiny: TinyImages) -> ImageServerConfig:
    pair = CertificateAuthority().issue("short-links", names=("localhost", *SHORT_LINK_HOSTS))
    (tmp_path / "links.crt").write_bytes(pair.certificate_pem)
    (tmp_path / "links.key").write_bytes(pair.key_pem)
    return ImageServerConfig(
        blobs=str(tiny.blobs.root),
        plan=str(tmp_path / "plan.json"),
        access_log=str(tmp_path / "access.jsonl"),
        address="127.0.0.1",
        registry_port=0,
        http_port=0,
        https_port=0,
        certificate=str(tmp_path / "links.crt"),
        key=str(tmp_path / "links.key"),
        system_images={
            "registry.k8s.io/pause:3.10": tiny.pause.digest,
            "registry.k8s.io/e2e-test-images/agnhost:*": tiny.agnhost.digest,
        },
        stand_ins={"web": tiny.web.digest, "busybox": tiny.busybox.digest},
    )


@dataclass(frozen=True)
class RunningServer:
    """An image server that listens on loopback, and a client with a kept-alive connection."""

    config: ImageServerConfig
    server: ImageServer
    session: requests.Session

    @property
    def plan(self) -> Path:
        return Path(self.config.plan)

    @property
    def access_log(self) -> Path:
        return Path(self.config.access_log)

    def ask(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        url = f"http://127.0.0.1:{self.server.registry.port}{path}"
        return self.session.request(method, url, timeout=5, **options)

    def manifest(
        self, image: str, reference: str, namespace: str = "docker.io", method: str = "GET"
    ) -> requests.Response:
        return self.ask(f"/v2/{image}/manifests/{reference}?ns={namespace}", method)

    def config_of(self, manifest: requests.Response) -> dict[str, Any]:
        config: dict[str, Any] = self.ask(f"/v2/any/blobs/{manifest.json()['config']['digest']}").json()
        return config

    def link_port(self, *, tls: bool) -> int:
        return next(one.port for one in self.server.listeners if one.service == "short-links" and bool(one.tls) is tls)


@pytest.fixture
def start(config: ImageServerConfig) -> Iterator[Callable[..., RunningServer]]:
    """Starts an image server with the given fields of its configuration changed."""
    with ExitStack() as running:

        def start_with(**changes: Any) -> RunningServer:
            changed = replace(config, **changes)
            server = running.enter_context(ImageServer(changed))
            session = running.enter_context(requests.Session())
            session.trust_env = False
            return RunningServer(changed, server, session)

        yield start_with


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        return int(holder.getsockname()[1])


@pytest.fixture
def corpus_documents() -> list[dict[str, Any]]:
    """The Kubernetes objects of real submissions, as far as they parse."""
    checkout = Path(__file__).parents[3]
    corpus = Path(os.environ.get("NETPROOF_CORPUS", checkout.parent / "shared" / "corpus"))
    if not corpus.is_dir():
        pytest.skip(f"there is no corpus of submissions at {corpus}")
    found: list[dict[str, Any]] = []
    for file in sorted(corpus.glob("**/*.y*ml")):
        with suppress(yaml.YAMLError, UnicodeDecodeError):
            found += [one for one in yaml.load_all(file.read_text(), Loader=yaml.CSafeLoader) if isinstance(one, dict)]
    return found
