from __future__ import annotations

import re
from pathlib import Path

from netproof.running.listing import all_checks

CHECKOUT = Path(__file__).resolve().parents[3]


def test_the_checks_beside_kubernetes_own_exist():
    ids = {check.id for check in all_checks(CHECKOUT / "suites")}
    sections = {check.partition(".")[0] for check in ids}

    spans = re.findall(r"`([a-z]+(?:\.[a-z-]+)+)`", (CHECKOUT / "docs" / "upstream.md").read_text(encoding="utf-8"))
    named = {span for span in spans if span.partition(".")[0] in sections}

    assert len(named) > 10
    assert not named - ids
