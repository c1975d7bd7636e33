"""Process 1 of a virtual machine: starts what the host asks for, and collects every process that ends.

It answers frames (:mod:`netproof.node.vm.frames`) on a virtio-serial port. A stream is opened with one of these:

=================================================  =====================================================================
``{"run": ARGV, "environment": {}, "after": ""}``  run a command; where ``after`` is a socket, once something listens on
                                                   it. The host gets its output, then CLOSE with ``exit_code``
``{..., "input": true}``                           the same, and DATA is its input, until END; each is answered by TAKEN
``{..., "terminal": "ROWS COLUMNS"}``              the same, on a terminal of that size
``{"connect": PATH}``                              the stream leads to the unix socket PATH
``{"pod_network": UID, "cgroup": PATH}``           CLOSE with the path of the pod's network namespace as ``network``
``{"power_off": true}``                            end the machine in good order
=================================================  =====================================================================

Whatever cannot be done is CLOSE with an ``error``. This module starts in a machine that may be emulated in software, so
it imports little.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from netproof.node import cgroups
from netproof.node.vm.frames import LONGEST_PAYLOAD, Decoder, Frame, Kind, data_frames

PORT_NAME = "netproof"
_PORTS = Path("/sys/class/virtio-ports")
_LISTENING_SECONDS = 120.0
_LAST_OUTPUT_SECONDS = 0.5
"""How long the output of a process that has ended is still read: its children may keep it open for ever."""
_SYSTEM = "/system"
"""The cgroup of what is started here."""
_RB_POWER_OFF = 0x4321FEDC
_LOOK_SECONDS = 0.05
_ON_TERMINAL = 'tty=$1; shift; exec "$@" <>"$tty" >&0 2>&1'
"""The first terminal that the leader of a session opens is its controlling one, from which Ctrl-C comes."""


class Guest:
    """Serves the host.

    Args:
        port: a descriptor of the serial port.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writing = threading.Lock()
        self._streams: dict[int, _Running | _Connected] = {}
        self.children = Children()

    def serve(self) -> None:
        """Answer frames until the host closes the port."""
        decoder = Decoder()
        self.send(Frame(Kind.HELLO, 0))
        while data := os.read(self._port, LONGEST_PAYLOAD):
            for frame in decoder.feed(data):
                self._take(frame)

    def send(self, frame: Frame) -> None:
        """Send one frame, whole; where the host has gone, to nobody: then :meth:`serve` ends, too."""
        data = memoryview(frame.encode())
        with self._writing:
            try:
                while data:
                    data = data[os.write(self._port, data) :]
            except OSError:
                return

    def close(self, stream: int, **what: Any) -> None:
        """Tell the host that a stream is over."""
        self._streams.pop(stream, None)
        self.send(Frame.with_json(Kind.CLOSE, stream, what))

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.PING:
            self.send(Frame(Kind.PONG, 0, frame.payload))
        elif frame.kind is Kind.OPEN:
            self._open(frame.stream, frame.json())
        elif stream := self._streams.get(frame.stream):
            stream.take(frame)

    def _open(self, stream: int, request: dict[str, Any]) -> None:
        try:
            match request:
                case {"run": list(argv)}:
                    self._streams[stream] = _Running(self, stream, argv, request)
                case {"connect": str(path)}:
                    self._streams[stream] = _Connected(self, stream, path)
                case {"pod_network": str(uid), "cgroup": str(path)}:
                    self.close(stream, network=_pod_network(path, uid))
                case {"power_off": True}:
                    _power_off()
                case _:
                    self.close(stream, error=f"not a request: {request}")
        except (OSError, LookupError) as problem:
            self.close(stream, error=str(problem))


class Children:
    """The processes that this one started, and those that fell to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: dict[int, Callable[[int], None]] = {}
        self._some = threading.Event()

    def start(
        self, argv: list[str], environment: dict[str, str], ended: Callable[[int], None], stdin: int, stdout: int
    ) -> Any:
        """Start a process in a session of its own; ``ended`` is called with its exit code, negative for a signal."""
        with self._lock:
            process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                start_new_session=True,
            )
            self._ended[process.pid] = ended
        self._some.set()
        return process

    def reap_forever(self) -> None:
        """Collect every process that ends."""
        while True:
            self._some.wait()
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                self._some.clear()
                continue
            with self._lock:
                ended = self._ended.pop(pid, None)
            if ended:
                ended(os.waitstatus_to_exitcode(status))


class _Running:
    """A stream that is a process: its output goes to the host, signals and input come from there."""

    def __init__(self, guest: Guest, stream: int, argv: list[str], request: dict[str, Any]) -> None:
        self._guest, self._stream, self._argv = guest, stream, argv
        self._environment, self._after = request.get("environment", {}), request.get("after", "")
        self._terminal, self._has_input = request.get("terminal", ""), bool(request.get("input"))
        self._lock = threading.Lock()
        self._process: Any = None
        self._output = self._input = -1
        self._frames: SimpleQueue[Frame] = SimpleQueue()
        self._ended_by = self._exit_code = 0
        self._over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def take(self, frame: Frame) -> None:
        """Input, a signal, or that nobody wants the process any more."""
        if frame.kind in {Kind.DATA, Kind.END, Kind.RESIZE}:
            self._frames.put(frame)
            return
        number = int(frame.payload) if frame.kind is Kind.SIGNAL else signal.SIGKILL
        with self._lock:
            if self._process is None:
                self._ended_by = number
            elif not self._over.is_set():
                with contextlib.suppress(ProcessLookupError):  # it has just ended, and been collected
                    os.kill(self._process.pid, number)

    def _run(self) -> None:
        try:
            if self._after:
                _wait_for_listener(self._after)
            with self._lock:
                if self._ended_by:
                    self._guest.close(self._stream, exit_code=-self._ended_by)
                    return
                if self._terminal:
                    self._start_on_terminal()
                else:
                    self._start()
        except OSError as problem:
            self._guest.close(self._stream, error=str(problem))
            return
        pump = threading.Thread(target=self._send_output, daemon=True)
        pump.start()
        if self._input >= 0:
            threading.Thread(target=self._pass_input, daemon=True).start()
        self._over.wait()
        pump.join(_LAST_OUTPUT_SECONDS)
        if self._terminal and not pump.is_alive():
            os.close(self._output)
        self._process.returncode = self._exit_code
        self._guest.close(self._stream, exit_code=self._exit_code)

    def _start(self) -> None:
        stdin = subprocess.PIPE if self._has_input else subprocess.DEVNULL
        start = self._guest.children.start
        self._process = start(self._argv, self._environment, self._ended, stdin, subprocess.PIPE)
        self._output = self._process.stdout.fileno()
        if self._has_input:
            self._input = self._process.stdin.fileno()

    def _start_on_terminal(self) -> None:
        ours, its = os.openpty()
        _resize(ours, self._terminal)
        argv = ["sh", "-c", _ON_TERMINAL, "sh", os.ttyname(its), *self._argv]
        try:
            self._process = self._guest.children.start(argv, self._environment, self._ended, its, its)
        finally:
            os.close(its)
        self._output = self._input = ours

    def _ended(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._over.set()
        self._frames.put(Frame(Kind.END, self._stream))

    def _send_output(self) -> None:
        with contextlib.suppress(OSError):  # of a terminal that nobody has open any more
            while data := os.read(self._output, LONGEST_PAYLOAD):
                self._guest.send(Frame(Kind.DATA, self._stream, data))

    def _pass_input(self) -> None:
        """Give the process what comes from the host, in a thread of its own: it may take its time to read."""
        with contextlib.suppress(OSError):  # the process reads no more
            while not self._over.is_set():
                frame = self._frames.get()
                if frame.kind is Kind.RESIZE:
                    _resize(self._input, frame.payload.decode())
                elif frame.kind is Kind.DATA:
                    data = memoryview(frame.payload)
                    while data:
                        data = data[os.write(self._input, data) :]
                    self._guest.send(Frame(Kind.TAKEN, self._stream))
                elif not self._terminal:
                    self._process.stdin.close()
                    return


class _Connected:
    """A stream that is a connection to a unix socket in here."""

    def __init__(self, guest: Guest, stream: int, path: str) -> None:
        self._guest, self._stream = guest, stream
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(path)
        threading.Thread(target=self._send_output, daemon=True).start()

    def take(self, frame: Frame) -> None:
        """Bytes for the socket, or the end of them."""
        try:
            if frame.kind is Kind.DATA:
                self._connection.sendall(frame.payload)
            elif frame.kind is Kind.END:
                self._connection.shutdown(socket.SHUT_WR)
            elif frame.kind is Kind.CLOSE:
                self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side has gone; its end is on its way to the host

    def _send_output(self) -> None:
        try:
            while data := self._connection.recv(LONGEST_PAYLOAD):
                for frame in data_frames(self._stream, data):
                    self._guest.send(frame)
        except OSError as problem:
            self._guest.close(self._stream, error=str(problem))
        else:
            self._guest.close(self._stream)


def _resize(terminal: int, size: str) -> None:
    rows, columns = map(int, size.split())
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _wait_for_listener(path: str) -> None:
    """Return once something listens on a unix socket."""
    deadline = time.monotonic() + _LISTENING_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                return
        pause.wait(_LOOK_SECONDS)
    message = f"nothing listens on {path} after {_LISTENING_SECONDS:g} s"
    raise TimeoutError(message)


def _pod_network(path: str, uid: str) -> str:
    pids = cgroups.processes_of_pod(path, uid)
    if not pids:
        message = f"the pod {uid} has no process"
        raise LookupError(message)
    return f"/proc/{pids[0]}/ns/net"


def _power_off() -> None:
    os.sync()
    ctypes.CDLL(None).reboot(_RB_POWER_OFF)


def _open_port() -> int:
    """The descriptor of our serial port, by its name."""
    for name in _PORTS.glob("*/name"):
        if name.read_text(encoding="ascii").strip() == PORT_NAME:
            return os.open(f"/dev/{name.parent.name}", os.O_RDWR)
    message = f"there is no virtio-serial port called {PORT_NAME}"
    raise FileNotFoundError(message)


def main() -> None:
    """Run as process 1; the argument is the cgroup below which the node's pods will be."""
    cgroups.create(sys.argv[1])
    # As on any node: all that is no pod counts together, and not each process as much as all pods.
    cgroups.create(_SYSTEM, for_processes=True)
    cgroups.enter(_SYSTEM, os.getpid())
    guest = Guest(_open_port())
    threading.Thread(target=guest.children.reap_forever, daemon=True).start()
    guest.serve()
    _power_off()  # the host has closed the port: nobody wants this machine any more


if __name__ == "__main__":
    main()
