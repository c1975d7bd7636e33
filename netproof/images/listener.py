"""What the registry and the short-link server share: a listening socket, threads, and answers that are logged."""

from __future__ import annotations

import socket
import socketserver
import ssl
import sys
from http import HTTPMethod, HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from netproof.errors import NetproofError
from netproof.images.access_log import Access, AccessLog

_IDLE_CONNECTION_SECONDS = 60.0
"""How long a kept-alive connection, or a TLS handshake, may say nothing."""

_CLIENT_WENT_AWAY = (ConnectionError, TimeoutError, ssl.SSLError)


class Listener(ThreadingHTTPServer):
    """An HTTP server on one address; with a TLS context, an HTTPS server.

    Args:
        address: IP address and port; port 0 takes a free one.
        handler: what answers the requests of a connection.
        service: the name of the service in the access log.
        log: the access log.
        tls: the context for HTTPS; None for HTTP.

    Raises:
        NetproofError: the address is taken, or is none of this network namespace.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[LoggedHandler],
        *,
        service: str,
        log: AccessLog,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.service = service
        self.log = log
        self.tls = tls
        try:
            super().__init__(address, handler)
        except (OSError, OverflowError) as problem:
            words = getattr(problem, "strerror", None) or str(problem)
            raise NetproofError(
                f"the {service} server cannot listen on {address[0]}:{address[1]}: {words}",
                "end what listens there, or give the server another address or port",
            ) from problem

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """Binds without asking a name server who this host is, as the standard library would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def stop(self) -> None:
        """Ends ``serve_forever``, which must be running, at once rather than at its next look."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answers a connection, in its own thread, the TLS handshake included."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(_IDLE_CONNECTION_SECONDS)
        with self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tells in one line what ended a connection before its time; a client that only went away is no news."""
        del request
        problem = sys.exc_info()[1]
        if isinstance(problem, ssl.SSLError):
            self.log.write(Access(self.service, client_address[0], problem=f"TLS: {problem.reason or problem}"))
        elif not isinstance(problem, _CLIENT_WENT_AWAY):
            print(f"{self.service} server, request of {client_address[0]}: {problem!r}", file=sys.stderr, flush=True)


class LoggedHandler(BaseHTTPRequestHandler):
    """Answers one connection over HTTP/1.1 with keep-alive, one line in the access log a request."""

    protocol_version = "HTTP/1.1"
    server_version = "netproof"
    sys_version = ""
    timeout = _IDLE_CONNECTION_SECONDS
    disable_nagle_algorithm = True
    common_headers: ClassVar[dict[str, str]] = {}
    server: Listener

    def __init_subclass__(cls) -> None:
        # http.server looks for a method named after each HTTP method
        for method in HTTPMethod:
            setattr(cls, f"do_{method}", cls._dispatch)

    def respond(self) -> None:
        """Answers GET and HEAD."""
        raise NotImplementedError

    def refuse_method(self) -> None:
        """Answers every other method."""
        self.answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", {"Allow": "GET, HEAD"})

    def answer(
        self,
        status: HTTPStatus,
        body: bytes | Path,
        headers: dict[str, str],
        *,
        part: range | None = None,
        **facts: Any,
    ) -> None:
        """Sends an answer with its length, and logs it.

        Args:
            status: the HTTP status.
            body: its bytes, or the file that holds them; a file is sent by the kernel.
            headers: beside the length and the common ones.
            part: the part of the body to send; None for all of it.
            facts: further fields of the :class:`~netproof.images.access_log.Access`.
        """
        size = body.stat().st_size if isinstance(body, Path) else len(body)
        wanted = range(size) if part is None else part
        self.send_response(status)
        for name, value in (self.common_headers | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(wanted)))
        if self.close_connection:
            self.send_header("Connection", "close")
        has_body = self.command != "HEAD"
        # written first: whoever has the answer finds it in the log
        self.write_log(int(status), len(wanted) if has_body else 0, **facts)
        self.end_headers()
        if has_body and wanted:
            self._send(body, wanted)

    def write_log(self, status: int, bytes_sent: int, **facts: Any) -> None:
        """Logs the request at hand."""
        self.server.log.write(
            Access(
                self.server.service,
                self.client_address[0],
                self.command or "",
                self.logged_target(),
                status=status,
                bytes_sent=bytes_sent,
                **facts,
            )
        )

    def logged_target(self) -> str:
        """What was asked for, as the log shows it."""
        return getattr(self, "path", "")

    def log_message(self, *_: object, **__: object) -> None:
        """Nothing: the access log says it."""

    def _dispatch(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body is not read, so nothing after it can be understood
        if self.command in {"GET", "HEAD"}:
            self.respond()
        else:
            self.refuse_method()

    def _send(self, body: bytes | Path, wanted: range) -> None:
        if isinstance(body, Path):
            with body.open("rb") as file:
                self.connection.sendfile(file, wanted.start, len(wanted))
        else:
            self.wfile.write(body[wanted.start : wanted.stop])
