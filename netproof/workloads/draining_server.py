"""A server for derived copies that starts slowly and ends politely, as a real application does.

Why a rollout that never has too few Ready pods can lose requests all the same, and what this server does about it:

* A pod's deletion tells the kubelet, which sends SIGTERM, and the EndpointSlice controller, whose news reaches each
  kube-proxy, at the same time. kube-proxy writes its rules at most once in ``minSyncPeriod`` (1 s), and later on a busy
  node. Until then new connections go to a pod that is being deleted. So after SIGTERM the server serves on until nobody
  has asked it for some seconds. No fixed time would do: how late the rules are depends on how busy the machine is.
* Where a Service has no ready endpoint, kube-proxy goes on using those that are terminating and still *serving*, that
  is, pass their readiness probe (pkg/proxy/topology.go, ``CategorizeEndpoints``). That would hide the gap of a strategy
  that deletes before it creates. So with SIGTERM the server stops being ready.
* A pod without a readiness probe counts as Ready once its container runs, which is before a slow server listens.
"""

from __future__ import annotations

from netproof.cluster.names import BUSYBOX_IMAGE
from netproof.submission.derive import Change, http_probe, pod_spec_of
from netproof.submission.manifest import Manifest

PAGE = "/index.html"
"""What the server serves: its pod's name."""

_GRACE_SECONDS = 120
"""Never reached unless somebody keeps asking; the server ends by itself."""

_OWN_SHARE = {"resources": {"requests": {"cpu": "100m"}}}
"""A pod that asks for no CPU gets next to none while others want it all: its queue of connections overflows then, and
requests are lost that no rollout has lost."""

_SERVER = """\
mkdir -p /tmp/www && cd /tmp/www && hostname > index.html
asked() {{ grep -c url:{page} /tmp/requests; }}
drain() {{
    rm -f ready
    idle=0
    while [ $idle -lt {idle_seconds} ]; do
        before=$(asked)
        sleep 1
        if [ "$(asked)" = "$before" ]; then idle=$((idle + 1)); else idle=0; fi
    done
    exit 0
}}
trap {on_sigterm} TERM
sleep {starts_after_seconds} & wait $!
httpd -f -vv -p {port} -h /tmp/www 2> /tmp/requests &
touch ready
while :; do sleep 60 & wait $!; done
"""
# The pauses are waited for in the background, since a shell runs its traps only after what runs in the foreground.


def draining_server(
    port: int, *, starts_after_seconds: int, idle_seconds: int = 4, drains: bool = True, has_readiness: bool = True
) -> Change:
    """Put the server in place of the container that serves the page, without what prepared that page.

    Args:
        port: where it listens.
        starts_after_seconds: how long its container runs before it listens.
        idle_seconds: after SIGTERM it ends when nobody has asked for :data:`PAGE` for so long.
        drains: whether it does so; otherwise it ends with SIGTERM.
        has_readiness: whether it has a readiness probe, which it passes from its start to SIGTERM.
    """
    script = _SERVER.format(
        page=PAGE,
        port=port,
        starts_after_seconds=starts_after_seconds,
        idle_seconds=idle_seconds,
        on_sigterm="drain" if drains else "'exit 0'",
    )
    # One refusal is enough, but a slow reply of a busy machine is none.
    patient = {"failureThreshold": 1, "timeoutSeconds": 10}
    probe = {"readinessProbe": http_probe(port, "/ready") | patient} if has_readiness else {}

    def change(manifest: Manifest) -> None:
        pod_spec = pod_spec_of(manifest)
        container = {"name": "web", "image": BUSYBOX_IMAGE, "command": ["sh", "-c", script], **_OWN_SHARE, **probe}
        pod_spec.update(containers=[container], terminationGracePeriodSeconds=_GRACE_SECONDS)
        pod_spec.pop("initContainers", None)

    return change
