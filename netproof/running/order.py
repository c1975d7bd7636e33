"""The order of checks and what a selection pulls in: plain functions of names, without pytest."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from netproof.errors import NetproofError

Node = TypeVar("Node", bound=Hashable)


def needs_first(nodes: Iterable[Node], needs: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """The nodes and all that they need: each right after what it needs, and otherwise as they came.

    Args:
        nodes: what to order.
        needs: what each needs.

    Raises:
        NetproofError: nodes need each other in a circle, which the message shows.
    """
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as problem:
        circle = " -> ".join(str(node) for node in reversed(problem.args[1]))
        raise NetproofError(f"checks need each other in a circle: {circle}", "remove one of these needs") from problem
    ordered: dict[Node, None] = {}

    def place(node: Node) -> None:
        if node not in ordered:
            for need in needs.get(node, ()):
                place(need)
            ordered[node] = None

    for node in nodes:
        place(node)
    return list(ordered)


def unknown_check(name: str, known: Iterable[str], wanted_by: str) -> NetproofError:
    """The error for an id that no check has, with those that come near it.

    Args:
        name: the id that was asked for.
        known: the ids that exist.
        wanted_by: who asks: an option, or a check that needs it.
    """
    ids = sorted(set(known))
    near = difflib.get_close_matches(name, ids, n=5, cutoff=0.5)
    near += [each for each in ids if name.rpartition(".")[2] in each and each not in near][: 5 - len(near)]
    hint = f"did you mean {', '.join(near)}?" if near else f"the checks collected are: {', '.join(ids) or 'none'}"
    return NetproofError(f"{wanted_by}: there is no check {name!r}", hint)
