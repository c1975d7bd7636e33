"""Which checks run, and in which order."""

from __future__ import annotations

import pytest

pytest_plugins = "pytester"

ROLLOUT = """
@a_check("rollout.surge-first", needs=["deploy.replicas"])
def test_surge(): "T."
@a_check("rollout.bounds", level=EXTENDED)
def test_bounds(): "T."
"""

DEPLOY = """
@a_check("deploy.replicas", needs=["deploy.applied"])
def test_replicas(): "T."
@a_check("deploy.applied")
def test_applied(): "T."
@a_check("deploy.other")
def test_other(): "T."
"""


def ran_ids(results) -> list[str]:
    return [check.id for check in results().checks]


def test_needs_come_first_and_otherwise_the_order_of_the_files_stays(run_checks, results):
    run_checks(test_a=ROLLOUT, test_b=DEPLOY)

    assert ran_ids(results) == [
        "deploy.applied",
        "deploy.replicas",
        "rollout.surge-first",
        "rollout.bounds",
        "deploy.other",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-k", "surge"], id="by keyword"),
        pytest.param(["--check", "rollout.surge-first"], id="by id"),
        pytest.param(["-m", "homework", "--check", "rollout"], id="by section and level"),
        pytest.param(["test_a.py::test_surge"], id="by node id, what is needed being in another file"),
    ],
)
def test_a_selection_pulls_in_what_it_needs(run_checks, results, arguments):
    ran = run_checks(*arguments, test_a=ROLLOUT, test_b=DEPLOY)

    ran.assert_outcomes(passed=3)
    assert ran_ids(results) == ["deploy.applied", "deploy.replicas", "rollout.surge-first"]


def test_the_closing_line_counts_as_deselected_what_really_is(run_checks):
    ran = run_checks("-k", "surge", test_a=ROLLOUT, test_b=DEPLOY)

    ran.stdout.fnmatch_lines(["*3 passed, 2 deselected*"])


def test_what_is_needed_in_the_same_file_comes_along_with_a_single_test(run_checks, results):
    run_checks("test_b.py::test_replicas", test_b=DEPLOY)

    assert ran_ids(results) == ["deploy.applied", "deploy.replicas"]


def test_several_ids_may_be_given(run_checks, results):
    run_checks("--check", "deploy.other,deploy.applied", "--check", "rollout.bounds", test_a=ROLLOUT, test_b=DEPLOY)

    assert sorted(ran_ids(results)) == ["deploy.applied", "deploy.other", "rollout.bounds"]


def test_the_levels_are_markers(run_checks, results):
    run_checks("-m", "networking and extended", test_a=ROLLOUT, test_b=DEPLOY)

    assert ran_ids(results) == ["rollout.bounds"]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "with workers"])
def test_an_unknown_id_is_one_message_with_those_near_it(run_checks, workers):
    ran = run_checks("--check", "rollout.surge-frist", *workers, test_a=ROLLOUT, test_b=DEPLOY)

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    message = ran.stdout.str() + ran.stderr.str()
    assert "there is no check 'rollout.surge-frist'" in message
    assert "did you mean rollout.surge-first" in message
    assert "Traceback" not in message


def test_a_need_that_no_check_meets_is_a_usage_error(run_checks):
    ran = run_checks(
        test_a='@a_check("a.one", needs=["a.tow"])\ndef test_it(): "T."\n@a_check("a.two")\ndef test_2(): "T."'
    )

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*a.one (test_a.py::test_it) needs: there is no check 'a.tow'", "*did you mean*a.two*"])


def test_checks_that_need_each_other_are_a_usage_error(run_checks):
    ran = run_checks(
        test_a="""
@a_check("a.one", needs=["a.two"])
def test_one(): "T."
@a_check("a.two", needs=["a.one"])
def test_two(): "T."
"""
    )

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*in a circle: a.* -> a.* -> a.*"])


def test_two_checks_of_one_id_are_a_usage_error(run_checks):
    ran = run_checks(test_a='@a_check("a.x")\ndef test_1(): "T."\n@a_check("a.x")\ndef test_2(): "T."')

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*two checks have the id 'a.x'*test_1*test_2*"])


def test_parameters_extend_the_id_or_are_dimensions_of_the_result(run_checks, results):
    run_checks(
        test_a="""
@a_check("services.affinity")
@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_affinity(kind): "T."
@a_check("services.echo", dimensions=["protocol"], needs=["services.affinity"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_echo(protocol): "T."
"""
    )

    assert [check.key for check in results().checks] == [
        "services.affinity.clusterip",
        "services.affinity.nodeport",
        "services.echo[protocol=tcp]",
        "services.echo[protocol=udp]",
    ]


@pytest.mark.parametrize(
    ("declaration", "fault"),
    [
        pytest.param('@a_check("a.one")\ndef test_it(): pass', "its docstring is missing", id="no docstring"),
        pytest.param('@a_check("one")\ndef test_it(): "T."', "the id does not match", id="no section"),
        pytest.param(
            '@check("a.one", subject=OWN, mutants=["m"])\ndef test_it(): "T."',
            "its control is missing",
            id="no control",
        ),
        pytest.param(
            '@check("a.one", subject=OWN, control="c")\ndef test_it(): "T."', "its mutants are missing", id="no mutants"
        ),
    ],
)
def test_a_check_that_is_not_finished_is_one_message_at_collection(run_checks, declaration, fault):
    ran = run_checks(test_a=declaration)

    assert ran.ret == pytest.ExitCode.INTERRUPTED
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines([f"*(test_a.py::test_it) is not finished: {fault}*", "*remedy: *"])
    assert "Traceback" not in ran.stdout.str()


def test_a_control_and_mutants_may_be_left_out_for_a_reason(run_checks):
    ran = run_checks(
        test_a="""
@check("a.one", subject=OWN, control=none_because("it counts"), mutants=none_because("nothing to change"))
def test_it(): "T."
"""
    )

    ran.assert_outcomes(passed=1)


def test_ordinary_tests_are_left_alone(run_checks, pytester):
    pytester.makepyfile(test_plain="def test_it(): assert 1 == 2")

    ran = run_checks()

    assert ran.ret == 1
    assert "checks ===" not in ran.stdout.str()
    ran.stdout.fnmatch_lines(["*def test_it*"])
    assert not (pytester.path / "reports").exists()
