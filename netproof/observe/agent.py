"""The agent: stands in one place of the network and acts there for a test process that stays outside.

``python -m netproof.observe.agent --socket PATH --name n1`` listens on a unix socket. A pathname socket belongs to the
file system and not to a network namespace, so the test process reaches it from the host's namespaces. The file appears
when the agent listens, not before.

It ends on SIGTERM, and when the process that started it ends. That is watched with a pidfd and not asked of the kernel
by PR_SET_PDEATHSIG, since that signal comes when the starting *thread* ends, and a supervisor may well start agents
from short-lived threads. A PID namespace around the cluster ends the agent in any case.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from netproof.observe import protocol

_OPERATIONS: dict[str, tuple[type[Any], str, str]] = {
    request.op: (request, f"netproof.observe.{module}", function)
    for request, module, function in (
        (protocol.HttpRequest, "http_requests", "perform"),
        (protocol.LoadStartRequest, "steady_load", "start"),
        (protocol.LoadStopRequest, "steady_load", "stop"),
        (protocol.DnsRequest, "dns_queries", "perform"),
        (protocol.PingRequest, "icmp", "perform"),
        (protocol.TcpRequest, "sockets", "connect"),
        (protocol.UdpRequest, "sockets", "exchange"),
        (protocol.ArpRequest, "arp", "perform"),
        (protocol.NeighboursRequest, "kernel_tables", "neighbours"),
        (protocol.InterfacesRequest, "kernel_tables", "interfaces"),
        (protocol.RoutesRequest, "kernel_tables", "routes"),
        (protocol.ExecRequest, "commands", "perform"),
    )
}
"""Each operation's request, and the module and function that perform it: loaded when first needed."""


class Agent:
    """Answers requests in the place where it runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def answer(self, line: bytes) -> dict[str, Any]:
        """The reply to one request line; whatever goes wrong becomes an ``error`` reply."""
        try:
            message = json.loads(line)
            op, arguments = message["op"], message["arguments"]
            if op == protocol.HelloRequest.op:
                return {"result": asdict(protocol.Hello(self.name, os.getpid(), protocol.PROTOCOL_VERSION))}
            request_class, module, function = _OPERATIONS[op]
            request = request_class(**arguments)
        except (ValueError, TypeError, KeyError) as problem:
            return _error("bad request", problem)
        try:
            return {"result": _plain(getattr(importlib.import_module(module), function)(request))}
        except Exception as problem:
            return _error("agent", problem)

    def serve(self, connection: socket.socket) -> None:
        """Answer the lines of one connection until the other side closes it."""
        with connection, connection.makefile("rb") as lines, contextlib.suppress(ConnectionError):
            for line in lines:
                connection.sendall(json.dumps(self.answer(line)).encode() + b"\n")

    def run(self, path: Path) -> None:
        """Listen on ``path`` until SIGTERM or SIGINT comes or the parent process ends; then remove it."""
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        listener = _listen(path)
        identity = path.stat().st_ino
        endings = [woken.fileno(), *_parent_descriptor()]
        try:
            while True:
                ready, _, _ = select.select([listener.fileno(), *endings], [], [])
                if any(descriptor in ready for descriptor in endings):
                    return
                connection, _ = listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()
        finally:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == identity:  # another agent may have taken the place over
                    path.unlink()


def _load_all() -> None:
    """Load the module of each operation, which takes a slow machine longer than a request may take."""
    for _, module, _ in _OPERATIONS.values():
        importlib.import_module(module)


def _error(kind: str, problem: Exception) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": f"{type(problem).__name__}: {problem}"}}


def _plain(result: object) -> object:
    if isinstance(result, (list, tuple)):
        return [_plain(one) for one in result]
    return asdict(result) if is_dataclass(result) and not isinstance(result, type) else result


def _listen(path: Path) -> socket.socket:
    """A listening socket that appears at ``path`` only when it accepts connections, replacing a dead one's."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(unfinished))
    unfinished.chmod(0o600)
    listener.listen(128)
    unfinished.rename(path)
    return listener


def _parent_descriptor() -> list[int]:
    """A descriptor that becomes readable when the parent ends; none where the parent is in another PID namespace."""
    parent = os.getppid()
    return [os.pidfd_open(parent)] if parent > 0 else []


def main() -> None:
    """Run an agent: the command line is described in the module's docstring."""
    parser = argparse.ArgumentParser(prog="netproof-agent", description="Acts in one place of the network.")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen: a path of at most 103 bytes")
    parser.add_argument("--name", required=True, help="the name of the place, such as lan, n1, pod/default/web-0")
    parser.add_argument("--load", action="store_true", help="load all that requests may want now, on a slow machine")
    parser.add_argument("--own-directory", action="store_true", help="at the end, remove the socket's directory, too")
    options = parser.parse_args()
    if options.load:
        threading.Thread(target=_load_all, daemon=True).start()
    try:
        Agent(options.name).run(options.socket)
    except OSError as problem:
        sys.exit(f"the agent {options.name} cannot listen on {options.socket}: {problem}")
    if commands := sys.modules.get("netproof.observe.commands"):
        commands.kill_all()
    if options.own_directory:
        options.socket.parent.rmdir()
    os._exit(0)  # connections' threads may be in the middle of long requests


if __name__ == "__main__":
    main()
