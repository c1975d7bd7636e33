"""The packet filter's state from ``iptables-save -c``, as typed objects.

The text's form is that of iptables(8) and iptables-extensions(8): a table opens with ``*name``, a chain is declared
with ``:NAME POLICY [packets:bytes]``, a rule is the arguments that would append it, with its counters in front.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from netproof.errors import NetproofError

_COUNTERS = re.compile(r"\[(\d+):(\d+)\]")

_VALUE_OPTIONS = {
    "-p": "protocol",
    "-s": "source",
    "-d": "destination",
    "-i": "in_interface",
    "-o": "out_interface",
    "--sport": "source_port",
    "--dport": "destination_port",
    "--comment": "comment",
    "--mode": "statistic_mode",
    "--probability": "probability",
    "--ctstate": "connection_states",
    "--mark": "mark",
    "--set-xmark": "set_mark",
    "--to-destination": "to_destination",
    "--reject-with": "reject_with",
    "-j": "target",
    "-g": "goto",
}


@dataclass(frozen=True, slots=True)
class Counters:
    """Packets and bytes that a chain's policy or a rule has seen; zero where the text was made without ``-c``."""

    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Operand:
    """The argument of a match, with its negation (``! -s 10.244.0.0/16``)."""

    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"! {self.value}" if self.negated else self.value


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        chain: the chain it is in.
        text: the rule as iptables-save wrote it, without counters.
        counters: what it matched so far.
        operands: each argument known here, by a name in words ("source", "destination_port", "target" ...).
        matches: the match modules named with ``-m``, in order.
        other: every argument not known here, raw, such as "--dst-type LOCAL".
    """

    chain: str
    text: str
    counters: Counters
    operands: dict[str, Operand]
    matches: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def _value(self, name: str) -> str:
        operand = self.operands.get(name)
        return operand.value if operand else ""

    @property
    def protocol(self) -> str:
        """tcp, udp ..., or empty."""
        return self._value("protocol")

    @property
    def source(self) -> Operand | None:
        """The source network."""
        return self.operands.get("source")

    @property
    def destination(self) -> Operand | None:
        """The destination network; a single address is written with /32."""
        return self.operands.get("destination")

    @property
    def destination_port(self) -> int | None:
        """The destination port, where the rule matches a single one."""
        value = self._value("destination_port")
        return int(value) if value.isdigit() else None

    @property
    def comment(self) -> str:
        """The comment, or empty."""
        return self._value("comment")

    @property
    def probability(self) -> float | None:
        """With which probability the rule matches (``-m statistic --mode random``), or None: always."""
        return float(self._value("probability")) if self._value("statistic_mode") == "random" else None

    @property
    def connection_states(self) -> frozenset[str]:
        """The conntrack states matched, such as NEW."""
        return frozenset(filter(None, self._value("connection_states").split(",")))

    @property
    def target(self) -> str:
        """Where a match jumps or goes to: a chain, ACCEPT, DNAT ..., or empty."""
        return self._value("target") or self._value("goto")

    @property
    def to_destination(self) -> str:
        """The address and port that DNAT writes, such as 10.244.1.5:8000, or empty."""
        return self._value("to_destination")

    @property
    def set_mark(self) -> str:
        """The mark and mask that MARK sets, such as 0x4000/0x4000, or empty."""
        return self._value("set_mark")


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; ``policy`` is empty for a chain that a user made."""

    name: str
    policy: str
    counters: Counters
    rules: list[Rule] = field(default_factory=list)

    def jumping_to(self, target: str) -> tuple[Rule, ...]:
        """The rules with this target."""
        return tuple(rule for rule in self.rules if rule.target == target)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: nat, filter, mangle, raw or security."""

    name: str
    chains: dict[str, Chain] = field(default_factory=dict)

    def rules(self) -> Iterator[Rule]:
        """All rules, chain by chain."""
        for chain in self.chains.values():
            yield from chain.rules

    def references(self, chain: str) -> int:
        """How many rules jump or go to a chain."""
        return sum(rule.target == chain for rule in self.rules())


@dataclass(frozen=True, slots=True)
class Ruleset:
    """All tables of one network namespace."""

    tables: dict[str, Table] = field(default_factory=dict)

    def table(self, name: str) -> Table:
        """A table; an empty one where nothing was ever put into it, for which iptables-save prints nothing."""
        return self.tables.get(name) or Table(name)

    def mentioning(self, address: str) -> tuple[Rule, ...]:
        """The rules of all tables that match or write an address."""
        word = re.compile(rf"(?<![\d.]){re.escape(address)}(?![\d.])")
        return tuple(rule for table in self.tables.values() for rule in table.rules() if word.search(rule.text))

    @classmethod
    def parse(cls, text: str) -> Ruleset:
        """The rule set that ``iptables-save`` printed, with or without ``-c``.

        Raises:
            NetproofError: a line is not of the form; the message says which.
        """
        tables: dict[str, Table] = {}
        table = Table("")
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                if line.startswith("*"):
                    table = tables.setdefault(line[1:], Table(line[1:]))
                elif line.startswith(":"):
                    name, policy, counters = line[1:].split()
                    table.chains[name] = Chain(name, policy.strip("-"), _counters(counters))
                elif line and not line.startswith("#") and line != "COMMIT":
                    rule = _rule(line)
                    table.chains[rule.chain].rules.append(rule)
            except (ValueError, KeyError, IndexError) as problem:
                raise NetproofError(
                    f"line {number} of iptables-save is not understood: {line!r} ({problem})",
                    "compare `iptables-save -c` on the node; report the line if it is right",
                ) from None
        return cls(tables)


def _counters(text: str) -> Counters:
    found = _COUNTERS.fullmatch(text)
    return Counters(int(found[1]), int(found[2])) if found else Counters()


def _rule(line: str) -> Rule:
    counters = Counters()
    if line.startswith("["):
        front, line = line.split(" ", 1)
        counters = _counters(front)
    append, chain, *words = shlex.split(line)
    if append != "-A":
        raise ValueError(append)
    operands: dict[str, Operand] = {}
    matches: list[str] = []
    other: list[str] = []
    position = 0
    while position < len(words):
        negated = words[position] == "!"
        position += negated
        option = words[position]
        values = _arguments(words, position + 1)
        position += 1 + len(values)
        if option == "-m":
            matches += values
        elif option in _VALUE_OPTIONS and len(values) == 1:
            operands[_VALUE_OPTIONS[option]] = Operand(values[0], negated)
        else:
            other.append(" ".join(["!"] * negated + [option, *values]))
    return Rule(chain, line, counters, operands, tuple(matches), tuple(other))


def _arguments(words: list[str], start: int) -> list[str]:
    """The words up to the next option; a quoted comment that looks like an option is still the comment."""
    if words[start - 1] == "--comment":
        return words[start : start + 1]
    end = start
    while end < len(words) and words[end] != "!" and not words[end].startswith("-"):
        end += 1
    return words[start:end]
