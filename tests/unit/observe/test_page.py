from __future__ import annotations

import pytest

from netproof.observe.page import Asset, AssetKind, assets_of

URL = "https://172.17.255.3/dashboard/"


def test_assets_are_found_relative_to_the_page():
    page = """
    <!doctype html><link rel=stylesheet href="styles.css"><LINK REL="shortcut icon" HREF=/logo.png>
    <script src="./main.js"></script><img src="../elsewhere.svg"><script>let text = '<img src="no.png">'</script>
    """

    assert assets_of(page, URL) == (
        Asset(AssetKind.STYLE, f"{URL}styles.css"),
        Asset(AssetKind.IMAGE, "https://172.17.255.3/logo.png"),
        Asset(AssetKind.SCRIPT, f"{URL}main.js"),
        Asset(AssetKind.IMAGE, "https://172.17.255.3/elsewhere.svg"),
    )


def test_without_a_final_slash_relative_addresses_lead_out_of_the_path():
    (asset,) = assets_of("<script src=main.js></script>", "https://172.17.255.3/dashboard")

    assert asset.url == "https://172.17.255.3/main.js"


def test_a_base_counts():
    assert assets_of("<base href='/ui/'><script src=a.js></script>", URL) == (
        Asset(AssetKind.SCRIPT, "https://172.17.255.3/ui/a.js"),
    )


def test_what_loads_nothing_is_no_asset():
    page = (
        "<link rel=canonical href=x><script>1</script><img src='data:image/png;base64,xx'><img src=''><a href=y>y</a>"
    )

    assert assets_of(page, URL) == ()


def test_an_asset_that_is_named_twice_is_one():
    assert len(assets_of("<img src=a.png><img src=a.png>", URL)) == 1


@pytest.mark.parametrize(
    ("kind", "content_type", "fits"),
    [
        (AssetKind.STYLE, "text/css; charset=utf-8", True),
        (AssetKind.STYLE, "text/html; charset=utf-8", False),
        (AssetKind.STYLE, "", False),
        (AssetKind.SCRIPT, "text/javascript", True),
        (AssetKind.SCRIPT, "application/javascript", True),
        (AssetKind.SCRIPT, "text/html", False),
        (AssetKind.IMAGE, "image/svg+xml", True),
        (AssetKind.IMAGE, "text/html", False),
    ],
)
def test_a_browser_takes_an_asset_by_its_content_type(kind, content_type, fits):
    assert Asset(kind, URL).is_of_its_kind(content_type) is fits
