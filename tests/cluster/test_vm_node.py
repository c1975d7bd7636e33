"""A node that is a virtual machine: it comes up with what its mode wants, is named when it dies, and leaves nothing."""

import shutil
import subprocess
import sys
import textwrap

import pytest

from netproof.cluster import state, virtual
from netproof.node import cgroups
from netproof.node.vm import qemu
from netproof.report.results import Results
from netproof.verdict import Verdict

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(shutil.which(qemu.PROGRAM) is None, reason=f"{qemu.PROGRAM} is not installed"),
]
RUN_SECONDS = 600
NAME = "test-vm-node"

SUITE = """
    from netproof.check import OWN, check, none_because

    NOTHING = none_because("a test of netproof itself")

    @check("machine.serves", subject=OWN, control=NOTHING, mutants=NOTHING)
    def test_serves(cluster):
        "The node has a kernel of its own, with IPVS, and its agent reaches the API through a virtual server."
        node = cluster.node()
        assert "cloud" in node.run(["uname", "-r"]).stdout
        assert f"{cluster.spec.kubernetes_service_address}:443 rr" in node.run(["ipvsadm", "-Ln"]).stdout
        assert cluster.spec.kubernetes_service_address in node.addresses()
        reply = node.connect(cluster.spec.kubernetes_service_address, 443, timeout_seconds=5)
        assert reply.failure is None

    @check("machine.restarts", subject=OWN, needs=["machine.serves"], control=NOTHING, mutants=NOTHING)
    def test_restarts(cluster):
        "A component in the machine is restarted as on any node."
        cluster.local.restart("kube-proxy-n1")
        assert not cluster.broken()

    @check("machine.dies", subject=OWN, needs=["machine.restarts"], control=NOTHING, mutants=NOTHING)
    def test_dies(cluster):
        "The machine is killed in the middle of a check."
        cluster.local.kill("vm-n1")
        assert False, "the subject was blamed"
"""


def test_a_virtual_machine_serves_and_is_named_when_it_dies(tmp_path):
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
    reports = tmp_path / "reports"

    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-m", "networking", "--node-kind", "vm", "--proxy-mode", "ipvs"),
            *("--cluster-name", NAME, "--report-dir", str(reports), str(tmp_path)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    print(run.stdout, run.stderr, sep="\n")

    verdicts = {check.id: check for check in Results.read(reports / "latest" / "results.json").checks}
    assert verdicts["machine.serves"].verdict is Verdict.PASSED
    assert verdicts["machine.restarts"].verdict is Verdict.PASSED
    assert verdicts["machine.dies"].verdict is Verdict.ERROR
    assert "vm-n1" in verdicts["machine.dies"].message
    assert not state.is_alive(NAME)
    assert not cgroups.processes(f"/netproof/{NAME}")


def test_a_machine_that_does_not_come_up_is_said_with_its_last_words(tmp_path):
    """An image that is no file system: the machine's console says so, and the run ends before any check."""
    broken = tmp_path / "broken.sqfs"
    broken.write_bytes(bytes(1024 * 1024))
    script = f"""
        from pathlib import Path
        from netproof.cluster import virtual
        virtual.image.build_image = lambda tree, directory: Path({str(broken)!r})
        from netproof.cli import main
        main()
    """

    run = subprocess.run(
        [
            *(sys.executable, "-c", textwrap.dedent(script), "up", "--detach", "--cluster-name", NAME),
            *("--node-kind", virtual.VM),
        ],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )

    assert run.returncode != 0
    assert "vm-n1" in run.stderr
    assert "there is no root file system" in run.stderr
    assert not state.is_alive(NAME)
