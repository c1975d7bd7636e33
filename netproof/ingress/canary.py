"""What the annotations of a canary Ingress ask for, by the rules that ingress-nginx documents for them.

The header is asked first, then the cookie, then the weight; where one of them has decided, the next is not asked. The
header and the cookie say ``always`` or ``never``; where a value or a pattern of the header is given, that value alone,
or what fits the pattern, means always, and nothing means never. The weight is a share of the requests that are left.

Source: the section Canary of ingress-nginx's documentation of its annotations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "nginx.ingress.kubernetes.io/"
"""What the names of ingress-nginx's annotations begin with."""

CANARY = f"{PREFIX}canary"
BY_HEADER = f"{PREFIX}canary-by-header"
BY_HEADER_VALUE = f"{PREFIX}canary-by-header-value"
BY_HEADER_PATTERN = f"{PREFIX}canary-by-header-pattern"
BY_COOKIE = f"{PREFIX}canary-by-cookie"
WEIGHT = f"{PREFIX}canary-weight"
WEIGHT_TOTAL = f"{PREFIX}canary-weight-total"

ALWAYS, NEVER = "always", "never"

_LEAST_TOTAL = 100


@dataclass(frozen=True, slots=True)
class CanaryRule:
    """When requests go to a canary.

    Attributes:
        header: the name of the header that decides; empty where none does.
        header_value: the one value that chooses the canary, in the place of ``always``.
        header_pattern: the regular expression of the values that do so.
        weight: how many of ``weight_total`` of the requests go to the canary of which nothing else decides.
        weight_total: at least 100.
    """

    header: str = ""
    header_value: str = ""
    header_pattern: str = ""
    weight: int = 0
    weight_total: int = _LEAST_TOTAL

    @classmethod
    def of(cls, annotations: Mapping[str, Any]) -> CanaryRule:
        """The rule that an Ingress' annotations state; a weight that is no number is none."""
        total = max(_number(annotations.get(WEIGHT_TOTAL)), _LEAST_TOTAL)
        return cls(
            header=str(annotations.get(BY_HEADER) or ""),
            header_value=str(annotations.get(BY_HEADER_VALUE) or ""),
            header_pattern=str(annotations.get(BY_HEADER_PATTERN) or ""),
            weight=min(max(_number(annotations.get(WEIGHT)), 0), total),
            weight_total=total,
        )

    def __str__(self) -> str:
        by = {BY_HEADER: self.header, BY_HEADER_VALUE: self.header_value, BY_HEADER_PATTERN: self.header_pattern}
        said = [f"{name.removeprefix(PREFIX)}: {value}" for name, value in by.items() if value] or [
            "no canary-by-header"
        ]
        return ", ".join([*said, f"canary-weight: {self.weight} of {self.weight_total}"] if self.weight else said)

    @property
    def share(self) -> float:
        """The share of the requests that reach the canary of which no header or cookie decides."""
        return self.weight / self.weight_total

    @property
    def choosing(self) -> str:
        """A value of the header that chooses the canary; empty where there is none, or none can be made up."""
        if not self.header:
            return ""
        if self.header_value:
            return self.header_value
        return _fitting(self.header_pattern) if self.header_pattern else ALWAYS

    @property
    def avoiding(self) -> dict[str, str]:
        """The headers that keep a request from the canary; empty where none does, or where none is needed."""
        return {self.header: NEVER} if self.weight and self.knows_never else {}

    @property
    def knows_never(self) -> bool:
        """Whether the value ``never`` keeps a request from the canary, and is not merely any other value."""
        return bool(self.header) and not (self.header_value or self.header_pattern)


def _number(text: Any) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0


def _fitting(pattern: str) -> str:
    """A value that fits a pattern: one of its own alternatives, or a usual word; empty where none of these does."""
    own = [word for word in re.split(r"[|()^$]", pattern) if re.fullmatch(r"[\w-]+", word)]
    try:
        return next((word for word in (*own, ALWAYS, "true", "1") if re.search(pattern, word)), "")
    except re.error:
        return ""
