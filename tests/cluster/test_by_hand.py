"""The commands that make an embedded cluster a tool of its own, as a person types them."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest
import yaml

from netproof.cluster import state
from netproof.cluster.local import LocalCluster
from netproof.toolchain import ensure, resolve_kubernetes_version

pytestmark = pytest.mark.cluster

NAME = "by-hand"
NETPROOF = [sys.executable, "-m", "netproof"]
PATIENCE_SECONDS = 60


def netproof(*arguments, code=0, **options):
    """What a command of netproof prints, errors among it; it must end with ``code``."""
    done = subprocess.run(
        [*NETPROOF, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS * 3,
        **options,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def here(*arguments, **options):
    """The same, about the cluster of this file."""
    command, *rest = arguments
    return netproof(command, "--cluster-name", NAME, *rest, **options)


@pytest.fixture(scope="module", autouse=True)
def booted():
    """A cluster of one node, made and ended by the commands themselves."""
    said = here("up", "--detach", "--nodes", "1")
    yield said
    here("down")
    assert NAME not in netproof("status")
    assert NAME not in state.cluster_names()


def test_up_says_how_kubectl_gets_there(booted):
    (line,) = [line for line in booted.splitlines() if line.startswith("export ")]

    nodes = subprocess.run(
        ["sh", "-c", f"{line}; kubectl get nodes -o name"], capture_output=True, text=True, check=True
    )

    assert nodes.stdout.split() == ["node/n1"]


def test_the_printed_kubeconfig_is_good_for_any_kubectl_of_the_host(tmp_path):
    kubeconfig = tmp_path / "printed"
    kubeconfig.write_text(here("kubeconfig"), encoding="utf-8")
    kubectl = ensure(["kubernetes"], resolve_kubernetes_version(None)).path("kubectl")

    ready = subprocess.run(
        [kubectl, "--kubeconfig", kubeconfig, "get", "--raw", "/readyz"], capture_output=True, text=True, check=True
    )

    assert ready.stdout == "ok"
    assert yaml.safe_load(kubeconfig.read_text())["current-context"] == f"netproof-{NAME}"
    assert here("kubeconfig", "--path").strip() == str(state.StateDirectory(NAME).kubeconfig)


def test_a_second_up_of_the_name_is_refused():
    said = here("up", "--detach", code=4)

    assert f"a cluster named '{NAME}' is running" in said
    assert f"netproof down --cluster-name {NAME}" in said


def test_of_two_ups_of_one_name_one_wins_and_the_other_is_told():
    name = "by-hand-race"
    command = [*NETPROOF, "up", "--detach", "--nodes", "1", "--cluster-name", name]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    said = [one.communicate(timeout=PATIENCE_SECONDS * 3)[0] for one in both]
    codes = [one.returncode for one in both]

    try:
        assert sorted(codes) == [0, 4], said
        assert f"a cluster named '{name}' is running" in said[codes.index(4)]
        assert netproof("exec", "--cluster-name", name, "n1", "--", "hostname").strip() == "n1"
    finally:
        netproof("down", "--cluster-name", name)


def test_status_names_nodes_and_components():
    (found,) = [one for one in json.loads(netproof("status", "--json")) if one["name"] == NAME]

    assert [node["name"] for node in found["nodes"]] == ["n1"]
    assert {"etcd", "kube-apiserver", "kubelet-n1", "kube-proxy-n1", "containerd-n1"} <= set(found["components"])
    assert found["died"] == {}
    assert "kube-proxy-n1" in netproof("status")


def test_a_command_on_a_node_sees_that_node():
    assert here("exec", "n1", "--", "hostname").strip() == "n1"
    assert "kubelet" in here("exec", "n1", "--", "ps", "-e", "-o", "args")
    assert "KUBE-SERVICES" in here("exec", "n1", "--", "iptables-save", "--table", "nat")
    assert "172.17.0.11" in here("exec", "n1", "--", "ip", "-4", "addr")


def test_a_command_on_the_lan_stands_outside_the_nodes_and_in_the_callers_directory(tmp_path):
    assert "172.17.0.1" in here("exec", "lan", "--", "ip", "-4", "addr")
    assert "10.96" not in here("exec", "lan", "--", "ip", "route")
    assert here("exec", "lan", "--", "pwd", cwd=tmp_path).strip() == str(tmp_path)
    assert "node/n1" in here("exec", "lan", "--", "kubectl", "get", "nodes", "-o", "name")


def test_a_command_ends_with_its_own_exit_code():
    here("exec", "n1", "--", "sh", "-c", "exit 7", code=7)


def test_an_unknown_place_is_told_the_places_there_are():
    said = here("exec", "n9", "--", "true", code=4)

    assert "has no place 'n9'" in said
    assert "lan, n1" in said


def test_the_shell_says_where_it_stands_and_completes_kubectl():
    screen = Terminal([*NETPROOF, "shell", "--cluster-name", NAME])

    screen.read_until(f"[{NAME} lan]")
    screen.type("kubectl get --all-na\t nod\t -o name\n")
    screen.read_until("node/n1")
    screen.type("exit 3\n")

    assert screen.end() == 3


def test_a_shell_without_a_terminal_is_told_what_to_do():
    said = here("shell", code=4)

    assert "a shell wants a terminal" in said
    assert "netproof exec lan -- COMMAND" in said


def test_logs_of_one_component_and_of_all():
    assert "172.17.0.2" in here("logs", "kube-apiserver")
    everything = here("logs")
    assert "kubelet-n1.log <==" in everything
    assert "etcd.log <==" in everything
    assert len(here("logs", "kube-apiserver", "--tail", "3").splitlines()) == 3
    assert "there are logs of" in here("logs", "no-such", code=4)


def test_followed_logs_show_what_comes_next():
    follower = Terminal([*NETPROOF, "logs", "--cluster-name", NAME, "--tail", "0", "-f", "kube-proxy-n1"])

    here("restart", "kube-proxy-n1")

    follower.read_until("Version info")
    follower.kill()


@pytest.mark.parametrize("component", ["kube-scheduler", "kubelet-n1", "forwarder", "kube-apiserver"])
def test_a_component_restarted_serves_again(component):
    before = pids()[component]

    assert f"{component} of the cluster {NAME!r} was restarted" in here("restart", component)

    after = pids()
    assert after[component] != before
    assert here("exec", "lan", "--", "sh", "-c", wait_for("kubectl get --raw /readyz")).strip() == "ok"


def test_a_component_that_died_is_named_and_can_be_restarted():
    LocalCluster.attach(NAME).kill("kube-scheduler")
    assert "kube-scheduler ended with exit code -9" in netproof("status")

    here("restart", "kube-scheduler")

    assert "ended with exit code" not in netproof("status")


def test_components_start_where_there_is_no_ipv6():
    off = ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
    for place in ("control-plane", "n1"):
        here("exec", place, "--", *off)
    for component in ("kube-apiserver", "containerd-n1", "kubelet-n1", "kube-proxy-n1"):
        here("restart", component)

    assert here("exec", "n1", "--", "ip", "-6", "addr").strip() == ""
    service = "curl -s -k --max-time 2 https://10.96.0.1/readyz"
    assert here("exec", "n1", "--", "sh", "-c", wait_for(service)).strip() == "ok"
    assert here("exec", "n1", "--", "sh", "-c", wait_for("kubectl get --raw /readyz")).strip() == "ok"


def test_an_up_that_holds_its_cluster_ends_with_it():
    name = "by-hand-held"
    held = Terminal([*NETPROOF, "up", "--nodes", "1", "--cluster-name", name])
    held.read_until("Ctrl-C ends it")

    os.kill(LocalCluster.attach(name).first_process(), signal.SIGKILL)

    held.read_until(f"the cluster '{name}' has ended")
    assert held.end() == 0
    assert name not in state.cluster_names()


def test_what_is_not_there_is_told():
    assert "no component 'etc'" in here("restart", "etc", code=4)
    assert "there is no add-on istio" in netproof("addon", "install", "--cluster-name", NAME, "istio", code=4)
    for command in (["kubeconfig"], ["logs"], ["down"], ["shell"], ["exec", "n1", "true"], ["restart", "etcd"]):
        assert "no cluster named 'nobody' is running" in netproof(*command, "--cluster-name", "nobody", code=4)


def pids():
    """The processes of the components."""
    return {
        name: one["pid"] for name, one in json.loads(state.StateDirectory(NAME).status.read_text())["running"].items()
    }


def wait_for(command):
    """A shell script that runs a command until it succeeds."""
    return f"until {command} 2>/dev/null; do sleep 0.2; done"


class Terminal:
    """A command on a terminal of its own, as a person uses it."""

    def __init__(self, command):
        self._seen = ""
        pid, self._descriptor = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "dumb"
            os.execv(command[0], command)
        self._pid = pid

    def type(self, text):
        """Type on the keyboard."""
        os.write(self._descriptor, text.encode())

    def read_until(self, text):
        """Read the screen until ``text`` is on it; what was before is forgotten."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self._seen:
            if not select.select([self._descriptor], [], [], deadline - time.monotonic())[0]:
                pytest.fail(f"no {text!r} on the screen:\n{self._seen}")
            self._seen += os.read(self._descriptor, 4096).decode(errors="replace")
        self._seen = self._seen.partition(text)[2]

    def end(self):
        """The exit code of the command, once it has ended."""
        with contextlib.suppress(OSError):  # the kernel's word for a terminal whose other side is closed
            while os.read(self._descriptor, 4096):
                continue
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def kill(self):
        """End the command."""
        os.kill(self._pid, 15)
        self.end()
