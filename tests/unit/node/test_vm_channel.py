"""The channel to a virtual machine, with a guest that is a thread of this process in the machine's place."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading

import pytest

from netproof.node.vm.frames import Decoder, Frame, Kind, data_frames
from netproof.node.vm.guest import Guest
from netproof.node.vm.link import Link, LostMachineError, console_tail
from netproof.node.vm.remote import RemoteError, ask
from netproof.waiting import NotYetError, Waiter


class Machine:
    """A link whose machine is a guest in a thread; ``lost`` is why the link ended."""

    def __init__(self, directory):
        self.link = directory / "link.sock"
        outside, self.inside = socket.socketpair()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.link))
        listener.listen()
        self.guest = Guest(self.inside.fileno())
        self.lost = None
        link = Link(outside, listener, boot_seconds=5, silence_seconds=5)
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self.guest.serve, lambda: self.run(link))]
        for thread in self.threads:
            thread.start()

    def run(self, link):
        try:
            link.serve()
        except LostMachineError as lost:
            self.lost = lost
            link.close()

    def command(self, *argv, options=()):
        return [sys.executable, "-m", "netproof.node.vm.remote", f"--link={self.link}", *options, "--", *argv]

    def start(self, *argv, options=()):
        command = self.command(*argv, options=options)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path)

    # Where the guest is process 1 it collects all children; here that would take those of the test.
    def start(argv, environment, ended, stdin, stdout):
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
            start_new_session=True,
        )
        threading.Thread(target=lambda: ended(process.wait()), daemon=True).start()
        return process

    monkeypatch.setattr(made.guest.children, "start", start)
    return made


def test_frames_survive_however_they_are_cut():
    frames = [Frame(Kind.OPEN, 7, b"{}"), Frame(Kind.END, 7), *data_frames(7, b"x" * 100_000)]
    wire = b"".join(frame.encode() for frame in frames)
    decoder = Decoder()

    found = [frame for byte in range(0, len(wire), 997) for frame in decoder.feed(wire[byte : byte + 997])]

    assert found == frames


def test_a_process_inside_has_its_output_and_its_exit_code_outside(machine):
    process = machine.start("sh", "-c", "echo $WORD; echo wrong >&2; exit 3", options=["--env=WORD=hello"])

    output, _ = process.communicate(timeout=20)

    assert output == "hello\nwrong\n"
    assert process.returncode == 3


def test_a_signal_outside_reaches_the_process_inside(machine):
    process = machine.start(
        "sh", "-c", "trap 'echo asked to end; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    )
    assert process.stdout.readline() == "ready\n"

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)

    assert output == "asked to end\n"
    assert process.returncode == 5


def test_a_process_inside_ends_when_the_one_outside_is_killed(machine, tmp_path):
    mark = tmp_path / "pid"
    process = machine.start("sh", "-c", f"echo $$ > {mark}.new; mv {mark}.new {mark}; sleep 60")
    wait_until(mark.exists)
    inside = int(mark.read_text())

    process.kill()
    process.communicate(timeout=20)

    wait_until(lambda: not is_alive(inside))


def test_the_input_of_a_process_outside_is_that_of_the_one_inside(machine):
    much = "every line of it\n" * 20_000

    done = subprocess.run(
        machine.command("sh", "-c", "wc -l; echo end", options=["--interactive"]),
        input=much,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.stdout.split() == ["20000", "end"]


def test_input_that_is_not_read_holds_up_nothing(machine):
    done = subprocess.run(
        machine.command("true", options=["--interactive"]),
        input="x" * 1_000_000,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0


def test_on_a_terminal_the_process_inside_has_one_of_the_same_size(machine):
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    script = "stty size; read word; echo got $word; sleep 60"
    outside = subprocess.Popen(
        machine.command("sh", "-c", script, options=["--interactive"]), stdin=its, stdout=its, stderr=its
    )
    os.close(its)

    assert read_until(ours, b"33 77")
    os.write(ours, b"hello\r")
    assert read_until(ours, b"got hello")
    os.write(ours, b"\x03")  # Ctrl-C, which is for the program inside
    assert outside.wait(timeout=30) == 128 + signal.SIGINT
    os.close(ours)


def read_until(descriptor, wanted):
    """What a terminal prints up to something that is wanted."""
    seen = b""
    while wanted not in seen:
        seen += os.read(descriptor, 1000)
    return seen


def test_a_program_that_is_not_there_is_said(machine):
    process = machine.start("no-such-program")

    _, said = process.communicate(timeout=20)

    assert process.returncode == 127
    assert "no-such-program" in said


def test_a_program_starts_once_the_socket_that_it_wants_is_listened_on(machine, tmp_path):
    wanted, mark = tmp_path / "wanted.sock", tmp_path / "mark"
    process = machine.start("touch", str(mark), options=[f"--after={wanted}"])
    assert not mark.exists()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(wanted))
        listener.listen()
        process.communicate(timeout=20)

    assert process.returncode == 0
    assert mark.exists()


def test_a_connection_outside_leads_to_a_socket_inside(machine, tmp_path):
    inside, outside = tmp_path / "inside.sock", tmp_path / "outside.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(inside))
    listener.listen()
    process = machine.start("sleep", "60", options=[f"--forward={outside}={inside}"])
    wait_until(outside.exists)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(outside))
        client.sendall(b"question" * 10_000)
        client.shutdown(socket.SHUT_WR)
        server, _ = listener.accept()
        with server, server.makefile("rb") as asked:
            assert asked.read() == b"question" * 10_000
            server.sendall(b"answer")
        with client.makefile("rb") as answered:
            assert answered.read() == b"answer"
    process.kill()
    process.communicate()


def test_what_the_machine_refuses_is_an_error_with_its_words(machine):
    with pytest.raises(RemoteError, match="no process"):
        ask(machine.link, pod_network="no-such-pod", cgroup="/no-such-group")


def test_a_machine_that_ends_is_lost_and_ends_those_who_stand_for_its_processes(machine):
    process = machine.start("sh", "-c", "echo ready; sleep 60")
    assert process.stdout.readline() == "ready\n"

    machine.inside.shutdown(socket.SHUT_RDWR)
    _, said = process.communicate(timeout=20)

    assert process.returncode == 255
    assert "has gone" in said
    wait_until(lambda: machine.lost)
    assert "ended" in str(machine.lost)


@pytest.mark.parametrize(("seconds", "said"), [((0.1, 60), "did not come up"), ((60, 0.1), "silent")])
def test_a_machine_that_does_not_answer_is_given_up(tmp_path, seconds, said):
    outside, inside = socket.socketpair()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "link.sock"))
    listener.listen()
    if seconds[0] > seconds[1]:
        inside.sendall(Frame(Kind.HELLO, 0).encode())

    with pytest.raises(LostMachineError, match=said):
        Link(outside, listener, boot_seconds=seconds[0], silence_seconds=seconds[1]).serve()


def test_the_end_of_the_console_is_shown(tmp_path):
    console = tmp_path / "vm-n1.log"
    console.write_text("".join(f"line {number}\n" for number in range(100)))

    said = console_tail(console)

    assert "line 99" in said
    assert "line 50" not in said


def wait_until(met):
    def look():
        if not met():
            raise NotYetError("not yet")

    Waiter(interval_seconds=0.02).until("the condition of the test is met", look, timeout_seconds=20)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
