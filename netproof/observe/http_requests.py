"""HTTP requests of an agent: each on a connection of its own.

They are made with urllib3's connections, not with requests, whose sessions take three times the processor: a node in an
emulated machine sends hundreds of requests for one check.
"""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util import Url, parse_url

from netproof.observe.failures import classify, root_message
from netproof.observe.protocol import Failure, HttpReply, HttpRequest

_CHUNK_BYTES = 8192


def perform(request: HttpRequest) -> list[HttpReply]:
    """The replies to ``request.times`` requests, in the order of their start."""
    if request.concurrency <= 1:
        return [once(request) for _ in range(request.times)]
    with ThreadPoolExecutor(request.concurrency) as pool:
        return list(pool.map(lambda _: once(request), range(request.times)))


def once(request: HttpRequest) -> HttpReply:
    """The reply to one request on a new connection; a failure is a reply too.

    Raises:
        ValueError: the request itself is wrong: its URL, its headers.
    """
    url = parse_url(request.url)
    connection = _connection(request, url)
    status: int | None = None
    headers: dict[str, str] = {}
    body = b""
    failure: Failure | None = None
    detail = local_address = ""
    start = time.monotonic()
    try:
        connection.connect()
        local_address = "{}:{}".format(*connection.sock.getsockname()[:2])  # later the socket may be gone
        connection.request(
            request.method,
            url.request_uri,
            request.body.encode() or None,
            _headers(request, url),
            preload_content=False,
        )
        response = connection.getresponse()
        status = response.status
        headers = {name.lower(): value for name, value in dict(response.headers).items()}
        body = _read(response, request, start + request.timeout_seconds)
    except (LocationValueError, http.client.InvalidURL):
        raise
    except (HTTPError, http.client.HTTPException, OSError) as problem:
        failure, detail = classify(problem), root_message(problem)
        if failure is Failure.TIMEOUT:
            detail = f"no {'whole reply' if local_address else 'connection'} within {request.timeout_seconds:g} s"
    finally:
        connection.close()
    return HttpReply(
        url=request.url,
        start=start,
        duration_seconds=time.monotonic() - start,
        status=status,
        headers=headers,
        body=body[: request.max_body_bytes].decode("utf-8", "replace"),
        failure=failure,
        detail=detail,
        local_address=local_address,
    )


def _connection(request: HttpRequest, url: Url) -> HTTPConnection:
    """A connection as one request says, not yet made: to the address in place of a name that ``resolve`` has."""
    name = _name(url)
    host = request.resolve.get(name, name)
    options: dict[str, Any] = {"timeout": request.timeout_seconds}
    if request.source_address:
        options["source_address"] = (request.source_address, 0)
    match url.scheme:
        case "http":
            return HTTPConnection(host, url.port, **options)
        case "https":
            options["cert_reqs"] = "CERT_REQUIRED" if request.verify_tls else "CERT_NONE"
            options["assert_hostname"] = name if request.verify_tls else False
            return HTTPSConnection(host, url.port, server_hostname=name, **options)
    message = f"{request.url!r} is no URL of http or https"
    raise ValueError(message)


def _name(url: Url) -> str:
    """The URL's host, without the brackets of an IPv6 address."""
    return (url.host or "").strip("[]")


def _headers(request: HttpRequest, url: Url) -> dict[str, str]:
    """The headers to send; where the address is given, the URL's own ``Host`` must be said."""
    if _name(url) in request.resolve and "host" not in {name.lower() for name in request.headers}:
        return {"Host": url.netloc or "", **request.headers}
    return request.headers


def _read(response: BaseHTTPResponse, request: HttpRequest, deadline: float) -> bytes:
    """The body up to the limit; the rest is not waited for."""
    body = b""
    for chunk in response.stream(_CHUNK_BYTES):
        body += chunk
        if len(body) >= request.max_body_bytes:
            break
        if time.monotonic() > deadline:
            raise TimeoutError
    return body
