"""A run as a conformance report in YAML: which behaviours of Kubernetes' networking were proven, by section and level.

The form follows the reports of the Gateway API's conformance suite (kind ``ConformanceReport``): profiles with a result
and statistics for each level, and the features that were and were not there. It is for publishing and for programs:
names of fields and values are stable, ``apiVersion`` is raised by a change that a reader could trip over.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, Final

from ruamel.yaml import YAML

from netproof.check import Level
from netproof.report.digest import Digest
from netproof.report.results import CheckResult, Results
from netproof.verdict import Verdict

_API_VERSION: Final = "netproof/v1"

_JUDGED = frozenset({Verdict.PASSED, Verdict.FAILED})
_STATISTICS = {
    "passed": (Verdict.PASSED,),
    "failed": (Verdict.FAILED,),
    "skipped": (Verdict.BLOCKED, Verdict.UNSUPPORTED),
    "broken": (Verdict.ERROR,),
}


def to_yaml(results: Results) -> str:
    """The report as YAML."""
    written = io.StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(conformance_of(results), written)
    return written.getvalue()


def conformance_of(results: Results) -> dict[str, Any]:
    """The report as plain values.

    A level of a profile is ``success`` where all of its checks passed, ``partial`` where some were not judged, and
    ``failure`` where one failed or broke. What the run did not come to is not judged.
    """
    run = results.run
    unsupported = {
        feature for check in results.checks if check.verdict is Verdict.UNSUPPORTED for feature in check.features
    }
    supported = {feature for check in results.checks if check.verdict in _JUDGED for feature in check.features}
    return {
        "apiVersion": _API_VERSION,
        "kind": "ConformanceReport",
        "date": run.started.isoformat(timespec="seconds"),
        "kubernetesVersion": run.kubernetes_version,
        "proxyMode": run.proxy_mode,
        "netproofVersion": run.netproof_version,
        "cluster": {
            "provider": run.provider,
            "nodes": run.node_count,
            "nodeKind": run.node_kind,
            "components": {component.name: component.version for component in run.components},
        },
        "complete": bool(run.finished) and not run.interrupted and not results.not_run,
        "supportedFeatures": sorted(supported),
        "unsupportedFeatures": sorted(unsupported - supported),
        "profiles": [_profile(name, checks) for name, checks in Digest(results).sections.items()],
        "notRun": list(results.not_run),
    }


@cache
def upstream_names() -> dict[str, list[str]]:
    """The names of Kubernetes' own conformance tests, by the id of the check that proves what they ask for."""
    text = resources.files("netproof.report").joinpath("upstream.toml").read_text(encoding="utf-8")
    named: dict[str, list[str]] = tomllib.loads(text)["proves"]
    return named


def _profile(name: str, checks: list[CheckResult]) -> dict[str, Any]:
    levels = {level: [check for check in checks if check.level is level] for level in Level}
    return {
        "name": name,
        **{str(level): _status(of_level) for level, of_level in levels.items() if of_level},
        "checks": [_entry(check) for check in checks],
    }


def _status(checks: Iterable[CheckResult]) -> dict[str, Any]:
    verdicts = [check.verdict for check in checks]
    statistics = {name: sum(verdict in of_it for verdict in verdicts) for name, of_it in _STATISTICS.items()}
    if statistics["failed"] or statistics["broken"]:
        result = "failure"
    else:
        result = "partial" if statistics["skipped"] else "success"
    return {"result": result, "statistics": statistics}


def _entry(check: CheckResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": check.id,
        "level": str(check.level),
        "verdict": str(check.verdict),
        "holds": check.title,
    }
    if check.dimensions:
        entry["dimensions"] = dict(check.dimensions)
    if check.reason:
        entry["reason"] = check.reason
    if upstream := upstream_names().get(check.id):
        entry["upstream"] = list(upstream)
    return entry
