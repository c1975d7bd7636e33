"""What an embedded cluster needs before it starts: programs, images, and the configuration of its image server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import netproof
from netproof.cluster.components import REGISTRY_PORT
from netproof.cluster.names import (
    AGNHOST_IMAGE,
    BUSYBOX_IMAGE,
    COREDNS_IMAGE,
    NAMES_IN_THE_WORLD,
    PAUSE_IMAGE,
    WEB_IMAGE,
)
from netproof.cluster.pki import CertificateAuthority
from netproof.cluster.spec import ClusterSpec
from netproof.cluster.state import StateDirectory
from netproof.images.containerd_hosts import hosts_toml, mirrored_registry
from netproof.images.policy import ImagePolicy
from netproof.images.server import ImageServerConfig
from netproof.images.unpacked import unpack_images
from netproof.toolchain import Progress, Tools, ensure
from netproof.toolchain.cache import open_cache
from netproof.toolchain.images import agnhost, busybox, coredns, pause, web
from netproof.toolchain.oci import BlobStore, Image

COMPONENTS = ("kubernetes", "agnhost", "etcd", "containerd", "cni-plugins", "coredns", "runc", "busybox")
"""The components of the toolchain that an embedded cluster is made of."""


@dataclass(frozen=True, slots=True)
class Images:
    """netproof's own images, as digests of their manifests in the blob store."""

    blobs: Path
    system: dict[str, str]
    stand_ins: dict[str, str]


def get_tools(kubernetes_version: str, progress: Progress) -> Tools:
    """The programs of a cluster; what is not cached is downloaded or built.

    Raises:
        NetproofError: a program can be had from nowhere.
    """
    return ensure(COMPONENTS, kubernetes_version, progress)


def assemble_images(tools: Tools) -> Images:
    """Assemble the images that a cluster cannot do without; those that are unchanged are not made again."""
    store: BlobStore = open_cache().images

    def digest(image: Image) -> str:
        return image.store(store).digest

    shell = digest(busybox(tools))
    system = {
        PAUSE_IMAGE: digest(pause(tools)),
        COREDNS_IMAGE: digest(coredns(tools)),
        AGNHOST_IMAGE: digest(agnhost(tools)),
        BUSYBOX_IMAGE: shell,
    }
    system |= {world: system[own] for own, world in NAMES_IN_THE_WORLD.items()}
    return Images(store.root, system, {"web": digest(web(tools)), "busybox": shell})


def unpack(tools: Tools, images: Images, addon_images: Mapping[str, str], progress: Progress) -> Path:
    """The directory with the images of nodes from the start: netproof's own, layers of stand-ins, and those of add-ons.

    Args:
        tools: the programs of the cluster.
        images: the images that it cannot do without.
        addon_images: the digests of the manifests of further ones, by name.
        progress: told that they are being unpacked.

    Raises:
        NetproofError: containerd cannot unpack them.
    """
    wanted = images.system | {WEB_IMAGE: images.stand_ins["web"]} | dict(addon_images)
    return unpack_images(open_cache(), tools.path("containerd").parent, wanted, progress)


def readable_directories(tools: Tools) -> tuple[str, ...]:
    """The directories that must be the host's own on a node: those of the programs, of Python and of netproof."""
    directories = {path.parent for path in tools.programs().values() if not path.is_relative_to("/usr")}
    directories |= {Path(sys.prefix), Path(sys.base_prefix), Path(netproof.__file__).parent.parent}
    return tuple(sorted(str(one) for one in directories if one != Path("/usr")))


def image_server_config(spec: ClusterSpec, images: Images, short_link_hosts: tuple[str, ...]) -> dict[str, Any]:
    """The configuration of the image server; its certificate is made here and written beside it."""
    state = StateDirectory(spec.name)
    state.path.mkdir(parents=True, mode=0o700, exist_ok=True)
    pair = CertificateAuthority("netproof short links").issue("short-links", names=short_link_hosts)
    certificate, key = state.path / "short-links.crt", state.path / "short-links.key"
    certificate.write_bytes(pair.certificate_pem)
    key.write_bytes(pair.key_pem)
    return asdict(
        ImageServerConfig(
            blobs=str(images.blobs),
            plan=str(state.image_plan),
            access_log=str(state.image_log),
            policy=spec.image_policy,
            address=spec.lan_address,
            registry_port=REGISTRY_PORT,
            certificate=str(certificate),
            key=str(key),
            system_images=images.system,
            stand_ins=images.stand_ins,
            added_images=str(state.added_images),
        )
    )


def node_files(spec: ClusterSpec) -> dict[str, str]:
    """Where the nodes' container runtimes look for images."""
    mirror = f"http://{spec.lan_address}:{REGISTRY_PORT}"
    registry = mirrored_registry(ImagePolicy(spec.image_policy))
    return {f"/etc/containerd/certs.d/{registry}/hosts.toml": hosts_toml(mirror)}
