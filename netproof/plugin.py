"""The pytest plugin: options, the fixtures that checks are written with, and what runs and judges them."""

from __future__ import annotations

pytest_plugins = (
    "netproof.running.plugin",
    "netproof.fixtures.options",
    "netproof.fixtures.chosen_addons",
    "netproof.fixtures.adaptation",
    "netproof.fixtures.evidence",
    "netproof.fixtures.measuring",
    "netproof.fixtures.news",
    "netproof.fixtures.submission",
    "netproof.fixtures.cluster",
    "netproof.fixtures.addons",
    "netproof.fixtures.browser",
    "netproof.fixtures.dashboard",
    "netproof.fixtures.features",
    "netproof.fixtures.ingress",
    "netproof.fixtures.canary",
    "netproof.fixtures.rules_evidence",
    "netproof.fixtures.services",
    "netproof.fixtures.workspace",
    "netproof.fixtures.rehearsed",
    "netproof.fixtures.opening",
    "netproof.fixtures.backends",
    "netproof.fixtures.load_balancers",
    "netproof.fixtures.dns",
    "netproof.fixtures.site",
    "netproof.fixtures.gateway",
)
