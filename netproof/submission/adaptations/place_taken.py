"""Two main Ingresses for one place, host and path: in ingress-nginx the older one has it.

Traefik makes a route of each, equal in every way, and which of them gets a request changes with every reload. So the
younger Ingress loses the path. Where it has no other, it is put into a class that nobody serves, since an Ingress
without any rule is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netproof.submission.adaptations.ingress_v1 import NEW
from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule, traefik
from netproof.submission.layout import is_canary_ingress
from netproof.submission.manifest import ManifestObject
from netproof.submission.plan import placed
from netproof.submission.routes import Route, is_served, routes_of
from netproof.submission.submission import Submission

UNSERVED_CLASS = "netproof-place-taken"


def _edits(submission: Submission) -> Iterator[Edit]:
    applied = [found for _, found in placed(submission)]
    others = [found for found in submission.objects if all(found is not one for one in applied)]
    older: list[tuple[ManifestObject, Route]] = []
    # A further definition of an object is not applied, but it will be where the first one gets another name.
    for found in (*applied, *others):
        if found.kind != "Ingress" or found.api_version != NEW or is_canary_ingress(found) or not is_served(found):
            continue
        routes = routes_of(found)
        taken = [(route, holder) for route in routes if (holder := _holder(route, older))]
        older += [(found, route) for route in routes if route not in [one for one, _ in taken]]
        if taken:
            edit = _without(found, taken, has_others=len(taken) < len(routes))
            yield replace(edit, changes=()) if any(found is one for one in others) else edit


def _holder(route: Route, older: list[tuple[ManifestObject, Route]]) -> ManifestObject | None:
    return next((holder for holder, theirs in older if route.is_paired_with(theirs)), None)


def _without(ingress: ManifestObject, taken: list[tuple[Route, ManifestObject]], *, has_others: bool) -> Edit:
    draft = Draft(ingress)
    for route, holder in taken:
        draft.note(route.at, f"routes nothing, for {holder} has {route.host or '*'}{route.path or '/'} already")
    spec = draft.manifest["spec"]
    if has_others or "defaultBackend" in spec:
        for route, _ in reversed(taken):
            _, _, rule, *_, path = route.at
            del spec["rules"][rule]["http"]["paths"][path]
        spec["rules"] = [rule for rule in spec["rules"] if "http" not in rule or rule["http"]["paths"]]
    else:
        spec["ingressClassName"] = UNSERVED_CLASS
    return draft.edit()


PLACE_TAKEN = Rule(
    id="place-taken",
    group=Group.CONTROLLER,
    does="an Ingress loses a path that an older Ingress has for the same host",
    because="ingress-nginx gives the place to the oldest, and Traefik to either of them by chance",
    source="ingress-nginx, internal/ingress/controller/controller.go, getBackendServers",
    concerns=traefik,
    edits=_edits,
)
