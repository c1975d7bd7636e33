from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from netproof.submission import Submission
from netproof.submission.adaptations import RULES, Adapted, Rule, Target, adapt
from netproof.submission.documents import read_text

NEWEST = Target((1, 37))
Adapt = Callable[..., Adapted]


@pytest.fixture
def submission() -> Callable[..., Submission]:
    """A submission of YAML texts, by path, or of one text."""

    def make(text: str = "", **files: str) -> Submission:
        texts = {"kubernetes-networks/all.yaml": text} if text else files
        found = [one for path, content in texts.items() for one in read_text(path, dedent(content)).objects]
        return Submission(Path(), (), tuple(found), ())

    return make


@pytest.fixture
def by_rule(submission: Callable[..., Submission]) -> Adapt:
    """Applies one rule alone to a YAML text."""

    def apply(rule: Rule, text: str, target: Target = NEWEST) -> Adapted:
        return adapt(submission(text), target, [rule])

    return apply


@pytest.fixture
def by_all(submission: Callable[..., Submission]) -> Adapt:
    """Applies all rules to a YAML text."""

    def apply(text: str, target: Target = NEWEST) -> Adapted:
        return adapt(submission(text), target, RULES)

    return apply


@pytest.fixture
def find() -> Callable[..., Any]:
    """The manifest of an object of what was adapted, by kind, name and namespace."""

    def manifest(adapted: Adapted, kind: str, name: str, namespace: str | None = None) -> Any:
        found: Iterator[Any] = (
            one.manifest
            for one in adapted.submission.objects
            if (one.kind, one.name) == (kind, name) and namespace in {None, one.namespace}
        )
        return next(found, None)

    return manifest
