"""netproof's own images, assembled from its tools; nothing of them is pulled."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from netproof.errors import NetproofError
from netproof.toolchain.acquire import Tools
from netproof.toolchain.oci import Image, ImageConfig, Layer

PORTS_VARIABLE = "NETPROOF_PORTS"
_WEB_ROOT = "/app"

_BUSYBOX = "bin/busybox"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WRITABLE_BY_ALL = 0o1777
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_HOSTS_BY_FILES_THEN_DNS = b"hosts: files dns\n"

# As process 1 the shell dies of no signal it does not catch, hence the trap. A server that ends by itself (its port in
# use, or forbidden to this user) ends the container, so that its Pod shows the trouble rather than half of the ports.
_SERVE = f"""\
#!/bin/sh
# serves {_WEB_ROOT} on each port of {PORTS_VARIABLE}, and logs the requests
servers=
trap 'kill $servers 2>/dev/null; exit 0' TERM INT
if [ -z "${PORTS_VARIABLE}" ]; then
    echo "{PORTS_VARIABLE} names no port" >&2
    exit 2
fi
for port in ${PORTS_VARIABLE}; do
    httpd -f -vv -p "$port" -h {_WEB_ROOT} 2>&1 &
    servers="$servers $!"
    echo "serving {_WEB_ROOT} on port $port"
done
wait -n
echo "a server ended by itself" >&2
kill $servers 2>/dev/null
exit 1
""".encode()


def pause(tools: Tools) -> Image:
    """What holds the namespaces of a Pod: it sleeps until it is killed.

    Raises:
        NetproofError: ``tools`` lack busybox.
    """
    layer = Layer.from_files({_BUSYBOX: tools.path("busybox")})
    return Image(ImageConfig(entrypoint=["/bin/busybox", "sleep", "2147483647"]), [layer])


def coredns(tools: Tools) -> Image:
    """CoreDNS.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"coredns": tools.path("coredns")})
    return Image(ImageConfig(entrypoint=["/coredns"], exposed_ports=["53/udp", "53/tcp"]), [layer])


def metallb_controller(tools: Tools) -> Image:
    """MetalLB's controller, which hands out addresses.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"controller": tools.path("metallb-controller")})
    return Image(ImageConfig(entrypoint=["/controller"]), [layer])


def metallb_speaker(tools: Tools) -> Image:
    """MetalLB's speaker, which announces addresses on a node's network.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"speaker": tools.path("metallb-speaker")})
    return Image(ImageConfig(entrypoint=["/speaker"]), [layer])


def traefik(tools: Tools) -> Image:
    """Traefik.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"traefik": tools.path("traefik")}, directories={"tmp": _WRITABLE_BY_ALL})
    return Image(ImageConfig(entrypoint=["/traefik"], exposed_ports=["80/tcp", "443/tcp"]), [layer])


def dashboard(tools: Tools) -> Image:
    """What stands in for Kubernetes Dashboard.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"dashboard": tools.path("dashboard")})
    return Image(ImageConfig(entrypoint=["/dashboard"], exposed_ports=["8443/tcp"]), [layer])


def agnhost(tools: Tools) -> Image:
    """The server and client of Kubernetes' end-to-end tests; without arguments it pauses.

    Raises:
        NetproofError: ``tools`` lack it.
    """
    layer = Layer.from_files({"agnhost": tools.path("agnhost")}, directories={"tmp": _WRITABLE_BY_ALL})
    return Image(ImageConfig(entrypoint=["/agnhost"], cmd=["pause"], env={"PATH": _PATH}), [layer])


def busybox(tools: Tools) -> Image:
    """A shell with all applets of the machine's busybox.

    Raises:
        NetproofError: ``tools`` lack it, or it does not list its applets.
    """
    return Image(ImageConfig(cmd=["sh"], env={"PATH": _PATH}), [_busybox_layer(tools)])


def web(tools: Tools, ports: Sequence[int] = (8000,), files: Mapping[str, bytes] | None = None) -> Image:
    """Stands in for an image that serves ``/app`` over HTTP on these ports.

    It serves what lies in ``/app`` when asked, so also what an init container wrote to a volume there.

    Args:
        tools: must have busybox.
        ports: where it listens; a Pod may name others in the environment variable ``NETPROOF_PORTS``.
        files: what ``/app`` holds from the start, by path under it.

    Raises:
        NetproofError: ``tools`` lack busybox, or it does not list its applets.
    """
    script = "usr/local/bin/netproof-serve"
    served = {f"{_WEB_ROOT}/{path}": content for path, content in (files or {}).items()}
    # open to all, for the user that a Pod's securityContext names
    layer = Layer.from_files(
        {script: _SERVE, **served}, directories={_WEB_ROOT: _WRITABLE_BY_ALL}, modes={script: 0o755}
    )
    config = ImageConfig(
        entrypoint=[f"/{script}"],
        env={"PATH": _PATH, PORTS_VARIABLE: " ".join(str(port) for port in ports)},
        exposed_ports=[f"{port}/tcp" for port in ports],
        working_directory=_WEB_ROOT,
    )
    return Image(config, [_busybox_layer(tools), layer])


def _busybox_layer(tools: Tools) -> Layer:
    program = tools.path("busybox")
    return Layer.from_files(
        {
            _BUSYBOX: program,
            "etc/passwd": _PASSWD,
            "etc/group": _GROUP,
            "etc/nsswitch.conf": _HOSTS_BY_FILES_THEN_DNS,
        },
        # scripts of images ask for /usr/bin/env
        links={"usr/bin/env": _BUSYBOX} | {f"bin/{applet}": _BUSYBOX for applet in _applets(program)},
        directories={"tmp": _WRITABLE_BY_ALL, "root": 0o700},
    )


def _applets(program: Path) -> list[str]:
    answer = subprocess.run([program, "--list"], capture_output=True, text=True, check=False, timeout=10)
    applets = [name for name in answer.stdout.split() if "/" not in name and name != "busybox"]
    if answer.returncode != 0 or "sh" not in applets:
        raise NetproofError(f"{program} does not list its applets", "install Debian's package busybox-static")
    return applets
