"""The kernel's IP sets, from ``ipset save``, as typed objects; the form is that of ipset(8)."""

from __future__ import annotations

from netproof.errors import NetproofError


def parse_sets(text: str) -> dict[str, frozenset[str]]:
    """The members of each set by its name, such as 10.96.0.10,tcp:53 of KUBE-CLUSTER-IP.

    Raises:
        NetproofError: a line is not of the form; the message says which.
    """
    members: dict[str, set[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        match words:
            case ["create", name, *_]:
                members[name] = set()
            case ["add", name, member, *_] if name in members:
                members[name].add(member)
            case []:
                continue
            case _:
                raise NetproofError(
                    f"line {number} of ipset save is not understood: {line!r}",
                    "compare `ipset save` on the node; report the line if it is right",
                )
    return {name: frozenset(found) for name, found in members.items()}
