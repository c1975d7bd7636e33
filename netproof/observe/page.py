"""What an HTML page asks its browser to load, found without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit


class AssetKind(StrEnum):
    """What a page uses an asset as."""

    STYLE = "style sheet"
    SCRIPT = "script"
    IMAGE = "image"


_CONTENT_TYPES = {
    AssetKind.STYLE: ("text/css",),
    AssetKind.SCRIPT: ("text/javascript", "application/javascript", "application/x-javascript"),
    AssetKind.IMAGE: ("image/",),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a page is not whole without.

    Attributes:
        kind: what the page uses it as.
        url: where it is, made absolute.
    """

    kind: AssetKind
    url: str

    def is_of_its_kind(self, content_type: str) -> bool:
        """Whether an answer of this Content-Type is one that a browser uses as this kind of asset.

        Browsers refuse a style sheet of any other type than text/css, and a script that is HTML is a syntax error.
        """
        return content_type.partition(";")[0].strip().lower().startswith(_CONTENT_TYPES[self.kind])


def assets_of(html: str, url: str) -> tuple[Asset, ...]:
    """The style sheets, scripts and images that a page names, each once, in the order of the page.

    Args:
        html: the page as it was served.
        url: its address, to which relative addresses are relative unless the page has a ``<base>``.
    """
    reader = _AssetReader(url)
    reader.feed(html)
    reader.close()
    return tuple(dict.fromkeys(reader.assets))


class _AssetReader(HTMLParser):
    """Collects assets while a page is fed to it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.assets: list[Asset] = []
        self._base = url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and values.get("href"):
            self._base = urljoin(self._base, values["href"])
        for kind, address in _named(tag, values):
            absolute = urljoin(self._base, address.strip())
            if urlsplit(absolute).scheme in {"http", "https"}:
                self.assets.append(Asset(kind, absolute))


def _named(tag: str, values: dict[str, str]) -> Iterator[tuple[AssetKind, str]]:
    relations = values.get("rel", "").lower().split()
    match tag:
        case "link" if "stylesheet" in relations and values.get("href"):
            yield AssetKind.STYLE, values["href"]
        case "link" if "icon" in relations and values.get("href"):
            yield AssetKind.IMAGE, values["href"]
        case "script" if values.get("src"):
            yield AssetKind.SCRIPT, values["src"]
        case "img" if values.get("src"):
            yield AssetKind.IMAGE, values["src"]
