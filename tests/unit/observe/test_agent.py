"""An agent acts in its place and tells what it saw."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netproof.observe.agent_standpoint import AgentStandpoint
from netproof.observe.protocol import Failure
from netproof.observe.standpoint import StandpointError
from netproof.waiting import NotYetError, TimedOutError, Waiter

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")


def test_it_says_who_it_is(agent):
    assert agent.hello().name == "here"


def test_its_start_loads_no_library():
    probe = (
        "import sys, netproof.observe.agent; print(*{'requests', 'dns', 'pyroute2', 'pydantic'} & sys.modules.keys())"
    )
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""


def test_each_request_has_a_connection_of_its_own(agent, site):
    replies = agent.get(site.url, times=5)

    assert replies.all_ok
    assert replies.served_by() == {"web-6d4c-abcde": 5}
    assert len(site.peers) == 5
    assert {reply.local_address for reply in replies} == {f"{host}:{port}" for host, port in site.peers}


def test_requests_may_run_at_once(agent, site):
    threading.Thread(target=lambda: (site.wait_until_held(4), site.let_go.set()), daemon=True).start()

    replies = agent.get(f"{site.url}/held", times=4, concurrency=4, timeout_seconds=30)

    assert replies.all_ok


def test_a_name_can_be_sent_to_an_address(agent, site):
    replies = agent.get(f"http://app.local:{site.port}/", resolve={"app.local": "127.0.0.1"})

    assert replies.all_ok
    assert site.hosts == [f"app.local:{site.port}"]


def test_headers_override_the_host(agent, site):
    assert agent.get(site.url, headers={"Host": "app.local", "X-Say": "web-0"}).served_by() == {"web-0": 1}
    assert site.hosts == ["app.local"]


def test_a_wrong_url_is_no_reply_but_an_error(agent):
    with pytest.raises(StandpointError, match="is no URL of http"):
        agent.get("127.0.0.1")


def test_the_source_address_can_be_chosen(agent, site):
    assert agent.get(site.url, source_address="127.0.0.9")[0].local_address.startswith("127.0.0.9:")


def test_a_proxy_of_the_environment_is_not_used(agent, site, tmp_path, closed_port):
    path = tmp_path / "a.sock"
    command = [sys.executable, "-m", "netproof.observe.agent", "--socket", str(path), "--name", "proxied"]
    process = subprocess.Popen(command, env={**os.environ, "http_proxy": f"http://127.0.0.1:{closed_port}"})
    try:
        proxied = AgentStandpoint("proxied", path)
        proxied.wait_until_up()

        assert proxied.get(site.url).all_ok
    finally:
        process.kill()
        process.wait()


def test_a_redirect_is_a_reply(agent, site):
    assert agent.get(f"{site.url}/moved").statuses == {302: 1}


def test_an_error_page_is_lost_but_no_failure(agent, site):
    replies = agent.get(f"{site.url}/broken")

    assert not replies.failures
    assert len(replies.lost) == 1


def test_a_closed_port_refuses(agent, closed_port):
    replies = agent.get(f"http://127.0.0.1:{closed_port}/", times=2)

    assert replies.failure_kinds == {Failure.REFUSED: 2}
    assert replies.all_failed


def test_silence_is_a_timeout(agent, silent_port):
    replies = agent.get(f"http://127.0.0.1:{silent_port}/", timeout_seconds=0.2)

    assert replies.failure_kinds == {Failure.TIMEOUT: 1}
    assert replies[0].detail == "no whole reply within 0.2 s"
    assert 0.15 < replies[0].duration_seconds < 1


def test_a_connection_closed_early_is_told_from_a_refused_one(agent, site):
    assert agent.get(f"{site.url}/cut").failure_kinds == {Failure.CLOSED: 1}


def test_a_reset_connection_is_told_from_a_closed_one(agent):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def reset() -> None:
            connection, _ = listener.accept()
            connection.close()  # with the request unread, the kernel sends a reset

        thread = threading.Thread(target=reset)
        thread.start()
        reply = agent.connect("127.0.0.1", listener.getsockname()[1], payload="x" * 4096)
        thread.join()

    assert reply.failure in {Failure.RESET, None}  # None where the close came before the payload
    assert reply.local_address


def test_a_name_that_does_not_exist(agent):
    assert agent.get("http://name.invalid/", timeout_seconds=1).failure_kinds == {Failure.NAME_NOT_RESOLVED: 1}


def test_an_address_without_a_route(agent):
    assert agent.get("http://240.0.0.1/", timeout_seconds=0.5).failure_kinds.keys() <= {
        Failure.UNREACHABLE,
        Failure.TIMEOUT,
    }


def test_a_steady_load_is_not_held_up_by_slow_replies(agent, site):
    with agent.load(f"{site.url}/held", interval_seconds=0.05, timeout_seconds=30) as load:
        site.wait_until_held(5)  # a closed loop would wait for the first reply
        site.let_go.set()

    assert load.replies.all_ok


def test_a_steady_load_counts_what_is_lost(agent, site):
    with agent.load(f"{site.url}/cut") as load:
        site.wait_until_asked(3)

    assert load.replies.all_failed
    assert load.replies.failure_kinds.keys() == {Failure.CLOSED}


def test_a_load_is_stopped_when_the_action_fails(agent, site):
    with contextlib.suppress(ZeroDivisionError), agent.load(site.url):
        _ = 1 / 0

    seen = len(site.hosts)
    agent.get(site.url, times=100)
    assert len(site.hosts) == seen + 100


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_dns_answers(agent, name_server, tcp):
    answer = agent.resolve("web.default.", server="127.0.0.1", port=name_server, tcp=tcp)
    absent = agent.resolve("nobody.default.", server="127.0.0.1", port=name_server, tcp=tcp)

    assert (answer.rcode, answer.addresses) == ("NOERROR", ("10.96.0.77",))
    assert "aa" in answer.reply.flags
    assert answer.reply.answers[0].ttl == 5
    assert (absent.rcode, absent.addresses) == ("NXDOMAIN", ())


def test_a_truncated_answer_says_so_and_tcp_has_it_all(agent, name_server):
    by_udp = agent.resolve("large.", server="127.0.0.1", port=name_server)
    by_tcp = agent.resolve("large.", server="127.0.0.1", port=name_server, tcp=True)

    assert by_udp.truncated
    assert len(by_tcp.data("A")) == 100
    assert by_tcp.reply.size_bytes > 512


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_no_name_server_there(agent, closed_port, tcp):
    answer = agent.resolve("web.", server="127.0.0.1", port=closed_port, tcp=tcp, timeout_seconds=1)

    assert answer.failure is Failure.REFUSED
    assert answer.rcode == ""


@as_root
def test_ping_answers(agent):
    result = agent.ping("127.0.0.1", count=2)

    assert result.answered
    assert not result.rejected
    assert [reply.sequence for reply in result.reply.replies] == [1, 2]


def test_udp_exchange(agent, closed_port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))

        def serve() -> None:
            data, client = echo.recvfrom(100)
            echo.sendto(data.upper(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        reply = agent.udp("127.0.0.1", echo.getsockname()[1], "hello")
        thread.join()

    assert reply.received == "HELLO"
    assert agent.udp("127.0.0.1", closed_port, "hello").failure is Failure.REFUSED


def test_tcp_connect(agent, site, closed_port):
    assert agent.connect("127.0.0.1", site.port).failure is None
    assert agent.connect("127.0.0.1", closed_port).failure is Failure.REFUSED


def test_commands(agent):
    done = agent.run(["sh", "-c", 'cat; echo "$WHO" >&2; exit 3'], stdin="in", environment={"WHO": "me"})

    assert (done.exit_code, done.stdout, done.stderr) == (3, "in", "me\n")
    assert not done.ok


def test_a_command_that_takes_too_long_is_ended_with_its_children(agent):
    done = agent.run(["sh", "-c", "echo before; sleep 60 & sleep 60"], timeout_seconds=0.3)

    assert done.timed_out
    assert done.stdout == "before\n"
    assert done.duration_seconds < 5


def test_a_command_that_does_not_exist(agent):
    assert agent.run(["no-such-command"]).exit_code == 127


def test_interfaces_and_addresses(agent):
    loopback = next(one for one in agent.interfaces() if one.name == "lo")

    assert "UP" in loopback.flags
    assert "127.0.0.1/8" in loopback.addresses
    assert "127.0.0.1" in agent.addresses()
    assert all(route.table == 254 for route in agent.routes())
    assert isinstance(agent.neighbours(), tuple)


@as_root
def test_what_the_place_cannot_do_is_an_error_of_the_standpoint(agent):
    with pytest.raises(StandpointError, match="could not perform 'arp'"):
        agent.arp_owners("10.0.0.1", "no-such-link")


def test_no_agent_there(tmp_path):
    nobody = AgentStandpoint("nobody", tmp_path / "nobody.sock")

    with pytest.raises(StandpointError, match="does not answer"):
        nobody.hello()
    with pytest.raises(TimedOutError, match="no socket at"):
        nobody.wait_until_up(timeout_seconds=0.1)


def test_it_ends_with_the_process_that_started_it(tmp_path):
    path = tmp_path / "own" / "a.sock"
    path.parent.mkdir()
    starter = (
        "import subprocess, sys, threading\n"
        "command = [sys.executable, '-m', 'netproof.observe.agent', '--socket', sys.argv[1], '--name', 'orphan']\n"
        "command.append('--own-directory')\n"
        "thread = threading.Thread(target=subprocess.Popen, args=(command,))\n"  # a thread that ends at once
        "thread.start(); thread.join(); input()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter, str(path)], stdin=subprocess.PIPE)
    orphan = AgentStandpoint("orphan", path)
    pid = orphan.wait_until_up().pid

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    _wait_for_the_end_of(pid)
    assert not path.parent.exists()


def test_its_end_ends_its_commands(tmp_path):
    path = tmp_path / "a.sock"
    process = subprocess.Popen([sys.executable, "-m", "netproof.observe.agent", "--socket", path, "--name", "busy"])
    busy = AgentStandpoint("busy", path)
    busy.wait_until_up()
    marker = tmp_path / "pid"
    thread = threading.Thread(
        target=pytest.raises, args=(StandpointError, busy.run, ["sh", "-c", f"echo $$ > {marker}; exec sleep 60"])
    )
    thread.start()

    def started() -> int:
        text = marker.read_text() if marker.exists() else ""
        if not text.endswith("\n"):
            raise NotYetError("no marker")
        return int(text)

    command = Waiter().until("the command runs", started, timeout_seconds=5)
    process.terminate()
    process.wait(timeout=5)
    thread.join()

    _wait_for_the_end_of(command)


def _wait_for_the_end_of(pid: int) -> None:
    def ended() -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":  # ended, and waits for its new parent to notice
                raise NotYetError(f"process {pid} is in state {state}")

    Waiter().until(f"process {pid} has ended", ended, timeout_seconds=5)


def test_on_a_slow_place_a_steady_load_is_as_much_thinner(agent, site):
    slow = AgentStandpoint("here", agent.socket_path, slowness=3.0)

    with slow.load(f"{site.url}/", interval_seconds=0.05) as load:
        site.wait_until_asked(2)

    assert load.interval_seconds == pytest.approx(0.15)
    assert load.replies.all_ok
