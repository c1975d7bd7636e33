"""``wiring.canary``: canaries of nothing, and canaries that get nothing."""

from __future__ import annotations

from collections.abc import Iterator

from netproof.hygiene.finding import Severity
from netproof.hygiene.rule import Found, HygieneRule, in_object
from netproof.hygiene.view import View
from netproof.submission import ManifestObject, Part
from netproof.submission.adaptations.pairs import pairs
from netproof.submission.layout import is_canary_ingress
from netproof.submission.problem import Position
from netproof.submission.routes import NGINX, Route, routes_of

CANARY = f"{NGINX}canary"
HEADER = f"{CANARY}-by-header"
_SWITCHES = (HEADER, f"{CANARY}-by-cookie", f"{CANARY}-weight")
_WORDS = ("always", "never")


def _look(view: View) -> Iterator[Found]:
    ingresses = [found for _, found in view.of_kind("Ingress")]
    for canary, paired in pairs(view.submission).items():
        with_main = {pair.route.at for pair in paired}
        for route in routes_of(canary.object):
            if route.at not in with_main:
                yield _lone(canary.object, route, [one for one in ingresses if not is_canary_ingress(one)])
        yield from _without_switch(canary.object)
    for ingress in ingresses:
        yield from _not_enabled(ingress)
    yield from _no_canary_at_all(view)


def _lone(canary: ManifestObject, route: Route, mains: list[ManifestObject]) -> Found:
    place = f"{route.host or 'any host'}{route.path or '/'}"
    near = [(main, theirs) for main in mains for theirs in routes_of(main) if _path(theirs) == _path(route)]
    message = f"no main Ingress has the host and path of this canary, {place}"
    remedy = "give it the very host, path and path type of the main Ingress"
    if near:
        main, theirs = near[0]
        if theirs.is_paired_with(route):
            message = f"its main {main} is of a class that nobody serves"
            remedy = "correct the class of the main Ingress"
        else:
            message += f"; compare it with {main}"
            theirs_are = f"{theirs.host or 'any host'}{_path(theirs)}, {theirs.path_type or 'no path type'}"
            remedy += f": {theirs_are}"
    return in_object(canary, route.at, message, remedy)


def _path(route: Route) -> str:
    return route.path or "/"


def _without_switch(canary: ManifestObject) -> Iterator[Found]:
    annotations = canary.annotations
    at = ("metadata", "annotations", CANARY)
    if not any(switch in annotations for switch in _SWITCHES):
        message = "the canary has neither header, cookie nor weight"
        yield in_object(canary, at, message, f"add {HEADER}", severity=Severity.WARNING, why="it gets no request")
    elif HEADER not in annotations:
        message = "the canary is not chosen by a header"
        why = "the homework asks for a canary by an HTTP header"
        yield in_object(canary, at, message, f"add {HEADER}", severity=Severity.WARNING, why=why)
    elif str(annotations[HEADER]).lower() in _WORDS:
        message = f"the header is called {annotations[HEADER]!r}, which is a value of it by default"
        why = "requests then need the header always: always"
        at = ("metadata", "annotations", HEADER)
        yield in_object(canary, at, message, "name the header, canary for instance", severity=Severity.WARNING, why=why)


def _not_enabled(ingress: ManifestObject) -> Iterator[Found]:
    annotations = ingress.annotations
    word = annotations.get(CANARY)
    at = ("metadata", "annotations")
    if word is not None and str(word).lower() not in {"true", "false"}:
        message = f"canary is {word!r}, neither true nor false"
        why = "ingress-nginx takes the Ingress for a main one"
        remedy = "remove it from a main Ingress"
        yield in_object(ingress, (*at, CANARY), message, remedy, severity=Severity.WARNING, why=why)
    switches = _switches(ingress)
    if switches and not is_canary_ingress(ingress):
        message = f"it has {switches[0].removeprefix(NGINX)}, and is not marked as a canary"
        why = "ingress-nginx takes no notice of it"
        remedy = f'add {CANARY}: "true", or remove it'
        yield in_object(ingress, (*at, switches[0]), message, remedy, severity=Severity.WARNING, why=why)


def _no_canary_at_all(view: View) -> Iterator[Found]:
    located = view.submission.layout[Part.CANARY]
    ingresses = [found for found in located.objects if found.kind == "Ingress"]
    if not located.objects or any(is_canary_ingress(found) or _switches(found) for found in ingresses):
        return
    message, why = "no Ingress of this part is marked as a canary", "there is no canary"
    remedy = f'annotate the canary\'s Ingress: {CANARY}: "true"'
    if ingresses:
        yield in_object(ingresses[0], ("metadata", "annotations"), message, remedy, why=why)
    else:
        yield Found(Position(located.objects[0].source.path, 1), message, remedy, why=why)


def _switches(ingress: ManifestObject) -> list[str]:
    """The annotations that say which requests a canary gets."""
    return [switch for switch in ingress.annotations if switch.startswith(f"{CANARY}-")]


CANARIES = HygieneRule(
    id="wiring.canary",
    holds="Every canary Ingress has a main one of the same host and path, and something that chooses it.",
    why="ingress-nginx leaves a canary out that it cannot pair",
    severity=Severity.ERROR,
    look=_look,
)
