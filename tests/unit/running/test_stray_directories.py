"""A directory after a blank is an option's value, though pytest looks for its configuration there."""

from __future__ import annotations

import pytest

A_CHECK = """
@a_check("a.one")
def test_one(): "T."
"""


@pytest.fixture
def elsewhere(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def checkout(pytester):
    """A working directory with a configuration of pytest."""
    pytester.makeini("[pytest]\ntestpaths = .")
    pytester.mkdir("inside")
    return pytester.path


@pytest.mark.usefixtures("checkout")
def test_a_directory_elsewhere_is_refused_with_the_way_to_write_it(run_checks, elsewhere):
    ran = run_checks("--report-dir", str(elsewhere), test_a=A_CHECK)

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(
        [f"ERROR: pytest takes {elsewhere} for a place of tests, *", f"*write --report-dir={elsewhere}"]
    )
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".pytest.ini", ""),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("tox.ini", "[tox]\n[pytest]\n"),
        ("setup.cfg", "[tool:pytest]\n"),
    ],
)
def test_so_it_is_whatever_file_the_configuration_is_in(run_checks, pytester, elsewhere, name, text):
    (pytester.path / name).write_text(text)

    ran = run_checks("--report-dir", str(elsewhere), test_a=A_CHECK)

    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines([f"*so does not read {pytester.path / name}"])


@pytest.mark.usefixtures("checkout")
def test_so_is_one_with_a_configuration_of_its_own(run_checks, elsewhere):
    (elsewhere / "pytest.ini").write_text("[pytest]")

    assert run_checks("--report-dir", str(elsewhere), "test_a.py", test_a=A_CHECK).ret == pytest.ExitCode.USAGE_ERROR


def test_nothing_is_refused_where_the_configuration_is_the_right_one(run_checks, elsewhere, checkout):
    for arguments in (
        [f"--report-dir={elsewhere}"],
        ["--report-dir", "inside"],
        ["--report-dir", str(checkout / "new")],
        ["--report-dir", str(elsewhere), f"--rootdir={checkout}"],
        ["--report-dir", str(elsewhere), "-c", "tox.ini"],
        ["--report-dir", str(elsewhere), "test_a.py"],
    ):
        run_checks(*arguments, test_a=A_CHECK).assert_outcomes(passed=1)


def test_nor_where_there_is_no_configuration(run_checks, pytester, elsewhere):
    (pytester.path / "pyproject.toml").write_text("[tool.pytest-watcher]\n")

    run_checks("--report-dir", str(elsewhere), test_a=A_CHECK).assert_outcomes(passed=1)


@pytest.mark.usefixtures("checkout")
def test_help_is_given_all_the_same(run_checks, elsewhere):
    assert run_checks("--help", "--report-dir", str(elsewhere)).ret == pytest.ExitCode.OK
