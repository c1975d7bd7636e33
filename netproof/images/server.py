"""The image server of a cluster, one process on its LAN: the registry that nodes mirror from, and the short links.

``python -m netproof.images.server --config FILE`` prints ``ready`` when it listens and ends on SIGTERM or SIGINT; what
keeps it from starting is one line on stderr and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from netproof.errors import NetproofError
from netproof.images.access_log import AccessLog
from netproof.images.added import AddedImages
from netproof.images.listener import Listener
from netproof.images.plan import PlanFile
from netproof.images.policy import ImagePolicy
from netproof.images.registry import RegistryServer
from netproof.images.resolver import Resolver, SystemImages
from netproof.images.shortlinks import ShortLinkServer, tls_context

_EXIT_NOT_STARTED = 2
"""The exit code where the server could not start."""


@dataclass(frozen=True, slots=True)
class ImageServerConfig:
    """What the image server is told; a JSON object with these fields.

    Attributes:
        blobs: the root of the blob store.
        plan: the file with the plan of stand-ins, which need not exist and may change at any time.
        access_log: the file that requests are logged to.
        policy: ``pull`` or ``stand-in``.
        address: the IP address to listen on.
        registry_port: the port of the registry.
        http_port: the port of the short links over HTTP; None for none.
        https_port: the port of the short links over HTTPS; None for none.
        certificate: the certificate of the short links, PEM.
        key: its private key, PEM.
        system_images: netproof's own images, by name, as digests of their manifests; the tag ``*`` means any.
        stand_ins: the images that stand-ins are made from, by kind (``web``, ``busybox``), as manifest digests.
        added_images: the file with further images of netproof's own, which need not exist and may change at any time.
    """

    blobs: str
    plan: str
    access_log: str
    policy: str = "stand-in"
    address: str = "172.17.0.1"
    registry_port: int = 5000
    http_port: int | None = 80
    https_port: int | None = 443
    certificate: str = ""
    key: str = ""
    system_images: dict[str, str] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)
    added_images: str = ""

    def write(self, path: Path) -> None:
        """Writes the configuration for :meth:`read`."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> ImageServerConfig:
        """The configuration in a file.

        Raises:
            NetproofError: there is no such file, or it is not a configuration.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as problem:
            raise NetproofError(f"the image server's configuration {path} cannot be used: {problem}") from problem


class ImageServer:
    """The listening services of one configuration; a context manager that closes them.

    Raises:
        NetproofError: an address is taken, or a file of the configuration is missing or wrong.
    """

    def __init__(self, config: ImageServerConfig) -> None:
        try:
            policy = ImagePolicy(config.policy)
        except ValueError as problem:
            raise NetproofError(f"the image policy {config.policy!r} is neither pull nor stand-in") from problem
        images = SystemImages(config.system_images, config.stand_ins)
        added = AddedImages(Path(config.added_images)) if config.added_images else None
        resolver = Resolver(Path(config.blobs), images, policy, PlanFile(Path(config.plan)), added)
        with ExitStack() as opened:
            log = _open_log(Path(config.access_log))
            opened.callback(log.close)
            self.registry = RegistryServer((config.address, config.registry_port), resolver, log)
            self.listeners: list[Listener] = [opened.enter_context(self.registry)]
            for server in _short_links(config, log):
                self.listeners.append(opened.enter_context(server))
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """Begins to answer, in threads."""
        for listener in self.listeners:
            threading.Thread(target=listener.serve_forever, daemon=True).start()
            self._opened.callback(listener.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _short_links(config: ImageServerConfig, log: AccessLog) -> list[ShortLinkServer]:
    servers: list[ShortLinkServer] = []
    if config.http_port is not None:
        servers.append(ShortLinkServer((config.address, config.http_port), log))
    if config.https_port is not None:
        context = tls_context(Path(config.certificate), Path(config.key))
        servers.append(ShortLinkServer((config.address, config.https_port), log, tls=context))
    return servers


def _open_log(path: Path) -> AccessLog:
    try:
        return AccessLog(path)
    except OSError as problem:
        raise NetproofError(f"the access log {path} cannot be written: {problem.strerror}") from problem


def main(arguments: list[str] | None = None) -> int:
    """Serves until a signal says to end, and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m netproof.images.server", description="The image server of a cluster."
    )
    parser.add_argument("--config", type=Path, required=True, help="a JSON file with the fields of ImageServerConfig")
    options = parser.parse_args(arguments)

    # blocked before the first thread starts, so that no thread is interrupted and sigwait gets them
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        with ImageServer(ImageServerConfig.read(options.config)):
            print("ready", flush=True)
            signal.sigwait(ends)
    except NetproofError as problem:
        print(problem.message, file=sys.stderr, flush=True)
        return _EXIT_NOT_STARTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
