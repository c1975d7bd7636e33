"""The images that Kubernetes' tests want, stood in for by one small root: nothing of them is pulled.

The root has the module's own agnhost, busybox, CoreDNS, and the programs of this machine that the tests call inside of
containers, with their shared objects. What each image does beyond that is said by its entry point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netproof.cluster.pki import CertificateAuthority
from netproof.errors import NetproofError
from netproof.images.reference import ImageReference
from netproof.toolchain import Tools
from netproof.toolchain.images import busybox, pause
from netproof.toolchain.oci import Image, ImageConfig, Layer
from netproof.toolchain.shared_objects import find_programs, shared_objects

HOST_PROGRAMS: Mapping[str, str] = {
    "dash": "dash",
    "curl": "curl",
    "dig": "bind9-dnsutils",
    "getent": "libc-bin",
    "ip": "iproute2",
    "nc": "netcat-openbsd",
    "ss": "iproute2",
    "wget": "wget",
}
"""The programs that the tests call inside of containers and busybox has not, or not with these options (``wget -T`` of
Debian's static busybox 1.35 crashes), with the Debian package of each. dash is the shell: busybox's own would take its
applets before these programs."""

_SHELL = "bin/sh"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WRITABLE_BY_ALL = 0o1777


@dataclass(frozen=True, slots=True)
class StandIn:
    """How an image of the tests is stood in for.

    Attributes:
        what: in words, for the report.
        make: the image, made of the layers of the common root.
    """

    what: str
    make: Callable[[Tools, tuple[Layer, ...]], Image]


def _agnhost(_tools: Tools, root: tuple[Layer, ...]) -> Image:
    ports = [f"{port}/tcp" for port in (80, 5000, 8080, 8081, 9376)]
    return Image(ImageConfig(entrypoint=["/agnhost"], cmd=["pause"], env={"PATH": _PATH}, exposed_ports=ports), root)


def _web_server(_tools: Tools, root: tuple[Layer, ...]) -> Image:
    config = ImageConfig(entrypoint=["/agnhost"], cmd=["test-webserver"], env={"PATH": _PATH}, exposed_ports=["80/tcp"])
    return Image(config, root)


def _shell(_tools: Tools, root: tuple[Layer, ...]) -> Image:
    return Image(ImageConfig(cmd=["/bin/sh"], env={"PATH": _PATH}), root)


def _pause(tools: Tools, _root: tuple[Layer, ...]) -> Image:
    return pause(tools)


STAND_INS: Mapping[str, StandIn] = {
    "agnhost": StandIn("agnhost of the same version", _agnhost),
    "busybox": StandIn("a shell with the machine's busybox", _shell),
    "glibc-dns-testing": StandIn("a shell with the machine's dig", _shell),
    "jessie-dnsutils": StandIn("a shell with the machine's dig", _shell),
    "httpd": StandIn("agnhost test-webserver", _web_server),
    "nginx": StandIn("agnhost test-webserver", _web_server),
    "pause": StandIn("a sleeping busybox", _pause),
}
"""The images that are stood in for, by the last part of their name. Any other is unknown here."""


def stand_ins(wanted: Iterable[str], tools: Tools) -> dict[str, Image]:
    """The stand-ins for those of the wanted images that have one, by their names.

    Args:
        wanted: image names, as ``e2e.test --list-images`` prints them.
        tools: must have agnhost, busybox and coredns.

    Raises:
        NetproofError: a program of the machine is missing.
    """
    root = _root_layers(tools)
    return {name: STAND_INS[short].make(tools, root) for name in wanted if (short := short_name(name)) in STAND_INS}


def short_name(image: str) -> str:
    """The last part of an image's repository; empty where the text names no image."""
    try:
        return ImageReference.parse(image).repository.rpartition("/")[2]
    except NetproofError:
        return ""


def _root_layers(tools: Tools) -> tuple[Layer, ...]:
    """The layers of the common root.

    Raises:
        NetproofError: a program of the machine is missing.
    """
    programs = find_programs(HOST_PROGRAMS)
    (applets,) = busybox(tools).layers
    files: dict[str, bytes | Path] = {f"usr/bin/{name}": path for name, path in programs.items()}
    files |= {_SHELL: programs["dash"], "agnhost": tools.path("agnhost"), "coredns": tools.path("coredns")}
    replaced = {_SHELL, *(f"bin/{name}" for name in programs)}
    links = {path: target for path, target in applets.links.items() if path not in replaced}
    return (
        Layer.from_files(
            {**applets.files, **files, **shared_objects(programs.values())},
            links=links | {"agnhost-2": "agnhost"},
            directories={**applets.directories, "uploads": _WRITABLE_BY_ALL},
            modes=applets.modes,
        ),
        _certificate(),
    )


def _certificate() -> Layer:
    """The certificate that agnhost serves HTTPS with, where the image has its own; nobody verifies either."""
    pair = CertificateAuthority("netproof upstream").issue("localhost", names=("127.0.0.1", "localhost"))
    return Layer.from_files({"localhost.crt": pair.certificate_pem, "localhost.key": pair.key_pem})
