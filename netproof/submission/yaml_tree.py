"""YAML text to trees of plain values that know their lines, within bounds that hostile input cannot pass.

The events of ruamel.yaml's parser are turned into nodes here rather than by its constructors, for three reasons: values
must be what kubectl would send (see :mod:`netproof.submission.scalars`), every key keeps its place, and depth, size and
the expansion of aliases are counted while reading, before any memory is spent on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.scanner import Scanner

from netproof.submission.scalars import Scalar, key_text, read_tagged_scalar
from netproof.submission.syntax_help import explain

_DEEPEST = 100
"""How many collections may be nested in one another, aliases expanded."""
_MOST_NODES = 50_000
"""How many values one file may hold, aliases expanded; a vendored MetalLB manifest has about 5 000."""

_MERGE = "<<"


@dataclass
class BrokenYamlError(Exception):
    """Why a text could not be read further; line and column count from 1."""

    message: str
    remedy: str
    line: int
    column: int
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of a mapping or a sequence: where its key (or its item) begins, and its value."""

    line: int
    column: int
    node: Node


@dataclass(slots=True)
class Node:
    """A value with its place: one of ``members`` and ``items`` is set for a collection, neither for a scalar."""

    line: int
    column: int
    scalar: Scalar = None
    members: dict[str, Entry] | None = None
    items: list[Entry] | None = None
    size: int = 1
    height: int = 1

    def plain(self) -> Any:
        """The value as fresh plain dicts, lists and scalars that share nothing with one another."""
        if self.members is not None:
            return {key: entry.node.plain() for key, entry in self.members.items()}
        if self.items is not None:
            return [entry.node.plain() for entry in self.items]
        return self.scalar

    def child(self, step: str | int) -> Entry | None:
        """The member under a key or at an index, or None."""
        if self.members is not None:
            return self.members.get(str(step))
        if self.items is not None and isinstance(step, int) and -len(self.items) <= step < len(self.items):
            return self.items[step]
        return None


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """A key written twice in one mapping; the later one counts, as for kubectl."""

    key: str
    line: int
    column: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the line it begins in, its root (None where it is empty), the keys written twice in it."""

    line: int
    root: Node | None
    duplicates: tuple[DuplicateKey, ...]


@dataclass(slots=True)
class _Open:
    """A collection that is being read; ``written`` has the keys that stand in it, not merged ones, with their lines."""

    node: Node
    anchor: str | None
    key: tuple[str, int, int] | None = None
    written: dict[str, int] = field(default_factory=dict)


def read_documents(text: str) -> Iterator[Document]:
    """The documents of a YAML text, in order, as far as it can be read.

    Raises:
        BrokenYamlError: the text is broken from some place on, or passes a bound; what came before has been yielded.
    """
    builder: _DocumentBuilder | None = None
    budget = _MOST_NODES
    try:
        parser = YAML(typ="safe", pure=True)
        parser.Scanner = _Scanner
        for event in parser.parse(text):
            if isinstance(event, DocumentStartEvent):
                builder = _DocumentBuilder(event.start_mark.line + 1, budget)
            elif builder is not None and builder.take(event):
                yield builder.document()
                budget -= max(builder.root_size, 1)
                builder = None
    except MarkedYAMLError as problem:
        raise _explained(problem) from None
    except YAMLError:
        raise _unacceptable_character(text) from None


class _Scanner(Scanner):
    """Takes tabs between tokens, as kubectl's parser does and ruamel.yaml's does not; tabs that indent are errors."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while not self.allow_simple_key and self.reader.peek() == "\t":
            self.reader.forward()
            super().scan_to_next_token()


class _DocumentBuilder:
    """Builds one document from parser events, without recursion."""

    def __init__(self, line: int, budget: int) -> None:
        self._line = line
        self._budget = budget
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._duplicates: list[DuplicateKey] = []
        self._root: Node | None = None
        self._count = 0

    @property
    def root_size(self) -> int:
        return self._count

    def document(self) -> Document:
        root = self._root
        empty = root is None or (root.members is None and root.items is None and root.scalar is None)
        return Document(self._line, None if empty else root, tuple(self._duplicates))

    def take(self, event: Any) -> bool:
        """Takes one event; says whether the root is complete."""
        match event:
            case ScalarEvent():
                return self._value(event, _scalar(event), event.anchor)
            case AliasEvent():
                return self._value(event, self._target(event), None)
            case MappingStartEvent() | SequenceStartEvent():
                self._begin(event)
                return False
            case MappingEndEvent() | SequenceEndEvent():
                return self._end(event)
            case _:
                return False

    def _begin(self, event: Any) -> None:
        self._spend(event, 1)
        line, column = _place(event)
        if len(self._open) >= _DEEPEST:
            raise _refusal(event, f"collections are nested more than {_DEEPEST} deep")
        node = Node(line, column)
        if isinstance(event, MappingStartEvent):
            node.members = {}
        else:
            node.items = []
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor))

    def _end(self, event: Any) -> bool:
        done = self._open.pop()
        node = done.node
        children = [entry.node for entry in (node.members or {}).values()] + [entry.node for entry in node.items or []]
        node.size = 1 + sum(child.size for child in children)
        node.height = 1 + max((child.height for child in children), default=0)
        if done.anchor:
            self._anchors[done.anchor] = node
        return self._place_value(event, node)

    def _value(self, event: Any, node: Node, anchor: str | None) -> bool:
        # An alias is charged with all it stands for: nine levels of ten aliases are a thousand million values.
        self._spend(event, node.size)
        if len(self._open) + node.height > _DEEPEST + 1:
            raise _refusal(event, f"collections are nested more than {_DEEPEST} deep")
        if anchor:
            self._anchors[anchor] = node
        return self._place_value(event, node)

    def _place_value(self, event: Any, node: Node) -> bool:
        if not self._open:
            self._root = node
            return True
        parent = self._open[-1]
        line, column = _place(event) if isinstance(event, AliasEvent) else (node.line, node.column)
        if parent.node.items is not None:
            parent.node.items.append(Entry(line, column, node))
        elif parent.key is None:
            parent.key = (_key(node, line, column), line, column)
        else:
            self._set(parent, parent.key, node, event)
            parent.key = None
        return False

    def _set(self, parent: _Open, place: tuple[str, int, int], node: Node, event: Any) -> None:
        members = parent.node.members
        if members is None:
            return
        key, line, column = place
        if key == _MERGE:
            # What is merged replaces what stands before it, and is replaced by what follows: so does kubectl.
            members.update(_merged(node, event))
            return
        if key in parent.written:
            self._duplicates.append(DuplicateKey(key, line, column, parent.written[key]))
        parent.written[key] = line
        members[key] = Entry(line, column, node)

    def _target(self, event: Any) -> Node:
        line, column = _place(event)
        if event.anchor not in self._anchors:
            raise BrokenYamlError(
                f"*{event.anchor} refers to an anchor that this document does not define",
                f"define it with &{event.anchor} before this line, or quote the value if the asterisk is part of it",
                line,
                column,
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise _refusal(event, f"the anchor &{event.anchor} contains itself")
        return node

    def _spend(self, event: Any, nodes: int) -> None:
        self._count += nodes
        if self._count > self._budget:
            raise _refusal(event, f"the file holds more than {_MOST_NODES} values once its aliases are expanded")


def _key(node: Node, line: int, column: int) -> str:
    key = key_text(node.scalar) if node.members is None and node.items is None else None
    if key is None:
        raise BrokenYamlError(
            "a key is a mapping, a list or empty; Kubernetes knows only text as keys",
            "write a plain name before the ':'; a template such as {{ name }} must be rendered first",
            line,
            column,
        )
    return key


def _scalar(event: Any) -> Node:
    line, column = _place(event)
    plain = event.style is None or event.style == ""
    tag = str(event.tag) if event.tag is not None else None
    if plain and event.value == _MERGE and tag is None:
        return Node(line, column, _MERGE)
    return Node(line, column, read_tagged_scalar(event.value, tag, plain=plain))


def _merged(source: Node, event: Any) -> list[tuple[str, Entry]]:
    if source.members is not None:
        return list(source.members.items())
    if source.items is not None and all(entry.node.members is not None for entry in source.items):
        # The first of several merged mappings wins, by the definition of the merge key.
        return [pair for entry in reversed(source.items) for pair in (entry.node.members or {}).items()]
    line, column = _place(event)
    raise BrokenYamlError("'<<' merges something that is not a mapping", "give it an alias of a mapping", line, column)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _refusal(event: Any, message: str) -> BrokenYamlError:
    line, column = _place(event)
    return BrokenYamlError(
        message, "split the file, and write out what the aliases stand for", line, column, refused=True
    )


def _explained(problem: MarkedYAMLError) -> BrokenYamlError:
    mark = problem.problem_mark or problem.context_mark
    message, remedy = explain(str(problem.problem or problem.context or "the text is not YAML"))
    return BrokenYamlError(message, remedy, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)


def _unacceptable_character(text: str) -> BrokenYamlError:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if not character.isprintable() and character not in "\t\r\x85\u2028\u2029\xa0\ufeff":
                hint = "save the file as UTF-8" if character == "\0" else "remove it"
                return BrokenYamlError(
                    f"the control character U+{ord(character):04X} is not allowed in YAML", hint, number, column
                )
    return BrokenYamlError("the text holds a character that YAML does not allow", "save the file as UTF-8", 1, 1)
