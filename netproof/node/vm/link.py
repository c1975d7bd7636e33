"""The link to one virtual machine: gives each of its clients a stream on the machine's serial port.

It listens on a unix socket; each connection is one stream. It also watches over the machine: one that does not come up,
or that falls silent, ends this process with the last lines of the machine's console, and a process of a cluster that
ends is reported.
"""

from __future__ import annotations

import argparse
import itertools
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from netproof.node.vm.frames import LONGEST_PAYLOAD, Decoder, Frame, Kind

_CONSOLE_LINES = 15
_CONNECT_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_PING_SECONDS = 2.0


@dataclass(slots=True)
class _Client:
    """A connection, with what has still to be written to it."""

    connection: socket.socket
    stream: int
    decoder: Decoder = field(default_factory=Decoder)
    waiting: bytearray = field(default_factory=bytearray)


class LostMachineError(Exception):
    """The machine does not come up, or has gone."""


class Link:
    """Passes frames between a machine and the clients.

    Args:
        machine: the connection to the serial port.
        listener: where clients connect.
        boot_seconds: how long the machine may take until it says hello.
        silence_seconds: how long it may leave a ping without an answer.
    """

    def __init__(
        self, machine: socket.socket, listener: socket.socket, *, boot_seconds: float, silence_seconds: float
    ) -> None:
        self._listener = listener
        self._boot_seconds, self._silence_seconds = boot_seconds, silence_seconds
        self._machine = _Client(machine, 0)
        self._clients: dict[int, _Client] = {}
        self._numbers = itertools.count(1)
        self._selector = selectors.DefaultSelector()
        self._started = self._heard = self._pinged = time.monotonic()
        self._is_up = False
        for connection, of in ((machine, self._machine), (listener, None)):
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, of)

    def serve(self) -> None:
        """Pass frames on until the machine has gone.

        Raises:
            LostMachineError: it has, or it does not answer.
        """
        while True:
            for key, events in self._selector.select(_PING_SECONDS / 2):
                if key.data is None:
                    self._accept()
                    continue
                if events & selectors.EVENT_WRITE:
                    self._flush(key.data)
                if events & selectors.EVENT_READ:
                    self._read(key.data)
            self._watch()

    def close(self) -> None:
        """Close every connection, so that the clients know."""
        for client in (self._machine, *self._clients.values()):
            client.connection.close()
        self._listener.close()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        client = _Client(connection, next(self._numbers))
        self._clients[client.stream] = client
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _read(self, client: _Client) -> None:
        try:
            data = client.connection.recv(LONGEST_PAYLOAD)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if client is self._machine:
            if not data:
                raise LostMachineError("the virtual machine has ended")
            for frame in client.decoder.feed(data):
                self._from_machine(frame)
        elif data:
            for frame in client.decoder.feed(data):
                self._write(self._machine, Frame(frame.kind, client.stream, frame.payload))
        elif client.stream in self._clients:
            self._drop(client)
            self._write(self._machine, Frame(Kind.CLOSE, client.stream))

    def _from_machine(self, frame: Frame) -> None:
        self._heard = time.monotonic()
        if frame.kind is Kind.HELLO:
            self._is_up = True
            sys.stdout.write(f"the machine said hello after {self._heard - self._started:.1f} s\n")
            sys.stdout.flush()
        elif client := self._clients.get(frame.stream):
            self._write(client, frame)
            if frame.kind is Kind.CLOSE:
                del self._clients[frame.stream]
                self._finish_if_written(client)

    def _write(self, client: _Client, frame: Frame) -> None:
        """Write at once what the connection takes; the rest waits, however much it is, so that none holds up others."""
        client.waiting += frame.encode()
        self._flush(client)

    def _flush(self, client: _Client) -> None:
        try:
            while client.waiting:
                del client.waiting[: client.connection.send(client.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            client.waiting.clear()
        if client.connection.fileno() in self._selector.get_map():
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
            self._selector.modify(client.connection, wanted, client)
        self._finish_if_written(client)

    def _finish_if_written(self, client: _Client) -> None:
        if client is not self._machine and client.stream not in self._clients and not client.waiting:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._clients.pop(client.stream, None)
        if client.connection.fileno() >= 0:
            self._selector.unregister(client.connection)
            client.connection.close()

    def _watch(self) -> None:
        now = time.monotonic()
        if not self._is_up:
            if now - self._started > self._boot_seconds:
                raise LostMachineError(f"the virtual machine did not come up within {self._boot_seconds:g} s")
            return
        if now - self._heard > self._silence_seconds:
            raise LostMachineError(f"the virtual machine has been silent for {self._silence_seconds:g} s")
        if now - self._pinged > _PING_SECONDS:
            self._pinged = now
            self._write(self._machine, Frame(Kind.PING, 0))


def _connect_to_machine(path: Path, console: Path) -> socket.socket:
    """The connection to a machine's serial port, which QEMU offers as a unix socket once it runs.

    Raises:
        LostMachineError: it does not.
    """
    deadline = time.monotonic() + _CONNECT_SECONDS
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX)
        if connection.connect_ex(str(path)) == 0:
            return connection
        connection.close()
        _pause()
    raise LostMachineError(f"QEMU has not started: {console} says why")


def console_tail(console: Path) -> str:
    """The last lines of a machine's console, to be shown."""
    try:
        lines = console.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    said = "\n".join(f"  {line}" for line in lines[-_CONSOLE_LINES:]) or "  nothing"
    return f"the end of its console ({console}):\n{said}"


def _pause() -> None:
    selectors.DefaultSelector().select(_LOOK_SECONDS)


def main() -> None:
    """Run as a component: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machine", type=Path, required=True, help="QEMU's socket of the serial port")
    parser.add_argument("--listen", type=Path, required=True, help="where clients connect")
    parser.add_argument("--console", type=Path, required=True, help="the log of the machine's console")
    parser.add_argument("--boot-seconds", type=float, required=True, help="how long it may take to come up")
    parser.add_argument("--silence-seconds", type=float, required=True, help="how long it may be silent")
    options = parser.parse_args()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(options.listen))
    options.listen.chmod(0o600)
    listener.listen(128)
    try:
        machine = _connect_to_machine(options.machine, options.console)
        Link(machine, listener, boot_seconds=options.boot_seconds, silence_seconds=options.silence_seconds).serve()
    except LostMachineError as lost:
        sys.exit(f"{lost}; {console_tail(options.console)}")


if __name__ == "__main__":
    main()
