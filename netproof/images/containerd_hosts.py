"""containerd's ``hosts.toml``: which registries a node asks the cluster's own registry for, instead of the internet."""

from __future__ import annotations

from netproof.errors import NetproofError
from netproof.images.policy import ImagePolicy

ANY_REGISTRY = "_default"
"""The directory under ``config_path`` that holds for every registry which has no directory of its own."""

OWN_REGISTRY = "netproof.internal"
"""The registry that netproof's own images name. No DNS knows it: the nodes' mirror is the only place that has it."""


def mirrored_registry(policy: ImagePolicy) -> str:
    """The name of the directory for ``hosts.toml``: which registries the mirror takes the place of.

    With ``pull`` it is the one of netproof's own images alone, so that what containerd says of any other image is what
    the registry of its name has answered. Were the mirror asked first, its "not found" would be all that is said, even
    where that registry cannot be reached.

    Args:
        policy: ``pull`` or ``stand-in``.

    Raises:
        NetproofError: the policy is still ``auto``.
    """
    if policy is ImagePolicy.AUTO:
        raise NetproofError("the image policy auto was not decided before the nodes were configured")
    return ANY_REGISTRY if policy is ImagePolicy.STAND_IN else OWN_REGISTRY


def hosts_toml(mirror: str) -> str:
    """The content of ``hosts.toml`` that sends a node to a mirror and nowhere else.

    Without ``server`` containerd would go on to the registry that the image name says.
    Source: https://github.com/containerd/containerd/blob/v2.1.3/docs/hosts.md

    Args:
        mirror: the mirror's address, such as ``http://172.17.0.1:5000``.

    Raises:
        NetproofError: the mirror is not an http address.
    """
    if not mirror.startswith(("http://", "https://")) or any(character in mirror for character in '"\\\n'):
        raise NetproofError(f"the registry mirror {mirror!r} is not an http address")
    return f'server = "{mirror}"\n'
