"""Programs that are run for long work: within their time, ended with all they started, and none after the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netproof import programs
from netproof.programs import Programs, StoppedError, TookTooLongError
from netproof.waiting import NotYetError, Waiter


def shell(script):
    return ["sh", "-c", script]


def test_a_program_runs_to_its_end_with_its_output_in_a_file(tmp_path):
    code = Programs().run(shell("echo said; exit 3"), directory=tmp_path, output=tmp_path / "log", seconds=30)

    assert code == 3
    assert (tmp_path / "log").read_text() == "said\n"


def test_options_for_pytest_in_the_environment_are_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")

    Programs().run(shell('echo "[$PYTEST_ADDOPTS]"'), directory=tmp_path, output=tmp_path / "log", seconds=30)

    assert (tmp_path / "log").read_text() == "[]\n"


def test_what_all_of_them_get_in_their_environment(tmp_path):
    Programs({"GIVEN": "a"}).run(shell('echo "$GIVEN $HOME"'), directory=tmp_path, output=tmp_path / "log", seconds=30)

    assert (tmp_path / "log").read_text() == f"a {Path.home()}\n"


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "GRACE_SECONDS", 0.2)
    script = "trap '' INT; sleep 60 & echo $! > child; wait; wait"

    with pytest.raises(TookTooLongError):
        Programs().run(shell(script), directory=tmp_path, output=tmp_path / "log", seconds=0.5)

    wait_until_gone(int((tmp_path / "child").read_text()))


def test_one_is_asked_to_end_where_netproof_was_killed(tmp_path):
    script = f"""
from pathlib import Path
from netproof.programs import Programs
argv = ["sh", "-c", "echo $$ > own; mv own number; exec sleep 60"]
Programs().run(argv, directory=Path({str(tmp_path)!r}), output=Path({str(tmp_path / "log")!r}), seconds=60)
"""
    ours = subprocess.Popen([sys.executable, "-c", script])
    number = tmp_path / "number"
    Waiter(retry_on=(FileNotFoundError,)).until("it runs", number.stat, timeout_seconds=20)

    ours.kill()
    ours.wait()

    wait_until_gone(int(number.read_text()))


def wait_until_gone(pid):
    def gone():
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().split()[2] != "Z":
            raise NotYetError("it runs")

    Waiter().until("the process has ended", gone, timeout_seconds=10)


def test_one_that_wants_too_much_memory_fails(tmp_path):
    code = Programs().run(
        [sys.executable, "-c", "x = bytearray(1 << 31)"],
        directory=tmp_path,
        output=tmp_path / "log",
        seconds=60,
        memory_bytes=1 << 29,
    )

    assert code != 0
    assert "MemoryError" in (tmp_path / "log").read_text()


def test_where_the_wait_is_interrupted_the_program_is_too(tmp_path):
    log = tmp_path / "log"

    def up():
        if not log.is_file() or not log.read_text():
            raise NotYetError("not yet")

    def interrupt():
        Waiter().until("it runs", up, timeout_seconds=20)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    script = "trap 'echo interrupted; exit' INT; echo up; sleep 60 & wait"

    with pytest.raises(KeyboardInterrupt):
        Programs().run(shell(script), directory=tmp_path, output=log, seconds=90)

    thread.join(30)
    assert log.read_text().split() == ["up", "interrupted"]


def test_the_end_ends_what_runs_and_lets_nothing_begin(tmp_path):
    all_programs, raised = Programs(), []

    def run():
        try:
            all_programs.run(shell("echo up; sleep 60"), directory=tmp_path, output=tmp_path / "log", seconds=90)
        except StoppedError as stopped:
            raised.append(stopped)

    thread = threading.Thread(target=run)
    thread.start()

    def up():
        if not (tmp_path / "log").is_file() or not (tmp_path / "log").read_text():
            raise NotYetError("not yet")

    Waiter().until("it runs", up, timeout_seconds=20)
    all_programs.stop()
    thread.join(30)

    assert len(raised) == 1
    with pytest.raises(StoppedError):
        all_programs.run(shell("true"), directory=tmp_path, output=tmp_path / "log", seconds=5)
