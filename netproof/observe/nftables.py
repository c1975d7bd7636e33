"""The packet filter's state from ``nft -j list ruleset``, and how kube-proxy lays out a Service in it.

The JSON's form is that of libnftables-json(5). The mechanism of kube-proxy: the map ``service-ips`` of the table
``kube-proxy`` leads from (address, protocol, port) to the chain ``service-...`` of the Service, which chooses an
endpoint by ``numgen random mod n``. Three forms of that choice exist (kubernetes/kubernetes,
pkg/proxy/nftables/proxier.go): a ``vmap`` to chains ``endpoint-...`` that each hold a DNAT (older versions, and newer
ones with session affinity); one DNAT to a ``map`` of addresses and ports; one DNAT to the only endpoint (both since
kubernetes commit 475f9622c8 folded the endpoints' chains into the Service's, first in 1.36). Without endpoints the map
``no-endpoint-services`` holds the address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netproof.errors import NetproofError

Key = tuple[str | int, ...]
"""A key of a set or map, such as ("10.96.0.10", "tcp", 53)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a packet: ``kind`` is goto, jump, accept, drop ...; ``chain`` is where to, or empty."""

    kind: str
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as its list of expressions, each a dictionary with one key."""

    chain: str
    expressions: tuple[dict[str, Any], ...]
    comment: str = ""

    def first(self, kind: str) -> Any | None:
        """The first expression of a kind (such as "dnat", "vmap", "match"), or None."""
        return next((one[kind] for one in self.expressions if kind in one), None)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; ``hook`` is empty for a chain that only other chains lead to."""

    name: str
    hook: str = ""
    policy: str = ""
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its chains, sets, verdict maps and other maps, by name."""

    family: str
    name: str
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, frozenset[Key]] = field(default_factory=dict)
    verdict_maps: dict[str, dict[Key, Verdict]] = field(default_factory=dict)
    maps: dict[str, dict[Key, Key]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All tables of one network namespace, by family and name."""

    tables: dict[tuple[str, str], Table] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Ruleset:
        """The rule set that ``nft -j list ruleset`` printed.

        Raises:
            NetproofError: the text is not of that form.
        """
        tables: dict[tuple[str, str], Table] = {}
        try:
            items = [next(iter(item.items())) for item in json.loads(text)["nftables"]]
            for kind, data in items:
                match kind:
                    case "table":
                        tables[data["family"], data["name"]] = Table(data["family"], data["name"])
                    case "chain" | "set" | "map" | "rule":
                        _add(tables[data["family"], data["table"]], kind, data)
        except (ValueError, KeyError, TypeError, StopIteration) as problem:
            raise NetproofError(
                f"the output of `nft -j list ruleset` is not understood: {type(problem).__name__} {problem}",
                "compare it on the node; nft must be 1.0.1 or newer and built with JSON",
            ) from None
        return cls(tables)


@dataclass(frozen=True, slots=True)
class ServiceEndpoints:
    """What kube-proxy wrote in nftables for one port of a Service: its chain and the endpoints it chooses from."""

    chain: str
    targets: tuple[str, ...]
    balanced: bool

    @classmethod
    def of(cls, ruleset: Ruleset, cluster_ip: str, port: int, protocol: str = "tcp") -> ServiceEndpoints | None:
        """The endpoints of one port of a Service, each written like 10.244.1.5:8000; None where it is not programmed.

        ``balanced`` says whether the random choice is among exactly as many numbers as there are endpoints.
        """
        table = ruleset.tables.get(("ip", "kube-proxy"))
        verdict = table.verdict_maps.get("service-ips", {}).get((cluster_ip, protocol.lower(), port)) if table else None
        chain = table.chains.get(verdict.chain) if table and verdict else None
        if table is None or chain is None:
            return None
        for rule in chain.rules:
            choices = _choices(table, rule)
            if choices is not None:
                modulus, targets = choices
                return cls(chain.name, targets, modulus == len(set(targets)))
        return cls(chain.name, (), balanced=False)


def refused(ruleset: Ruleset, cluster_ip: str, port: int, protocol: str = "tcp") -> bool:
    """Whether kube-proxy refuses or drops a Service's port for want of endpoints."""
    table = ruleset.tables.get(("ip", "kube-proxy"))
    return table is not None and (cluster_ip, protocol.lower(), port) in table.verdict_maps.get(
        "no-endpoint-services", {}
    )


def _add(table: Table, kind: str, data: dict[str, Any]) -> None:
    name = data.get("name", "")
    match kind:
        case "chain":
            table.chains[name] = Chain(name, data.get("hook", ""), data.get("policy", ""))
        case "rule":
            rule = Rule(data["chain"], tuple(data["expr"]), data.get("comment", ""))
            table.chains[data["chain"]].rules.append(rule)
        case "set":
            table.sets[name] = frozenset(_key(element) for element in data.get("elem", ()))
        case "map" if data["map"] == "verdict":
            table.verdict_maps[name] = dict(_verdicts(data.get("elem", ())))
        case "map":
            table.maps[name] = {_key(key): _key(value) for key, value in data.get("elem", ())}


def _verdicts(elements: Any) -> Iterator[tuple[Key, Verdict]]:
    for key, value in elements:
        kind, details = next(iter(value.items()))
        yield _key(key), Verdict(kind, details["target"] if details else "")


def _key(element: Any) -> Key:
    """An element without its comment, timeout and counter, as a tuple."""
    if isinstance(element, dict) and "elem" in element:
        element = element["elem"]["val"]
    if isinstance(element, dict) and "concat" in element:
        return tuple(part for one in element["concat"] for part in _key(one))
    if isinstance(element, dict) and "prefix" in element:
        return (f"{element['prefix']['addr']}/{element['prefix']['len']}",)
    if isinstance(element, dict) and "range" in element:
        return ("-".join(str(end) for end in element["range"]),)
    return (element,)


def _choices(table: Table, rule: Rule) -> tuple[int, tuple[str, ...]] | None:
    """Among how many numbers a rule chooses, and the endpoints they lead to; None where the rule chooses none."""
    vmap = rule.first("vmap")
    if vmap is not None and "numgen" in vmap["key"]:
        chains = [table.chains.get(verdict.chain) for _, verdict in _verdicts(vmap["data"]["set"])]
        found = [_translation(chain) for chain in chains if chain]
        return vmap["key"]["numgen"]["mod"], tuple(target for target in found if target)
    translation = rule.first("dnat")
    if translation is None:
        return None
    address = translation.get("addr")
    if isinstance(address, dict) and "map" in address:
        chosen = address["map"]
        return chosen["key"]["numgen"]["mod"], tuple(_written(_key(value)) for _, value in chosen["data"]["set"])
    return 1, (_written((address, translation.get("port", ""))),)


def _translation(chain: Chain) -> str:
    """Where an endpoint's chain sends its packets, or empty."""
    for rule in chain.rules:
        translation = rule.first("dnat")
        if translation is not None:
            return _written((translation["addr"], translation.get("port", "")))
    return ""


def _written(target: Key) -> str:
    return ":".join(str(part) for part in target)
