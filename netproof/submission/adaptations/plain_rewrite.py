"""A rewrite to a fixed target on a plain path, which in ingress-nginx replaces the whole URI.

ingress-nginx makes of a path with a rewrite the regular expression ``^path``, without an end and without regard to
case, and nginx's ``rewrite`` replaces the whole URI where it matches. Traefik replaces what matches. So the path is
made to match all that follows. The canaries of the Ingress are written with the same path, to stay its canaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from netproof.submission.adaptations.ingress_v1 import NEW
from netproof.submission.adaptations.pairs import pairs
from netproof.submission.adaptations.rule import Draft, Edit, Group, Rule, traefik
from netproof.submission.layout import is_canary_ingress
from netproof.submission.manifest import ManifestObject, value_at
from netproof.submission.plan import placed
from netproof.submission.routes import REWRITE_TARGET, USE_REGEX, Route, is_served, routes_of
from netproof.submission.submission import Submission

_REST = ".*"
_PLAIN = re.compile(r"/[A-Za-z0-9._~%/-]*")
_FIXED = re.compile(r"/[^$]*")


def _edits(submission: Submission) -> Iterator[Edit]:
    rewritten: dict[int, list[tuple[str, Route]]] = {}
    mains = [(namespace, found) for namespace, found in placed(submission) if _has_fixed_rewrite(found)]
    for namespace, main in mains:
        routes = [route for route in routes_of(main) if _is_plain(route)]
        rewritten[id(main)] = [(namespace, route) for route in routes]
        if routes:
            yield _widened(main, routes, regex=True)
    for canary, found in pairs(submission).items():
        following = [
            pair.route
            for pair in found
            if (canary.namespace, pair.main_route) in rewritten.get(id(pair.main.object), [])
        ]
        if following:
            yield _widened(canary.object, following, regex=False)


def _has_fixed_rewrite(found: ManifestObject) -> bool:
    target = found.annotations.get(REWRITE_TARGET)
    if found.kind != "Ingress" or found.api_version != NEW or is_canary_ingress(found) or not is_served(found):
        return False
    return isinstance(target, str) and bool(_FIXED.fullmatch(target))


def _is_plain(route: Route) -> bool:
    return route.path_type in {"Prefix", "ImplementationSpecific"} and bool(_PLAIN.fullmatch(route.path))


def _widened(ingress: ManifestObject, routes: list[Route], *, regex: bool) -> Edit:
    draft = Draft(ingress)
    for route in routes:
        path = route.path + _REST
        value_at(draft.manifest, route.at).update(path=path, pathType="ImplementationSpecific")
        draft.note((*route.at, "path"), f"path {route.path} is {path}, so that the rewrite replaces the whole URI")
    if regex:
        draft.manifest["metadata"]["annotations"][USE_REGEX] = "true"
    return draft.edit()


PLAIN_REWRITE = Rule(
    id="plain-rewrite",
    group=Group.CONTROLLER,
    does=f"a plain path that is rewritten to a fixed target, and that of its canaries, is a regex that ends in {_REST}",
    because="ingress-nginx replaces the whole URI by the target, Traefik the part that the path matches",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/ingress-path-matching/",
    concerns=traefik,
    edits=_edits,
)
