"""What of the cache nothing has used for long: whoever uses an entry touches it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

UNUSED_SECONDS = 7 * 24 * 3600.0  # it is all made anew in seconds, so longer keeping buys nothing


def long_unused(entries: Iterable[Path]) -> list[Path]:
    """Those of some files and directories that were last touched more than a week ago."""
    oldest = time.time() - UNUSED_SECONDS
    return [entry for entry in entries if entry.lstat().st_mtime < oldest]
