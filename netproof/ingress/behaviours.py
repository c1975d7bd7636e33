"""What ingress controllers do and do not do: one table, a row for each behaviour and a column for each controller.

A check that relies on a behaviour names it among its ``features``. Where the controller of the run does not offer it,
the check is ``unsupported``, with the reason that stands here; where it does, what the check sees is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Controller(StrEnum):
    """The ingress controllers that a run can be made with."""

    TRAEFIK = "traefik"
    """Traefik with its provider of NGINX annotations: what the embedded cluster runs."""
    INGRESS_NGINX = "ingress-nginx"
    """ingress-nginx itself, where its image can be pulled."""
    EXISTING = "existing"
    """Whatever serves the class: it is held to what the API demands, and to no more."""


class Offer(StrEnum):
    """What a controller says of a behaviour."""

    REQUIRED = "required"
    """The API demands it of every controller."""
    OPTIONAL = "optional"
    """The API does not demand it; this controller documents it, and is held to that."""
    NOT_OFFERED = "not offered"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table.

    Attributes:
        feature: its name, as checks have it among their ``features``.
        says: what a controller that offers it does.
        offers: what each controller says of it.
        reasons: why a controller does not offer it, where there is more to say than that it does not.
    """

    feature: str
    says: str
    offers: Mapping[Controller, Offer]
    reasons: Mapping[Controller, str] = field(default_factory=dict)

    def missing_in(self, controller: Controller) -> str:
        """Why a controller lacks it, in a sentence; empty where it offers it."""
        if self.offers[controller] is not Offer.NOT_OFFERED:
            return ""
        if controller is Controller.EXISTING:
            return f"the API does not demand it of a controller that {self.says}"
        said = self.reasons.get(controller, "it does nothing of the kind")
        return f"{controller} is no controller that {self.says}: {said}"


def _of_the_api(feature: str, says: str) -> Behaviour:
    return Behaviour(feature, says, dict.fromkeys(Controller, Offer.REQUIRED))


def _of_nginx(feature: str, says: str) -> Behaviour:
    """What ingress-nginx documents, and Traefik does alike."""
    both = {Controller.TRAEFIK: Offer.OPTIONAL, Controller.INGRESS_NGINX: Offer.OPTIONAL}
    return Behaviour(feature, says, {**both, Controller.EXISTING: Offer.NOT_OFFERED})


def _of_one(controller: Controller, feature: str, says: str, reasons: Mapping[Controller, str]) -> Behaviour:
    offers = {one: Offer.OPTIONAL if one is controller else Offer.NOT_OFFERED for one in Controller}
    return Behaviour(feature, says, offers, reasons)


BEHAVIOURS: tuple[Behaviour, ...] = (
    _of_the_api("ingress-host", "sends a rule with a host the requests for that host alone"),
    _of_the_api("ingress-class", "leaves an Ingress of another class alone"),
    _of_the_api("ingress-exact-path", "matches a path of type Exact by itself alone"),
    _of_the_api("ingress-prefix-boundary", "matches a path of type Prefix by whole elements, /web not by /webx"),
    _of_the_api("ingress-longest-path", "prefers the longest of several paths that match"),
    _of_the_api("ingress-unknown-annotation", "routes an Ingress whatever annotations it has that nobody knows"),
    Behaviour(
        "ingress-without-class",
        "takes an Ingress that names no class",
        {
            Controller.TRAEFIK: Offer.OPTIONAL,
            Controller.INGRESS_NGINX: Offer.NOT_OFFERED,
            Controller.EXISTING: Offer.NOT_OFFERED,
        },
        {Controller.INGRESS_NGINX: "its project's manifest does not set --watch-ingress-without-class"},
    ),
    _of_nginx("rewrite-target", "rewrites the path by rewrite-target, with what the groups of a regular path caught"),
    _of_nginx("rewrite-as-regex", "takes a path with a rewrite for the beginning of a regular expression"),
    _of_one(
        Controller.INGRESS_NGINX,
        "rewrite-whole-uri",
        "replaces the whole URI by a rewrite-target on a plain path, so that /web/a becomes the target too",
        {Controller.TRAEFIK: "it replaces what the path matches, and answers 400 where // would come of it"},
    ),
    _of_one(
        Controller.INGRESS_NGINX,
        "backend-by-target-port",
        "finds a backend by the targetPort of its Service too",
        {Controller.TRAEFIK: "it knows the Service's port and its name, and routes any other to nothing"},
    ),
    _of_nginx("canary-by-header", "lets a header choose the canary: always, never, or a value that is named"),
    _of_nginx("canary-by-header-pattern", "lets a header choose the canary by a regular expression"),
    _of_nginx("canary-by-cookie", "lets a cookie choose the canary: always or never"),
    _of_nginx("canary-by-weight", "gives the canary a share of the requests, out of 100 or of a total that is named"),
    _of_nginx("canary-precedence", "asks the header before the cookie and the cookie before the weight"),
    _of_nginx("canary-needs-main", "routes nothing to a canary without a main Ingress of the same host and path"),
    _of_one(
        Controller.INGRESS_NGINX,
        "canary-cross-namespace",
        "pairs a canary with a main Ingress of another namespace",
        {Controller.TRAEFIK: "it pairs them by namespace, host and path"},
    ),
    _of_one(
        Controller.TRAEFIK,
        "gateway-api",
        "routes by the Gateway API too",
        {Controller.INGRESS_NGINX: "it reads Ingresses alone"},
    ),
)
"""All behaviours, in the order of their rows."""

_BY_FEATURE = {behaviour.feature: behaviour for behaviour in BEHAVIOURS}


def behaviour(feature: str) -> Behaviour | None:
    """The behaviour that a check means by a feature; None where the feature is no ingress controller's."""
    return _BY_FEATURE.get(feature)
