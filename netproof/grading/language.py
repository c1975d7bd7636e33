"""The languages that feedback is written in."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language of feedback."""

    RUSSIAN = "ru"
    ENGLISH = "en"
