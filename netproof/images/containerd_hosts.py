"""containerd's ``hosts.toml``: that a node asks the cluster's own registry before, or instead of, the internet."""

from __future__ import annotations

from pathlib import Path

from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy

DEFAULT_NAMESPACE = "_default"
"""The directory under ``config_path`` that holds for every registry which has no directory of its own."""


def hosts_toml(mirror: str, policy: ImagePolicy) -> str:
    """The content of ``hosts.toml`` for a mirror of every registry.

    What is not stated matters: without ``server``, containerd adds the registry that the image name says, and asks it
    after the mirror has answered 404. With the mirror as ``server``, nothing beyond the mirror is ever asked.
    Source: https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md

    Args:
        mirror: the mirror's address, such as ``http://172.17.0.1:5000``.
        policy: ``pull`` or ``stand-in``.

    Raises:
        NetproofError: the policy is still ``auto``, or the mirror is not an http address.
    """
    if not mirror.startswith(("http://", "https://")) or any(character in mirror for character in '"\\\n'):
        raise NetproofError(f"the registry mirror {mirror!r} is not an http address")
    if policy is ImagePolicy.AUTO:
        raise NetproofError("the image policy auto was not decided before the nodes were configured")
    if policy is ImagePolicy.STAND_IN:
        return f'server = "{mirror}"\n'
    return f'[host."{mirror}"]\n  capabilities = ["pull", "resolve"]\n'


def write_hosts(config_path: Path, mirror: str, policy: ImagePolicy) -> Path:
    """Writes ``_default/hosts.toml`` under containerd's registry ``config_path``, and returns the file.

    Raises:
        NetproofError: as :func:`hosts_toml` does.
    """
    file = config_path / DEFAULT_NAMESPACE / "hosts.toml"
    content = hosts_toml(mirror, policy)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file
