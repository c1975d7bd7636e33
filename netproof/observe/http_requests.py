"""HTTP requests of an agent: each on a connection of its own."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from netproof.observe.failures import classify, root_message
from netproof.observe.protocol import Failure, HttpReply, HttpRequest

_local_address: ContextVar[str] = ContextVar("local_address")
"""Of the connection that this thread's request made last; empty while there is none."""

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # an unverified certificate is the caller's choice


def perform(request: HttpRequest) -> list[HttpReply]:
    """The replies to ``request.times`` requests, in the order of their start."""
    if request.concurrency <= 1:
        return [once(request) for _ in range(request.times)]
    with ThreadPoolExecutor(request.concurrency) as pool:
        return list(pool.map(lambda _: once(request), range(request.times)))


def once(request: HttpRequest) -> HttpReply:
    """The reply to one request on a new connection; a failure is a reply too."""
    adapter = _Adapter(request)
    status: int | None = None
    headers: dict[str, str] = {}
    body = b""
    failure: Failure | None = None
    detail = ""
    _local_address.set("")
    start = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment would answer in the cluster's place
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            response = session.request(
                request.method,
                _url(request),
                headers=_headers(request),
                data=request.body.encode() or None,
                timeout=request.timeout_seconds,
                verify=request.verify_tls,
                allow_redirects=request.follow_redirects,
                stream=True,
            )
            with response:
                status, headers = (
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                )
                body = _read(response, request, start + request.timeout_seconds)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
        if isinstance(problem, ValueError):  # the request itself is wrong: a URL, a header
            raise
        failure, detail = classify(problem), root_message(problem)
        if failure is Failure.TIMEOUT:
            stage = "whole reply" if _local_address.get() else "connection"
            detail = f"no {stage} within {request.timeout_seconds:g} s"
    return HttpReply(
        url=request.url,
        start=start,
        duration_seconds=time.monotonic() - start,
        status=status,
        headers=headers,
        body=body[: request.max_body_bytes].decode("utf-8", "replace"),
        failure=failure,
        detail=detail,
        local_address=_local_address.get(),
    )


def _url(request: HttpRequest) -> str:
    """The URL, with the address in place of a name that ``resolve`` gives one for."""
    parts = urlsplit(request.url)
    address = request.resolve.get(parts.hostname or "")
    if not address:
        return request.url
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host).geturl()


def _headers(request: HttpRequest) -> dict[str, str]:
    """The headers to send; where the address is given, the URL's own ``Host`` must be said."""
    parts = urlsplit(request.url)
    if parts.hostname in request.resolve and "host" not in {name.lower() for name in request.headers}:
        return {"Host": parts.netloc.rpartition("@")[2], **request.headers}
    return request.headers


def _read(response: requests.Response, request: HttpRequest, deadline: float) -> bytes:
    """The body up to the limit; the rest is not waited for."""
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) >= request.max_body_bytes:
            break
        if time.monotonic() > deadline:
            raise TimeoutError
    return body


class _Adapter(HTTPAdapter):
    """Connects as one request says."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        parts = urlsplit(self._request.url)
        if self._request.source_address:
            options["source_address"] = (self._request.source_address, 0)
        if parts.scheme == "https" and parts.hostname in self._request.resolve:
            options["server_hostname"] = parts.hostname
            options["assert_hostname"] = parts.hostname if self._request.verify_tls else False
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class _HttpConnection(HTTPConnection):
    """Notes its local address once it is connected: later the socket may be gone."""

    def connect(self) -> None:
        super().connect()
        _note(self.sock)


class _HttpsConnection(HTTPSConnection):
    """As :class:`_HttpConnection`, with TLS."""

    def connect(self) -> None:
        super().connect()
        _note(self.sock)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def _note(connection: socket.socket | None) -> None:
    if connection:
        address = connection.getsockname()
        _local_address.set(f"{address[0]}:{address[1]}")
