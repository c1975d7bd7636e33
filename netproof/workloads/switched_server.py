"""A web server in a pod whose port can be closed and opened from outside, while its process 1 lives on.

What a liveness probe is for is a server that no longer serves and yet does not exit. This one has a second port, the
switch: each connection to it closes the first port if that is open, and opens it if it is closed.
"""

from __future__ import annotations

from typing import Any

from netproof.observe.standpoint import Standpoint
from netproof.submission.derive import Change, pod_spec_of
from netproof.submission.manifest import web_container
from netproof.waiting import NotYetError, Timeouts, Waiter

IMAGE = "busybox:1.31.1"
"""A shell with httpd, nc, ps, grep and wget."""
SWITCH_PORT = 9099

# nc runs beside the shell, for a shell that waits hears signals.
_SCRIPT = """\
trap 'exit 0' TERM
switched() { nc -l -p "$SWITCH_PORT" >/dev/null & wait $!; }
[ "$FIRST" = closed ] && switched
while true; do
    httpd -f -p "$PORT" -h /tmp &
    server=$!
    switched
    kill "$server"
    wait "$server"
    switched
done
"""


def switched_container(name: str, port: int, *, open_first: bool = True) -> dict[str, Any]:
    """A container whose server listens on ``port``: from the start, or once it is switched on."""
    values = {"PORT": port, "SWITCH_PORT": SWITCH_PORT, "FIRST": "open" if open_first else "closed"}
    return {
        "name": name,
        "image": IMAGE,
        "command": ["sh", "-c", _SCRIPT],
        "env": [{"name": key, "value": str(value)} for key, value in values.items()],
    }


def switched_server(port: int) -> Change:
    """Gives the container that serves the page a server that can be switched off; its probes stay as they are."""

    def change(manifest: dict[str, Any]) -> None:
        container = web_container(pod_spec_of(manifest))
        if isinstance(container, dict):
            container.pop("args", None)
            container.update(switched_container(container["name"], port))

    return change


def switch(place: Standpoint, address: str, port: int, *, to_open: bool, timeouts: Timeouts) -> None:
    """Switch the server at ``address``, whose port is otherwise now; returns once the port is open or closed.

    Raises:
        TimedOutError: the switch, or the port, does not follow.
    """

    def reach() -> None:
        reply = place.connect(address, SWITCH_PORT)
        if reply.failure is not None:
            raise NotYetError(f"the switch: {reply.failure}")

    Waiter().until(f"the switch of the server at {address} works", reach, timeout_seconds=timeouts.request)
    wait_for_port(place, address, port, is_open=to_open, timeouts=timeouts)


def wait_for_port(place: Standpoint, address: str, port: int, *, is_open: bool, timeouts: Timeouts) -> None:
    """Return once a TCP connection to the port is taken, or is not.

    Raises:
        TimedOutError: it stays otherwise.
    """

    def look() -> None:
        reply = place.connect(address, port)
        if (reply.failure is None) is not is_open:
            raise NotYetError(str(reply.failure or "connected"))

    state = "open" if is_open else "closed"
    Waiter().until(f"port {port} of {address} is {state}", look, timeout_seconds=timeouts.probe_effect)
