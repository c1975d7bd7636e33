from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netproof.upstream.specs import Spec, UpstreamRun


def node(text: str, state: str, *, message: str = "", kind: str = "It", seconds: float = 0.0) -> dict[str, object]:
    """A node as ginkgo's JSON report has it."""
    return {
        "ContainerHierarchyTexts": ["[sig-network] Services"] if kind == "It" else None,
        "LeafNodeType": kind,
        "LeafNodeText": text if kind == "It" else "",
        "LeafNodeLocation": {"FileName": "k8s.io/kubernetes@v1.37.2/test/e2e/network/service.go", "LineNumber": 7},
        "State": state,
        "RunTime": int(seconds * 1e9),
        "Failure": {"Message": message},
    }


@pytest.fixture
def report(tmp_path):
    def write(*nodes: dict[str, object]) -> Path:
        path = tmp_path / "ginkgo.json"
        path.write_text(json.dumps([{"SuiteDescription": "Kubernetes e2e suite", "SpecReports": list(nodes)}]))
        return path

    return write


@pytest.fixture
def run():
    names = ["should answer [Conformance]", "should refuse", "should be left"]
    return UpstreamRun(
        id="upstream-x",
        started=datetime(2026, 3, 14, tzinfo=UTC),
        kubernetes_version="1.37.2",
        specs=[Spec(name=f"[sig-network] Services {name}") for name in names],
    )
