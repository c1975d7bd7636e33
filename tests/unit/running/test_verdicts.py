"""Each way in which a check can end, and what stands in the results then."""

from __future__ import annotations

import pytest

from netproof.verdict import Verdict

pytest_plugins = "pytester"


def test_a_check_that_holds_is_passed(run_checks, results):
    ran = run_checks(
        test_a="""
@a_check("a.holds")
def test_it(): "It holds."
"""
    )

    ran.assert_outcomes(passed=1)
    assert ran.ret == 0
    (check,) = results().checks
    assert (check.id, check.section, check.title) == ("a.holds", "a", "It holds.")
    assert (check.verdict, check.message) == (Verdict.PASSED, "")


def test_an_assertion_is_failed_with_what_was_observed(run_checks, results):
    ran = run_checks(
        test_a="""
@a_check("a.pods")
def test_it():
    "Three pods are ready."
    ready = 2
    assert ready == 3
"""
    )

    assert ran.ret == 1
    (check,) = results().checks
    assert check.verdict is Verdict.FAILED
    assert check.expected == "Three pods are ready."
    assert "assert 2 == 3" in check.observed


def test_an_unmet_expectation_fills_the_fields_of_the_result(run_checks, results):
    run_checks(
        test_a="""
@a_check("a.pods")
def test_it(request):
    "Three pods are ready."
    record = run_record(request.config)
    file = record.evidence_directory("a.pods") / "pods.yaml"
    file.write_text("x")
    record.attach("a.pods", file)
    raise UnmetError("3 pods", "2 pods", attempts=7, objects=["Deployment default/web"], evidence=[Path("/tmp/log")])
"""
    )

    (check,) = results().checks
    assert (check.verdict, check.expected, check.observed, check.attempts) == (Verdict.FAILED, "3 pods", "2 pods", 7)
    assert check.objects == ["Deployment default/web"]
    assert check.evidence == ["/tmp/log", "evidence/a.pods/pods.yaml"]


def test_a_condition_that_does_not_come_in_time_is_failed(run_checks, results):
    run_checks(
        test_a="""
from netproof.waiting import TimedOutError
@a_check("a.ready")
def test_it():
    "It gets ready."
    raise TimedOutError("pod ready", 5, 12, "phase Pending")
"""
    )

    (check,) = results().checks
    assert (check.verdict, check.expected, check.attempts) == (Verdict.FAILED, "pod ready", 12)
    assert check.observed == "phase Pending (after 5 s)"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param('def test_it():\n    "T."\n    {}["x"]', "KeyError: 'x'", id="any other exception"),
        pytest.param(
            '@pytest.fixture\ndef broken(): assert False, "no"\n@DECORATED\ndef test_it(broken): "T."',
            "AssertionError in setup: no",
            id="an assertion in a fixture",
        ),
        pytest.param(
            '@pytest.fixture\ndef broken():\n    yield\n    raise OSError("gone")\n'
            '@DECORATED\ndef test_it(broken): "T."',
            "OSError in teardown: gone",
            id="a fixture that cannot clean up",
        ),
        pytest.param(
            'def test_it():\n    "T."\n    raise ClusterBrokeError("kubelet died")',
            "kubelet died",
            id="a broken component",
        ),
    ],
)
def test_what_is_no_fault_of_the_subject_is_an_error(run_checks, results, body, message):
    decorated = body.replace("DECORATED", 'a_check("a.one")')
    ran = run_checks(test_a=decorated if decorated != body else '@a_check("a.one")\n' + body)

    assert ran.ret == 3
    (check,) = results().checks
    assert check.verdict is Verdict.ERROR
    assert message in check.message


def test_an_error_that_a_user_can_mend_is_its_message_and_remedy_without_a_traceback(run_checks, results):
    ran = run_checks(
        "-v",
        test_a="""
@pytest.fixture(scope="session")
def cluster(): raise NetproofError("no runc on PATH", "apt-get install runc")
@a_check("a.one")
def test_one(cluster): "T."
@a_check("a.two")
def test_two(cluster): "T."
""",
    )

    assert ran.ret == 3
    assert "def cluster" not in ran.stdout.str()
    ran.stdout.fnmatch_lines(["error: a.one, a.two", "*no runc on PATH", "*remedy*apt-get install runc"])
    assert {check.remedy for check in results().checks} == {"apt-get install runc"}


def test_a_failure_on_a_broken_cluster_is_an_error_that_names_what_broke(run_checks, results, pytester):
    pytester.makeconftest("def pytest_netproof_broken_cluster(config): return 'kube-proxy exited with 2'")

    ran = run_checks(test_a='@a_check("a.one")\ndef test_it():\n    "T."\n    assert False, "no answer"')

    assert ran.ret == 3
    (check,) = results().checks
    assert check.verdict is Verdict.ERROR
    assert check.message.startswith("kube-proxy exited with 2\nno answer")


def test_a_failure_that_the_subject_may_not_be_to_blame_for_is_unsupported(run_checks, results, pytester):
    pytester.makeconftest("""
        from netproof.verdict import UnsupportedError
        def pytest_netproof_not_at_fault(config, check):
            return UnsupportedError("the API is gone", "--adapt era") if check.id == "a.one" else None
    """)

    run_checks(
        test_a="""
@a_check("a.one")
def test_one():
    "T."
    assert False, "no answer"
@a_check("a.two")
def test_two():
    "T."
    assert False, "no answer"
"""
    )

    one, two = results().checks
    assert (one.verdict, one.reason, one.remedy) == (Verdict.UNSUPPORTED, "the API is gone", "--adapt era")
    assert one.message.startswith("no answer")
    assert two.verdict is Verdict.FAILED


@pytest.mark.parametrize("place", ["fixture", "test"])
def test_unsupported_says_what_would_enable_it(run_checks, results, place):
    ran = run_checks(
        test_a=f"""
def give_up(where):
    if where == "{place}": unsupported("no ip_vs in this kernel", enable="--node-kind vm")
@pytest.fixture(autouse=True)
def fixture(): give_up("fixture")
@a_check("ipvs.table")
def test_it():
    "T."
    give_up("test")
"""
    )

    ran.assert_outcomes(skipped=1)
    assert ran.ret == 0
    (check,) = results().checks
    assert (check.verdict, check.reason) == (Verdict.UNSUPPORTED, "no ip_vs in this kernel")
    assert check.remedy == "--node-kind vm"


def test_a_missing_feature_is_unsupported_before_any_fixture_runs(run_checks, results, pytester):
    pytester.makeconftest("""
        from netproof.verdict import UnsupportedError
        def pytest_netproof_missing_feature(config, feature):
            return UnsupportedError("no " + feature, "a newer kernel") if feature == "ipvs" else None
    """)
    run_checks(
        test_a="""
@pytest.fixture
def never(): raise RuntimeError("must not run")
@a_check("a.one", features=["ipvs"])
def test_one(never): "T."
@a_check("a.two", features=["nftables"])
def test_two(): "T."
"""
    )

    assert {check.id: (check.verdict, check.reason) for check in results().checks} == {
        "a.one": (Verdict.UNSUPPORTED, "no ipvs"),
        "a.two": (Verdict.PASSED, ""),
    }


def test_a_missing_feature_tells_more_than_a_need_that_did_not_pass(run_checks, results, pytester):
    pytester.makeconftest(
        """
        from netproof.verdict import UnsupportedError
        def pytest_netproof_missing_feature(config, feature):
            return UnsupportedError("no " + feature, "a newer kernel")
        """
    )

    run_checks(
        test_a="""
@a_check("a.fails")
def test_fails():
    "T."
    assert False
@a_check("a.lacks", features=["ipvs"])
def test_lacks(): "T."
@a_check("a.lacks-and-needs-a-failed-one", features=["ipvs"], needs=["a.fails"])
def test_failed_need(): "T."
@a_check("a.lacks-and-needs-one-that-lacks-it-too", features=["ipvs"], needs=["a.lacks"])
def test_lacking_need(): "T."
@a_check("a.needs-one-that-lacks", needs=["a.lacks"])
def test_only_needs(): "T."
"""
    )

    assert {check.id: (check.verdict, check.reason) for check in results().checks} == {
        "a.fails": (Verdict.FAILED, ""),
        "a.lacks": (Verdict.UNSUPPORTED, "no ipvs"),
        "a.lacks-and-needs-a-failed-one": (Verdict.UNSUPPORTED, "no ipvs"),
        "a.lacks-and-needs-one-that-lacks-it-too": (Verdict.UNSUPPORTED, "no ipvs"),
        "a.needs-one-that-lacks": (Verdict.BLOCKED, "needs a.lacks, which is unsupported here"),
    }


def test_what_needs_a_failed_check_is_blocked_all_along_the_chain(run_checks, results):
    ran = run_checks(
        test_a="""
@a_check("a.last", needs=["a.middle"])
def test_last(): "T."
@a_check("a.middle", needs=["a.first"])
def test_middle(): "T."
@a_check("a.first")
def test_first():
    "T."
    assert False
@a_check("a.apart")
def test_apart(): "T."
"""
    )

    ran.assert_outcomes(failed=1, skipped=2, passed=1)
    assert {check.id: (check.verdict, check.blocked_by, check.reason) for check in results().checks} == {
        "a.first": (Verdict.FAILED, [], ""),
        "a.middle": (Verdict.BLOCKED, ["a.first"], "needs a.first, which failed"),
        "a.last": (Verdict.BLOCKED, ["a.middle"], "needs a.middle, which is blocked itself"),
        "a.apart": (Verdict.PASSED, [], ""),
    }


def test_a_missing_object_blocks(run_checks, results):
    run_checks(
        test_a="""
@pytest.fixture
def web(): blocked("the submission has no Deployment web")
@a_check("a.one")
def test_it(web): "T."
"""
    )

    (check,) = results().checks
    assert (check.verdict, check.reason) == (Verdict.BLOCKED, "the submission has no Deployment web")


def test_a_failure_stays_one_when_its_fixture_breaks_too(run_checks, results):
    ran = run_checks(
        test_a="""
@pytest.fixture
def broken():
    yield
    raise OSError("gone")
@a_check("a.one")
def test_it(broken):
    "T."
    assert False, "two pods"
"""
    )

    assert ran.ret == 1
    (check,) = results().checks
    assert check.verdict is Verdict.FAILED
    assert "two pods" in check.message
    assert "OSError in teardown: gone" in check.message
