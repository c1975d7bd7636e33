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

ADDONS = (EMBEDDED, UPSTREAM)
"""All values of ``--addons``."""

INGRESS_NGINX = "ingress-nginx"
"""The value of ``--ingress`` that asks for the controller of that name, which only its project publishes."""

_OWN = {"metallb": METALLB, "ingress_controller": TRAEFIK, "dashboard": DASHBOARD}
_MANIFESTS = {"metallb": "metallb", "ingress_controller": "ingress-nginx", "dashboard": "dashboard"}
"""Of each fixture that stands for an add-on, netproof's own, and the manifest that can take its place."""


@dataclass(frozen=True, slots=True)
class ChosenAddons:
    """The add-ons of a run.

    Attributes:
        of_fixture: by the fixture that stands for each.
        published: the manifests among them that are fetched.
    """

    of_fixture: Mapping[str, Addon]
    published: tuple[Fetched, ...] = ()


def published_fixtures(addons: str, ingress: str) -> tuple[str, ...]:
    """The fixtures whose add-ons are fetched: ``--ingress`` says it of the controller, ``--addons`` of the others.

    Args:
        addons: the value of ``--addons``.
        ingress: the value of ``--ingress``.
    """
    of_option = dict.fromkeys(_OWN, addons == UPSTREAM) | {"ingress_controller": ingress == INGRESS_NGINX}
    return tuple(name for name, is_published in of_option.items() if is_published)


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
    fetched = {name: fetch(manifests[_MANIFESTS[name]], downloader) for name in published_fixtures(addons, ingress)}
    chosen = {name: upstream_addon(own, fetched[name]) if name in fetched else own for name, own in _OWN.items()}
    return ChosenAddons(chosen, tuple(fetched.values()))
