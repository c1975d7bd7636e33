"""A run as JUnit XML, for systems that collect the results of tests.

The form is the one that Jenkins' plugin and GitLab read: a case has at most one of failure, error and skipped. What was
not judged is skipped, with its reason, and what netproof or the cluster broke is an error, never a failure.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from netproof.report.digest import NOT_JUDGED, Digest
from netproof.report.results import CheckResult, Results
from netproof.report.xml_text import printable
from netproof.verdict import Verdict

_OF_THE_RUN = "run"
"""The class of a case that is no check: what broke outside of all of them."""


def to_junit(results: Results) -> str:
    """The document: one suite, a case for each check, with its section as the class."""
    told, counts = Digest(results), results.counts()
    suite = ET.Element(
        "testsuite",
        name=f"netproof: {told.title}",
        tests=str(len(results.checks) + len(results.not_run) + bool(results.run.problems)),
        failures=str(counts[Verdict.FAILED]),
        errors=str(counts[Verdict.ERROR] + bool(results.run.problems)),
        skipped=str(sum(counts[verdict] for verdict in NOT_JUDGED) + len(results.not_run)),
        time=f"{told.seconds:.3f}",
        timestamp=results.run.started.isoformat(timespec="seconds"),
    )
    _properties(suite, told.facts | {one.name: one.version for one in results.run.components})
    for check in results.checks:
        _add_case(suite, check)
    for key in results.not_run:
        case = ET.SubElement(suite, "testcase", classname=key.partition(".")[0], name=key, time="0")
        ET.SubElement(case, "skipped", message="not run: the run ended before")
    if results.run.problems:
        case = ET.SubElement(
            suite, "testcase", classname=_OF_THE_RUN, name="nothing broke outside of a check", time="0"
        )
        _add(case, "error", results.run.problems[0], "\n".join(results.run.problems))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, check: CheckResult) -> None:
    seconds = f"{check.duration_seconds:.3f}"
    file = check.test.partition("::")[0]
    case = ET.SubElement(suite, "testcase", classname=check.section, name=check.key, file=file, time=seconds)
    properties = {
        "id": check.id,
        "verdict": check.verdict,
        "level": check.level,
        "section": check.section,
        "subject": check.subject,
        **check.dimensions,
        **{name: f"{value:g}" for name, value in check.measured.items()},
    }
    _properties(case, properties, *(("evidence", file) for file in check.evidence))
    if check.verdict is Verdict.FAILED:
        told = {"expected": check.expected, "observed": check.observed or check.message, "remedy": check.remedy}
        text = "\n".join(f"{name}: {text}" for name, text in told.items() if text)
        _add(case, "failure", check.observed or check.message, text)
    elif check.verdict is Verdict.ERROR:
        _add(case, "error", check.message, "\n".join(filter(None, (check.message, check.remedy))))
    elif check.verdict in NOT_JUDGED:
        _add(case, "skipped", f"{check.verdict}: {check.reason}", check.remedy)


def _properties(element: ET.Element, named: dict[str, str], *more: tuple[str, str]) -> None:
    properties = ET.SubElement(element, "properties")
    for name, value in (*named.items(), *more):
        ET.SubElement(properties, "property", name=printable(name), value=printable(value))


def _add(case: ET.Element, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, kind, message=printable(message.partition("\n")[0])).text = printable(text) or None
