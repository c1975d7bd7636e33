"""Removes from the cache what nothing uses any more."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from netproof.long_unused import long_unused
from netproof.toolchain.cache import INCOMING_PREFIX, Cache
from netproof.toolchain.catalog import Catalog


@dataclass(slots=True)
class Pruned:
    """What a pruning removed.

    Attributes:
        removed: the entries, by their path under the cache.
        kept_in_use: entries another run of netproof is installing right now.
        freed_bytes: how much space that gave back.
    """

    removed: list[str] = field(default_factory=list)
    kept_in_use: list[str] = field(default_factory=list)
    freed_bytes: int = 0


def prune(cache: Cache, catalog: Catalog, *, everything: bool = False) -> Pruned:
    """Removes versions that the catalogue does not lead to, what interrupted runs left, and images long unused.

    Args:
        cache: what to prune.
        catalog: what is still wanted.
        everything: also removes what is still wanted, the stored images, and the manifests that were fetched.
    """
    pruned = Pruned()
    wanted = set() if everything else _wanted_entries(cache, catalog)
    for name in sorted({entry.name for entry in (*_children(cache.programs), *_children(cache.downloads))}):
        unfinished = _children(cache.downloads / name)
        entries = [entry for entry in _children(cache.programs / name) if entry not in wanted]
        with cache.lock_if_free(name) as free:
            for entry in (*unfinished, *entries):
                if free or not (entry in unfinished or entry.name.startswith(INCOMING_PREFIX)):
                    _remove(entry, cache, pruned)
                else:
                    pruned.kept_in_use.append(str(entry.relative_to(cache.root)))
    made = (*cache.images.files(), *_children(cache.machines), *_children(cache.unpacked))
    stale = made if everything else long_unused(made)
    manifests = _children(cache.manifests) if everything else []
    for entry in (*_children(cache.logs), *stale, *manifests):
        _remove(entry, cache, pruned)
    return pruned


def _size_of(path: Path) -> int:
    """The bytes that a file, or all files under a directory, take."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.lstat().st_size for file in files)


def _wanted_entries(cache: Cache, catalog: Catalog) -> set[Path]:
    return {
        cache.entry(component, version, source)
        for component in catalog.components.values()
        for version in component.versions or ("",)
        for source in component.sources
    }


def _children(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _remove(entry: Path, cache: Cache, pruned: Pruned) -> None:
    pruned.freed_bytes += _size_of(entry)
    pruned.removed.append(str(entry.relative_to(cache.root)))
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()
