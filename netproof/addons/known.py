"""The add-ons that netproof has for the embedded cluster."""

from __future__ import annotations

from netproof.addons.addon import components_of, store_images
from netproof.addons.dashboard import DASHBOARD
from netproof.addons.metallb import METALLB
from netproof.addons.traefik import TRAEFIK
from netproof.toolchain import Progress, cached, ensure

ADDON_OF_NAME = {"metallb": METALLB, "ingress": TRAEFIK, "dashboard": DASHBOARD}
"""The add-ons by the names that a user gives them."""

ADDONS = tuple(ADDON_OF_NAME.values())


def cached_addon_images() -> dict[str, str]:
    """The images of those add-ons whose programs the cache has: digests of their manifests by name."""
    images: dict[str, str] = {}
    for addon in ADDONS:
        if tools := cached(addon.components):
            images |= store_images(addon.images(tools))
    return images


def prepare_addons(progress: Progress) -> None:
    """Get the programs of all add-ons into the cache and assemble their images, so that no run waits for that.

    Raises:
        NetproofError: a program can be had from nowhere.
    """
    tools = ensure(components_of(ADDONS), progress=progress)
    for addon in ADDONS:
        store_images(addon.images(tools))
