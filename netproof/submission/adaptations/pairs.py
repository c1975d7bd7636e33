"""Which main Ingress each canary belongs to, as ingress-nginx pairs them: in whatever namespace either is."""

from __future__ import annotations

from dataclasses import dataclass

from netproof.submission.adaptations.ingress_v1 import NEW
from netproof.submission.layout import is_canary_ingress
from netproof.submission.manifest import ManifestObject
from netproof.submission.plan import placed
from netproof.submission.routes import Route, is_served, routes_of
from netproof.submission.submission import Submission


@dataclass(frozen=True, slots=True)
class Placed:
    """An Ingress that is applied, and the namespace it goes to."""

    namespace: str
    object: ManifestObject


@dataclass(frozen=True, slots=True)
class Pair:
    """A canary's route and the main one that it takes requests from."""

    route: Route
    main: Placed
    main_route: Route


def pairs(submission: Submission) -> dict[Placed, list[Pair]]:
    """The pairs of each canary, in the order of the plan; a canary without any has an empty list.

    Of several main Ingresses with the same host and path the first has the place: ingress-nginx gives it to the oldest.
    A canary whose backend is its main's own is none.
    """
    ingresses = [
        Placed(namespace, found)
        for namespace, found in placed(submission)
        if found.kind == "Ingress" and found.api_version == NEW and is_served(found)
    ]
    mains = [one for one in ingresses if not is_canary_ingress(one.object)]
    canaries = [one for one in ingresses if is_canary_ingress(one.object)]
    return {canary: _pairs_of(canary, mains) for canary in canaries}


def _pairs_of(canary: Placed, mains: list[Placed]) -> list[Pair]:
    found = [Pair(route, *main) for route in routes_of(canary.object) if (main := _main_of(route, mains))]
    return [pair for pair in found if not _same_backend(canary, pair)]


def _main_of(route: Route, mains: list[Placed]) -> tuple[Placed, Route] | None:
    fitting = ((main, theirs) for main in mains for theirs in routes_of(main.object) if route.is_paired_with(theirs))
    return next(fitting, None)


def _same_backend(canary: Placed, pair: Pair) -> bool:
    ours, theirs = pair.route.backend, pair.main_route.backend
    return (canary.namespace, ours.service, ours.port) == (pair.main.namespace, theirs.service, theirs.port)
