from __future__ import annotations

from pathlib import Path

import pytest

from netproof.toolchain.cache import Cache, open_cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """The cache of programs, empty and of this test alone, with nothing of the user's around it."""
    monkeypatch.setenv("NETPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NETPROOF_MIRROR", raising=False)
    monkeypatch.delenv("NETPROOF_SOURCES", raising=False)
    return open_cache()
