"""Running a command in a container of a pod through the API, as ``kubectl exec`` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream

from netproof.cluster.api import KubernetesApi
from netproof.observe.protocol import Completed
from netproof.observe.standpoint import StandpointError
from netproof.verdict import UnsupportedError

_FORBIDDEN = "403"
"""In what the library says of the refused upgrade to a stream, which is all that it says."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a running pod, and the API that leads to it."""

    api: KubernetesApi
    namespace: str
    pod: str
    name: str

    def run(self, argv: Sequence[str], *, timeout_seconds: float) -> Completed:
        """Run a command to its end, without input.

        Args:
            argv: the program and its arguments.
            timeout_seconds: how long it may take; after that it is left to itself, and told as timed out.

        Raises:
            UnsupportedError: the account may not.
            StandpointError: the pod is not there, or the connection breaks.
        """
        # A client of its own for each call: the library puts the stream in the place of its client's ordinary call.
        core = client.CoreV1Api(client.ApiClient(self.api.configuration))
        start = time.monotonic()
        try:
            channel = stream(
                core.connect_get_namespaced_pod_exec,
                self.pod,
                self.namespace,
                container=self.name,
                command=list(argv),
                stdin=False,
                stdout=True,
                stderr=True,
                tty=False,
                _preload_content=False,
            )
            channel.run_forever(timeout=timeout_seconds)
            timed_out = channel.is_open()
            stdout, stderr = channel.read_stdout(timeout=0) or "", channel.read_stderr(timeout=0) or ""
            code = -9 if timed_out else int(channel.returncode or 0)
            channel.close()
        except (ApiException, OSError, ValueError) as problem:
            reason = str(getattr(problem, "reason", "") or problem).partition("\n")[0]
            said = f"a command cannot be run in the pod {self.namespace}/{self.pod}: {reason}"
            if _FORBIDDEN in reason:
                raise UnsupportedError(said, "the right to create pods/exec: see docs/existing.md") from None
            raise StandpointError(said, "is the pod still there?") from None
        return Completed(tuple(argv), code, stdout, stderr, time.monotonic() - start, timed_out)
