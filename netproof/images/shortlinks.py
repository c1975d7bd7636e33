"""The server on the LAN that answers the short links of the homework's init containers.

The init container of homework 1 pipes a script from the internet into a shell; the script leaves a page about its pod
in ``/app/index.html``. Without the internet cluster DNS sends those names here, and the script is netproof's own.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from netproof.errors import NetproofError
from netproof.images.access_log import SHORT_LINKS, AccessLog
from netproof.images.listener import Listener, LoggedHandler

SHORT_LINK_HOSTS = ("bit.ly", "raw.githubusercontent.com", "tinyurl.com")
"""The hosts that init containers of real submissions of this homework fetch their script from."""

# busybox offers TLS 1.2 without the signature_algorithms extension, which means SHA-1 (RFC 5246, section 7.4.1.4.1);
# OpenSSL 3 signs with SHA-1 at security level 0 only. Other clients negotiate TLS 1.3 or SHA-256 as ever.
_CIPHERS = "ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0"

INTRO_SCRIPT = """\
#!/bin/sh
# Written by netproof, which answers this link where there is no internet: the page says in which pod it was made.
page=/app/index.html
: "${HOSTNAME:=$(hostname)}"
export HOSTNAME
escaped() { sed -e 's/&/\\&amp;/g' -e 's/</\\&lt;/g'; }
if ! (: > "$page"); then
    echo "netproof: $page cannot be written: is a volume mounted at /app in this init container?" >&2
    exit 1
fi
{
    echo '<!DOCTYPE html>'
    echo '<html><head><meta charset="utf-8"><title>netproof</title></head><body>'
    echo '<h1>This page stands in for the one of the homework</h1>'
    echo '<h2>Environment</h2>'
    echo '<pre>'
    export -p | escaped
    echo '</pre>'
    echo '<h2>Name servers</h2>'
    echo '<pre>'
    escaped < /etc/resolv.conf
    echo '</pre>'
    echo '<h2>Hosts</h2>'
    echo '<pre>'
    escaped < /etc/hosts
    echo '</pre>'
    echo '</body></html>'
} > "$page"
"""
"""What every link answers. A pod whose shell lacks HOSTNAME still gets its line, from ``hostname``."""

_FETCH_COMMAND = re.compile(r"\b(?:wget|curl)\b(?P<arguments>[^|;&\n]*)")
_URL_HOST = re.compile(r"https?://(?:[^/\s@'\"]*@)?(?P<host>[^/\s:'\"|;&?#)]+)", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?:^|\s)['\"]?(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?=[:/]|['\"]?(?:\s|$))", re.IGNORECASE)
_INTERNET_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_CLUSTER_SUFFIXES = (".svc", ".local", ".internal", ".localhost")


class ShortLinkServer(Listener):
    """The short-link server, listening; ``serve_forever`` answers any path of any host with :data:`INTRO_SCRIPT`.

    Args:
        address: IP address and port; port 0 takes a free one.
        log: the access log.
        tls: the context of :func:`tls_context` for HTTPS; None for HTTP.

    Raises:
        NetproofError: the address cannot be listened on.
    """

    def __init__(self, address: tuple[str, int], log: AccessLog, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(address, _ShortLinkHandler, service=SHORT_LINKS, log=log, tls=tls)


class _ShortLinkHandler(LoggedHandler):
    def respond(self) -> None:
        """Answers GET and HEAD."""
        self.answer(HTTPStatus.OK, INTRO_SCRIPT.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def logged_target(self) -> str:
        """The whole URL, for the host says which link was asked for."""
        scheme = "https" if self.server.tls else "http"
        host = self.headers.get("Host", "") if hasattr(self, "headers") else ""
        return f"{scheme}://{host}{super().logged_target()}"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """The TLS settings of the short-link server, which busybox's own TLS client can meet as well as any modern client.

    Args:
        certificate: the server's certificate (ECDSA P-256 or RSA), PEM.
        key: its private key, PEM.

    Raises:
        NetproofError: the files are not there or do not fit each other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as problem:
        raise NetproofError(f"the certificate {certificate} with the key {key} cannot be used: {problem}") from problem
    return context


def hosts_in(submission_objects: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """The hosts on the internet that the init containers of these objects fetch something from by wget or curl, sorted.

    Names inside the cluster are left out: addresses, single labels, the suffixes of cluster DNS, and names whose first
    label is a Service of the same submission.

    Args:
        submission_objects: Kubernetes objects of any kind, as loaded from YAML.
    """
    objects = list(submission_objects)
    services = {_name(one) for one in objects if one.get("kind") == "Service"}
    hosts = {host for one in objects for text in _init_commands(one) for host in _fetched_hosts(text)}
    return tuple(sorted(host for host in hosts if _is_on_the_internet(host) and host.partition(".")[0] not in services))


def _fetched_hosts(text: str) -> Iterator[str]:
    for command in _FETCH_COMMAND.finditer(text):
        arguments = command["arguments"]
        found = list(_URL_HOST.finditer(arguments)) or list(_BARE_HOST.finditer(arguments))
        yield from (match["host"].lower().rstrip(".") for match in found)


def _is_on_the_internet(host: str) -> bool:
    return bool(_INTERNET_NAME.fullmatch(host)) and not host.endswith(_CLUSTER_SUFFIXES)


def _init_commands(value: object) -> Iterator[str]:
    """The command line of each init container, wherever in the object its pod template is."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "initContainers" and isinstance(inner, list):
                yield from (_command_line(container) for container in inner if isinstance(container, Mapping))
            else:
                yield from _init_commands(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _init_commands(inner)


def _command_line(container: Mapping[str, object]) -> str:
    words = [word for key in ("command", "args") if isinstance(part := container.get(key), list) for word in part]
    return " ".join(str(word) for word in words)


def _name(one: Mapping[str, object]) -> str:
    metadata = one.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
