"""Which add-ons a run installs: netproof's own, or those that their projects publish, as its options say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netproof.addons.addon import Addon
from netproof.addons.dashboard import DASHBOARD
from netproof.addons.metallb import METALLB
from netproof.addons.published import Fetched, fetch, published_manifests
from netproof.addons.traefik import TRAEFIK
from netproof.addons.upstream import UPSTREAM, upstream_addon
from netproof.toolchain.fetch import Downloader

EMBEDDED = "embedded"
"""The value of ``--addons`` that asks for netproof's own."""

CHOICES = (EMBEDDED, UPSTREAM)
"""All values of ``--addons``."""

INGRESS_NGINX = "ingress-nginx"
"""The value of ``--ingress`` that asks for the controller of that name, which only its project publishes."""

_REPLACEABLE = {"metallb": METALLB, "ingress-nginx": TRAEFIK, "dashboard": DASHBOARD}
"""By the name of a published manifest, netproof's own add-on whose place it can take."""


@dataclass(frozen=True, slots=True)
class ChosenAddons:
    """The add-ons of a run.

    Attributes:
        replaced: by the name of netproof's own add-on, the published one in its place.
        published: the manifests of those.
    """

    replaced: Mapping[str, Addon]
    published: tuple[Fetched, ...]

    def instead_of(self, own: Addon) -> Addon:
        """What is installed where netproof's own add-on is asked for."""
        return self.replaced.get(own.name, own)


def manifests_wanted(addons: str, ingress: str) -> tuple[str, ...]:
    """The names of the published manifests that a run wants: ``--ingress`` decides of the controller alone.

    Args:
        addons: the value of ``--addons``.
        ingress: the value of ``--ingress``.
    """
    wanted = dict.fromkeys(_REPLACEABLE, addons == UPSTREAM) | {"ingress-nginx": ingress == INGRESS_NGINX}
    return tuple(name for name in _REPLACEABLE if wanted[name])


def choose_addons(addons: str, ingress: str, downloader: Downloader) -> ChosenAddons:
    """The add-ons that these options ask for; manifests that the cache lacks are fetched now.

    Args:
        addons: the value of ``--addons``.
        ingress: the value of ``--ingress``.
        downloader: fetches.

    Raises:
        NetproofError: a manifest cannot be had, or is not the one that is wanted.
    """
    manifests = published_manifests()
    fetched = {name: fetch(manifests[name], downloader) for name in manifests_wanted(addons, ingress)}
    replaced = {_REPLACEABLE[name].name: upstream_addon(_REPLACEABLE[name], one) for name, one in fetched.items()}
    return ChosenAddons(replaced, tuple(fetched.values()))
